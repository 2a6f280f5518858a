"""Topics `tile-path`, `tile-layout` and `entry-bundle`: C2SP tlog-tiles."""

from .standards import ORIGIN, Case, Cases
from .typed_data import digest, statement_words
from .vectors_statement import SIGNER, STATEMENT

PATHS = {
    "first": ("tile/0/000", "0", "0", 256),
    "index-999": ("tile/0/999", "0", "999", 256),
    "index-1000": ("tile/0/x001/000", "0", "1000", 256),
    "index-1001": ("tile/0/x001/001", "0", "1001", 256),
    "index-999999": ("tile/0/x999/999", "0", "999999", 256),
    "index-1000000": ("tile/0/x001/x000/000", "0", "1000000", 256),
    "example-of-the-standard": ("tile/0/x001/x234/067", "0", "1234067", 256),
    "index-2-55": ("tile/0/x036/x028/x797/x018/x963/967", "0", str(2**55 - 1), 256),
    "level-1": ("tile/1/017", "1", "17", 256),
    "level-7": ("tile/7/000", "7", "0", 256),
    "partial-narrowest": ("tile/0/000.p/1", "0", "0", 1),
    "partial-widest": ("tile/0/000.p/255", "0", "0", 255),
    "partial-deep": ("tile/2/x001/234.p/17", "2", "1234", 17),
    "entries-full": ("tile/entries/000", "entries", "0", 256),
    "entries-partial": ("tile/entries/x001/x234/067.p/8", "entries", "1234067", 8),
}
PATHS_REFUSED = {
    "empty": "",
    "not-a-tile": "checkpoint",
    "leading-solidus": "/tile/0/000",
    "trailing-solidus": "tile/0/000/",
    "double-solidus": "tile/0//000",
    "capital": "Tile/0/000",
    "no-level": "tile/000",
    "no-index": "tile/0",
    "level-64": "tile/64/000",
    "level-255": "tile/255/000",
    "level-leading-zero": "tile/00/000",
    "level-negative": "tile/-1/000",
    "level-plus": "tile/+1/000",
    "level-letter": "tile/a/000",
    "level-empty": "tile//000",
    "level-data": "tile/data/000",
    "index-one-digit": "tile/0/0",
    "index-two-digits": "tile/0/00",
    "index-four-digits": "tile/0/1000",
    "index-letters": "tile/0/abc",
    "index-sign": "tile/0/-01",
    "index-plus": "tile/0/+01",
    "index-underscore": "tile/0/0_1",
    "index-space": "tile/0/ 01",
    "index-arabic-digits": "tile/0/٠٠٠",
    "index-full-width-digits": "tile/0/０００",
    "index-last-with-x": "tile/0/x000",
    "index-last-with-x-after-another": "tile/0/x001/x000",
    "index-missing-x": "tile/0/001/000",
    "index-capital-x": "tile/0/X001/000",
    "index-superfluous-group": "tile/0/x000/001",
    "index-superfluous-groups": "tile/0/x000/x000/000",
    "index-2-64": "tile/0/x018/x446/x744/x073/x709/x551/616",
    "index-far-too-large": "tile/0/" + "x999/" * 20 + "999",
    "index-of-6000-digits": "tile/0/" + "x999/" * 1999 + "999",
    "parent-folder": "tile/0/../000",
    "parent-folder-as-index": "tile/0/..",
    "encoded-solidus": "tile/0%2F000",
    "query": "tile/0/000?x=1",
    "width-zero": "tile/0/000.p/0",
    "width-256": "tile/0/000.p/256",
    "width-1000": "tile/0/000.p/1000",
    "width-leading-zero": "tile/0/000.p/01",
    "width-negative": "tile/0/000.p/-1",
    "width-plus": "tile/0/000.p/+1",
    "width-missing": "tile/0/000.p/",
    "width-without-solidus": "tile/0/000.p",
    "width-letters": "tile/0/000.p/a",
    "width-arabic-digit": "tile/0/000.p/١",
    "width-twice": "tile/0/000.p/1.p/2",
    "width-on-inner-group": "tile/0/x001.p/1/000",
    "suffix-capital": "tile/0/000.P/1",
    "suffix-unknown": "tile/0/000.gz",
    "trailing-newline": "tile/0/000\n",
    "partial-trailing-newline": "tile/0/000.p/1\n",
    "leading-space": " tile/0/000",
    "trailing-space": "tile/0/000 ",
    "zero-byte": "tile/0/000\x00",
    "entries-leading-zero-width": "tile/entries/000.p/08",
    "entries-capital": "tile/Entries/000",
    "entries-with-level": "tile/0/entries/000",
}


