"""Ways to spoil a JSON value, one at a time."""

from collections.abc import Iterator
from typing import Any

OTHERS: tuple[Any, ...] = (None, True, -1, 2**53, "", "x" * 2_000, "\n", [], {})


def spoiled(value: Any) -> Iterator[Any]:
    """The value with one inner value replaced, one member left out, or one member too many."""
    yield from OTHERS
    if isinstance(value, dict):
        yield value | {"unforeseen": 1}
        for name, inner in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            for changed in spoiled(inner):
                yield value | {name: changed}
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            for changed in spoiled(inner):
                yield [*value[:place], changed, *value[place + 1 :]]
