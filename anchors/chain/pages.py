"""Long stretches of a chain in pieces, so that no single question outlasts a node's patience."""

from collections.abc import Iterator

PAGE_BLOCKS = 100_000


def pages(first_block: int, last_block: int, blocks: int = PAGE_BLOCKS) -> Iterator[tuple[int, int]]:
    """The blocks from first to last (inclusive) as ranges (inclusive) of at most `blocks` blocks, in order."""
    for begin in range(first_block, last_block + 1, blocks):
        yield begin, min(last_block, begin + blocks - 1)
