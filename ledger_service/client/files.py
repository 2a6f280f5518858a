"""Writing files so that a reader sees the old one or the new one whole, and after a crash too."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ledger_service.client.errors import WrongInput

PRIVATE_FILE_MODE = 0o600
PUBLIC_FILE_MODE = 0o644
PRIVATE_FOLDER_MODE = 0o700


def write_atomically(path: Path, data: bytes, *, mode: int = PUBLIC_FILE_MODE, replace: bool = True) -> None:
    """Write `data` to `path` by way of a synced temporary file beside it. Raises `WrongInput` if it may not replace."""
    path = Path(path)
    if not replace and path.exists():
        raise WrongInput(f"{path} exists already; choose another name")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(Path(name), path, replace)
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def new_file(path: Path, *, mode: int = PRIVATE_FILE_MODE) -> Iterator[BinaryIO]:
    """A file to be written and read back; it gets its name when the block ends without an error, synced. Raises
    `WrongInput` where something has that name."""
    path = Path(path)
    if path.exists():
        raise WrongInput(f"{path} exists already; choose another name")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(Path(name), path, replace=False)
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_folder(path.parent)


def _put_in_place(temporary: Path, path: Path, replace: bool) -> None:
    if replace:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, a link never takes the place of a file that came meanwhile
    except FileExistsError:
        raise WrongInput(f"{path} exists already; choose another name") from None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
