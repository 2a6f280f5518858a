"""What goes wrong with a machine, for real: each is a block in which the cause lasts."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.fixtures.availability import left_out

PAGE = b"\0" * 4_096
_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA busy_timeout = 60000")
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of its own at `folder`, as small as asked for."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0777", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        folder.rmdir()
        left_out("a small disk cannot be mounted here (that needs root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Something else has taken all the space."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(PAGE)
    try:
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def write_protected(file: Path) -> Iterator[None]:
    """Not even its owner, nor the superuser, can write the file, also not through what is open already."""
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+i", str(file)], capture_output=True).returncode:
        left_out("a file cannot be write-protected here (chattr +i needs root and a file system that knows it)")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(file)], check=True)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process has begun to write, and does not end."""
    command = [sys.executable, "-c", _LOCK, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"locked\n"
            yield
        finally:
            other.stdin.close()


@contextlib.contextmanager
def moved_away(folder: Path) -> Iterator[None]:
    """Somebody renamed the folder of the database."""
    elsewhere = folder.with_name(folder.name + "-elsewhere")
    folder.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(folder)


@contextlib.contextmanager
def replaced(file: Path) -> Iterator[None]:
    """Another database, a good one, stands where the file was."""
    kept = file.with_name("kept.db")
    others = [file.with_name(file.name + ending) for ending in ("-wal", "-shm")]
    os.rename(file, kept)
    for other in others:
        os.rename(other, other.with_name(other.name + ".kept"))
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE another (id INTEGER)")
    try:
        yield
    finally:
        os.rename(kept, file)
        for other in others:
            os.rename(other.with_name(other.name + ".kept"), other)
