"""docs/RELIABILITY.md names files and tests that exist."""

import re
from pathlib import Path

from tests.architecture.tree import ROOT, text_of

PAGE = Path("docs/RELIABILITY.md")
NAMED = re.compile(r"`((?:anchors|contracts|ledger_service|tests)/[\w/.]+)(?:::(\w+))?`")


def missing_names(text: str) -> list[str]:
    """Every file that the text names and that is not there, and every test that is not in its file."""
    found = []
    for file, test in NAMED.findall(text):
        path = ROOT / file
        if not path.exists() or (test and f"def {test}(" not in path.read_text(encoding="utf-8")):
            found.append(f"{file}::{test}" if test else file)
    return found


def test_what_the_page_names_is_there() -> None:
    found = missing_names(text_of(PAGE) or "")
    assert not found, f"{PAGE} names what is not there: {found}"


def test_what_is_not_there_is_found() -> None:
    text = "`tests/nowhere.py` `tests/architecture/tree.py` `tests/architecture/test_reliability.py::test_no_such`"
    assert missing_names(text) == ["tests/nowhere.py", "tests/architecture/test_reliability.py::test_no_such"]