def path_cases() -> Cases:
    """Paths to coordinates and back."""
    for name, (path, level, index, width) in PATHS.items():
        expect = {"level": level, "index": index, "width": width}
        yield Case("tile-path", f"valid-{name}", f"a path: {name.replace('-', ' ')}", {"path": path}, expect)
    for name, path in PATHS_REFUSED.items():
        yield Case("tile-path", name, f"no path: {name.replace('-', ' ')}", {"path": path}, error="malformed")


def layout(size: int) -> list[dict[str, object]]:
    """Full tiles and the partial tile's width at every level that has any, by the formula of the standard."""
    levels: list[dict[str, object]] = []
    level = 0
    while size // 256**level:
        hashes = size // 256**level
        levels.append({"level": str(level), "full": str(hashes // 256), "partial": hashes % 256})
        level += 1
    return levels


def layout_cases() -> Cases:
    """Which tiles a tree of some size has."""
    sizes = (
        0,
        1,
        2,
        255,
        256,
        257,
        511,
        512,
        65_279,
        65_280,
        65_535,
        65_536,
        65_537,
        70_000,
        256**3,
        256**3 + 255,
        2**40 + 7,
        2**63,
    )
    for size in sizes:
        desc = "the example of the standard" if size == 70_000 else f"the tiles of a tree of {size} leaves"
        yield Case("tile-layout", f"size-{size}", desc, {"size": str(size)}, {"levels": layout(size)})


def sample_entries(count: int) -> list[bytes]:
    """Signed entries with the sequence numbers 0 to count-1."""
    entries = []
    for sequence in range(count):
        fields = {**STATEMENT, "sequence": str(sequence)}
        entries.append(statement_words(fields) + SIGNER.sign(digest("Statement", fields, ORIGIN)))
    return entries


def bundle_cases() -> Cases:
    """Entry bundles: uint16 length before every entry."""
    entries = sample_entries(3)
    framed = [b"\x01\x21" + entry for entry in entries]
    for count in (1, 2, 3):
        given = {"bundle": b"".join(framed[:count]).hex(), "width": count}
        expect = {"entries": [entry.hex() for entry in entries[:count]]}
        yield Case("entry-bundle", f"valid-{count}", f"{count} entries", given, expect)
    whole = b"".join(framed)
    refused = {
        "empty": ("no bytes for a width of 1", b"", 1),
        "one-byte": ("half of a length", b"\x01", 1),
        "length-only": ("a length without an entry", b"\x01\x21", 1),
        "last-byte-missing": ("the last entry is cut short", whole[:-1], 3),
        "byte-too-many": ("a byte after the last entry", whole + b"\x00", 3),
        "entry-too-many": ("three entries for a width of 2", whole, 2),
        "entry-too-few": ("three entries for a width of 4", whole, 4),
        "length-little-endian": ("the length in the wrong order", b"\x21\x01" + entries[0], 1),
        "length-too-long": ("a length beyond the end", b"\x01\x22" + entries[0], 1),
        "without-lengths": ("entries without lengths", b"".join(entries), 3),
    }
    for name, (desc, bundle, width) in refused.items():
        yield Case("entry-bundle", name, desc, {"bundle": bundle.hex(), "width": width}, error="malformed")


def cases() -> Cases:
    """All three topics."""
    yield from path_cases()
    yield from layout_cases()
    yield from bundle_cases()
