"""The project's files as git tracks them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK_FILES = ("uv.lock", "package-lock.json")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every tracked file that exists, relative to the root, in git's order."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = tuple(Path(name) for name in listed.split("\0") if name)
    return tuple(file for file in files if (ROOT / file).is_file())


def tracked(*suffixes: str, outside: tuple[str, ...] = ()) -> list[Path]:
    """The tracked files with one of these suffixes that are not in one of the top folders `outside`."""
    return [file for file in tracked_files() if file.suffix in suffixes and file.parts[0] not in outside]


def text_of(file: Path) -> str | None:
    """Its text; None if it is not UTF-8."""
    try:
        return (ROOT / file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
