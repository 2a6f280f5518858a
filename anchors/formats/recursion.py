"""Keeps parsers from following a document too deep.

The parsers behind the readers are recursive and rely on the interpreter's limit to stop them. Some libraries raise that
limit to 100,000 when they are imported (py_ecc, which comes with the Ethereum ones, does), and then a nested document
of a few kilobytes ends the whole process instead of raising RecursionError.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LIMIT_FRAMES = 1_000  # CPython's default

_lock = threading.Lock()
_readers = 0
_limit_before = LIMIT_FRAMES


@contextmanager
def default_recursion_limit() -> Iterator[None]:
    """Holds the interpreter's recursion limit at its default until the last reader is done.

    The limit belongs to the interpreter, so other threads have the default as well for that time.
    """
    global _readers, _limit_before
    with _lock:
        if _readers == 0:
            _limit_before = sys.getrecursionlimit()
            sys.setrecursionlimit(min(_limit_before, LIMIT_FRAMES))
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                sys.setrecursionlimit(_limit_before)
