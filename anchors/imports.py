"""Import libraries that change the interpreter's settings, without letting them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keeping_recursion_limit() -> Iterator[None]:
    """Some cryptographic libraries raise the recursion limit to 100,000 when they are imported; after that, deeply
    nested JSON overruns the stack and ends the process instead of raising `RecursionError`."""
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
