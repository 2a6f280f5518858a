"""Reads test vectors and says what a refusal must be."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from anchors import Error, MalformedInput, VerificationFailed
from tests.fixtures.availability import left_out

SPEC_VECTORS = Path(__file__).resolve().parents[2] / "docs" / "spec" / "vectors"
REFUSALS = {"malformed": MalformedInput, "failed": VerificationFailed, "refused": Error}


@dataclass(frozen=True)
class Vector:
    """One file of docs/spec/vectors."""

    desc: str
    input: dict[str, Any]
    expect: dict[str, Any] | None
    error: str | None

    @classmethod
    def read(cls, path: Path) -> "Vector":
        """One file, with nothing in it that the page does not name."""
        members = json.loads(path.read_text())
        if members.keys() not in ({"desc", "input", "expect"}, {"desc", "input", "error"}):
            raise ValueError(f"{path}: unknown members {sorted(members)}")
        return cls(members["desc"], members["input"], members.get("expect"), members.get("error"))

    def check(self, attempt: Callable[[], Any]) -> None:
        """Call `attempt`: it must return exactly `expect`, or raise what `error` says."""
        if self.error is None:
            outcome = attempt()
            # Compared as JSON text, so that 1 and true, or a list and a tuple, are told apart.
            assert json.dumps(outcome, sort_keys=True) == json.dumps(self.expect, sort_keys=True), self.desc
            return
        with pytest.raises(REFUSALS[self.error]) as caught:
            attempt()
        message = str(caught.value)
        assert message, "an error says what is wrong"
        assert "\n" not in message, "an error is one line"


def files_of(topic: str) -> list[Path]:
    """The files of a topic; there must be some."""
    files = sorted((SPEC_VECTORS / topic).glob("*.json"))
    if not files:
        raise FileNotFoundError(f"no vectors in {SPEC_VECTORS / topic}")
    return files


def of_topic(topic: str, without: str = "-") -> pytest.MarkDecorator:
    """Parametrizes a test with every vector of a topic, as `vector`, but for those whose name starts so."""
    files = [file for file in files_of(topic) if not file.stem.startswith(without)]
    return pytest.mark.parametrize("vector", [pytest.param(Vector.read(file), id=file.stem) for file in files])


def published(folder: str) -> Path:
    """A folder of vectors that others published; skips, with the reason, where they are not given."""
    place = os.environ.get("HUZHENG_VECTORS")
    if not place:
        left_out("set HUZHENG_VECTORS to the folder with the published merkle/ and tlog/ vectors")
    found = Path(place) / folder
    if not found.is_dir():
        pytest.fail(f"HUZHENG_VECTORS={place} has no folder {folder}")
    return found


def hexes(hashes: Any) -> list[str]:
    """Hashes as hex."""
    return [item.hex() for item in hashes]
