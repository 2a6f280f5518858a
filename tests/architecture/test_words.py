"""What no tracked file says: machine paths, unfinished work, prints in the packages, names that name nothing."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import LOCK_FILES, text_of, tracked, tracked_files

# In pieces, so that this file passes its own test.
MACHINE = re.compile(
    "|".join(
        [
            "/" + "work/",
            "/" + r"root/",
            "/" + r"home/[a-z]",
            "/" + r"Users/[A-Za-z]",
            "py" + r"pi\.org",
            "pythonhosted" + r"\.org",
            "registry" + r"\.npmjs",
        ]
    )
)
BESIDE = "../" + "shared"
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
WRITTEN_BY_HAND = {".py", ".sol", ".js", ".mjs", ".md", ".toml", ".sh", ".yml", ".yaml", ".html", ".css", ""}
EMPTY_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}


def forbidden_words(file: Path, text: str) -> list[str]:
    """Every forbidden word of the text, in order."""
    found = [match[0] for match in MACHINE.finditer(text)]
    if file != Path(".ci/run") and BESIDE in text:
        found.append(BESIDE)
    if file.suffix in WRITTEN_BY_HAND:
        found += [match[0] for match in UNFINISHED.finditer(text)]
    return found


def prints(source: str) -> list[int]:
    """The lines that call `print`."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def empty_names(file: Path, source: str) -> list[str]:
    """Names of modules and classes that say nothing of what they are for."""
    found = [part for part in file.with_suffix("").parts if part in EMPTY_NAMES]
    classes = (node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return found + [name for name in classes if name.endswith(("Manager", "Helper", "Util", "Utils"))]


def test_no_forbidden_words() -> None:
    found = {}
    for file in tracked_files():
        text = None if file.name in LOCK_FILES else text_of(file)
        if text is not None and (words := forbidden_words(file, text)):
            found[str(file)] = words
    assert not found, f"take these words out: {found}"


def test_no_prints_in_the_packages() -> None:
    packages = [file for file in tracked(".py") if file.parts[0] in ("anchors", "ledger_service")]
    found = {str(file): lines for file in packages if (lines := prints(text_of(file) or ""))}
    assert not found, f"return or log it instead of printing it (file: lines): {found}"


def test_names_say_what_it_is() -> None:
    found = {str(file): names for file in tracked(".py") if (names := empty_names(file, text_of(file) or ""))}
    assert not found, f"name these for what they do: {found}"


@pytest.mark.parametrize(
    ("file", "text", "caught"),
    [
        ("a.py", "x = '/" + "work/main'", True),
        ("data.json", '"/' + 'home/somebody/x"', True),
        ("README.md", "see " + BESIDE, True),
        (".ci/run", "cd " + BESIDE, False),
        ("a.sol", "// TO" + "DO later", True),
        ("data.json", "base64 TO" + "DO", False),
        ("a.py", "workflow, /v1/works, roots", False),
    ],
)
def test_forbidden_words_are_caught(file: str, text: str, caught: bool) -> None:
    assert bool(forbidden_words(Path(file), text)) is caught


def test_prints_and_empty_names_are_caught() -> None:
    assert prints("def f():\n    print(1)\n    fingerprint(2)\n") == [2]
    assert empty_names(Path("anchors/utils.py"), "class KeyManager: ...") == ["utils", "KeyManager"]
    assert empty_names(Path("anchors/merkle.py"), "class Tree: ...") == []
