"""Where the node cannot be built, the reason is one line that says what is missing."""

from pathlib import Path

import pytest

from scripts.geth import build
from scripts.geth.build import GethMissing, geth_executable


def _go_that_says(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "go"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(build, "CACHE", folder / "cache")


def test_without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GethMissing, match="no go on the PATH"):
        geth_executable()


def test_with_a_go_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _go_that_says(tmp_path, monkeypatch, "echo go1.20.14")
    with pytest.raises(GethMissing, match=r"needs Go 1\.21 or newer, this is 'go1\.20\.14'"):
        geth_executable()


def test_without_the_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says = 'if [ "$1" = env ]; then echo go1.22.1; else echo "go: module lookup disabled" >&2; exit 1; fi'
    _go_that_says(tmp_path, monkeypatch, says)
    with pytest.raises(GethMissing, match=r"^go could not build geth: go: module lookup disabled$"):
        geth_executable()
    assert not list((tmp_path / "cache").glob("*/geth")), "nothing half built is left"


def test_it_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says = (
        'if [ "$1" = env ]; then echo go1.22.1; exit; fi\n'
        f'echo built >> {tmp_path}/builds; while [ "$1" != -o ]; do shift; done; echo program > "$2"'
    )
    _go_that_says(tmp_path, monkeypatch, says)
    assert geth_executable() == geth_executable()
    assert (tmp_path / "builds").read_text() == "built\n"
