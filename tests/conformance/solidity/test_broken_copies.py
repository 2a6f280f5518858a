"""The deliberately broken copies differ from the contracts only in lines that say so, so they cannot grow apart."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"
COPIES = {"CheckpointWitness": "BrokenWitness", "InstitutionRegistry": "BrokenRegistry"}


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").replace('"../../', '"./').splitlines()


@pytest.mark.parametrize("original", COPIES)
def test_every_other_line_is_the_original(original):
    copy = CONTRACTS / "test" / "broken" / f"{COPIES[original]}.sol"
    changes = list(difflib.ndiff(lines_of(CONTRACTS / f"{original}.sol"), lines_of(copy)))
    added = [line[2:] for line in changes if line.startswith("+ ")]
    removed = [line[2:] for line in changes if line.startswith("- ")]
    assert added and all(line.endswith("// fault") for line in added), added
    assert len(removed) < len(added), removed
