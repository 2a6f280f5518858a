"""Builds geth 1.13.15, the last with the Clique consensus, from Go modules whose sums `go.sum` fixes.

    python -m scripts.geth.build

The program is kept in the project's `.cache`, under the fingerprint of all that it is made from, and built again only
when that changes. Needed: the Go toolchain, 1.21 or newer, and Go modules from its proxy or its own cache; no C.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "geth"
PACKAGE = "github.com/ethereum/go-ethereum/cmd/geth"
OLDEST_GO = (1, 21)
_LINKER_CHECKS_NAMES_SINCE = (1, 23)
_REASON_CHARACTERS = 300


class GethMissing(Exception):
    """The node cannot be had here; the message says why, in one line."""


def geth_executable() -> Path:
    """The node's program, built first where it is not there. Raises `GethMissing`."""
    go, version = _go()
    flags = _flags(version)
    program = CACHE / _fingerprint(version, flags) / "geth"
    if program.exists():
        return program
    with _exclusive():
        if not program.exists():
            _build(go, flags, program)
    return program


def _go() -> tuple[str, tuple[int, int]]:
    go = shutil.which("go")
    if go is None:
        raise GethMissing("geth is built with the Go toolchain, and there is no go on the PATH")
    found = subprocess.run([go, "env", "GOVERSION"], env=_environment(), capture_output=True, text=True)
    version = re.match(r"go(\d+)\.(\d+)", found.stdout)
    if version is None or (number := (int(version[1]), int(version[2]))) < OLDEST_GO:
        raise GethMissing(f"geth needs Go {'.'.join(map(str, OLDEST_GO))} or newer, this is {found.stdout.strip()!r}")
    return go, number


def _flags(version: tuple[int, int]) -> list[str]:
    # A dependency of this geth names a function inside Go's runtime, which newer linkers refuse.
    linker = "-s -w" + (" -checklinkname=0" if version >= _LINKER_CHECKS_NAMES_SINCE else "")
    return ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={linker}"]


def _environment() -> dict[str, str]:
    """One toolchain, the one at hand; no C compiler."""
    return os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}


def _fingerprint(version: tuple[int, int], flags: list[str]) -> str:
    digest = hashlib.sha256(repr((version, flags, sys.platform)).encode())
    for name in ("go.mod", "go.sum"):
        digest.update(hashlib.sha256((HERE / name).read_bytes()).digest())
    return digest.hexdigest()[:16]


def _build(go: str, flags: list[str], program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        fresh = Path(folder) / "geth"
        command = [go, "build", *flags, "-o", str(fresh), PACKAGE]
        done = subprocess.run(
            command, cwd=HERE, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise GethMissing(f"go could not build geth: {lines[-1][:_REASON_CHARACTERS]}")
        fresh.rename(program)


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Two test runs of one tree build once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        print(geth_executable())
    except GethMissing as missing:
        sys.exit(f"geth: {missing}")
