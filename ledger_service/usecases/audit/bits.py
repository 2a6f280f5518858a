"""One bit an entry of a log of any length, in the scratch file."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from ledger_service.usecases.audit.scratch import Scratch

PAGE_BITS = 2**18
PAGES_IN_MEMORY = 64


class Bits:
    """One bit a position, none of them set at first; a few pages are in memory. For one pass: it begins empty."""

    def __init__(self, scratch: Scratch):
        self._connection = scratch.connection
        self._connection.execute("DELETE FROM pages")
        self._pages: OrderedDict[int, bytearray] = OrderedDict()

    def set(self, positions: Iterable[int]) -> None:
        """Set those of these positions."""
        for position in positions:
            page = self._pages.get(position // PAGE_BITS) or self._page(position // PAGE_BITS)
            page[position % PAGE_BITS // 8] |= 1 << position % 8

    def unset(self, end: int) -> Iterator[int]:
        """The positions below `end` whose bit is not set, in order."""
        for number in range(-(-end // PAGE_BITS)):
            page, begin = self._page(number), number * PAGE_BITS
            for place, byte in enumerate(page):
                if byte != 0xFF:
                    yield from (at for at in _zeros(byte, begin + place * 8) if at < end)

    def _page(self, number: int) -> bytearray:
        page = self._pages.get(number)
        if page is None:
            row = self._connection.execute("SELECT bits FROM pages WHERE number = ?", (number,)).fetchone()
            page = self._pages[number] = bytearray(row[0] if row else PAGE_BITS // 8)
            if len(self._pages) > PAGES_IN_MEMORY:
                oldest = self._pages.popitem(last=False)
                self._connection.execute("INSERT OR REPLACE INTO pages VALUES (?, ?)", oldest)
        return page


def _zeros(byte: int, begin: int) -> Iterator[int]:
    return (begin + place for place in range(8) if not byte >> place & 1)
