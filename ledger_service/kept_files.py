"""Files in folders that others fill: bounded, and nothing that would keep whoever reads waiting."""

import os
import stat
from pathlib import Path

from anchors.core.errors import Error


class UnfitFile(Error):
    """It is too long, or no file at all."""


def read_kept(path: Path, most: int) -> bytes:
    """The bytes of a regular file, at most so many. Raises `OSError`, or `UnfitFile` for a pipe or what is longer."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnfitFile("is not a file")
        data = file.read(most + 1)
    if len(data) > most:
        raise UnfitFile(f"is longer than {most} bytes")
    return data
