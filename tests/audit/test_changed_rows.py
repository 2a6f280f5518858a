"""One change to a copy of the database, and the first finding names that row."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger_service.storage.head_proofs import decode_proof
from ledger_service.storage.packed_entry import pack_entry, unpack_entry
from ledger_service.usecases.audit.findings import show
from tests.audit.world import World, change, flipped, place, read

IN_A_FULL_TILE, IN_NO_TILE = 100, 430


def _entry(copy: Path, position: int) -> bytes:
    return unpack_entry(read(copy, "SELECT entry FROM entries WHERE position = ?", position)[0])


def _changed_entry(copy: Path, position: int, entry: bytes) -> str:
    return change(copy, ("UPDATE entries SET entry = ? WHERE position = ?", (pack_entry(entry), position)))


def _with_a_zero_too_many(copy: Path, position: int) -> bytes:
    """The last of its words with a zero that packing leaves out."""
    stored = read(copy, "SELECT entry FROM entries WHERE position = ?", position)[0]
    padded = stored[:-4] + b"\x00" + stored[-4:]
    assert unpack_entry(padded) == unpack_entry(stored)
    return padded


@pytest.mark.parametrize("position", [IN_A_FULL_TILE, IN_NO_TILE])
@pytest.mark.parametrize("offset", [80, 127, 200, 230, 260])
def test_a_byte_of_an_entry(world: World, copy: Path, position: int, offset: int) -> None:
    """In the subject, the sequence, the content, and r and s of the signature."""
    url = _changed_entry(copy, position, flipped(_entry(copy, position), offset))
    result = world.audit(url)
    assert place(result.findings.first)[:2] == ("entries", str(position))
    others = [fault.first for fault in result.findings.faults[1:] if fault.first.table not in ("checkpoints", "chain")]
    # The receipt is about the statement as it was; nothing else is drawn in.
    assert {finding.table for finding in others} <= {"receipts"}, others


@pytest.mark.parametrize("position", [IN_A_FULL_TILE, IN_NO_TILE])
@pytest.mark.parametrize("offset", [31, 100, 288])
def test_an_entry_that_is_none_any_more(world: World, copy: Path, position: int, offset: int) -> None:
    """In the padding of the kind, above 64 bits of the sequence, in v."""
    entry = bytearray(_entry(copy, position))
    entry[offset] = 99
    result = world.audit(_changed_entry(copy, position, bytes(entry)))
    assert place(result.findings.first) == ("entries", str(position), "form")


@pytest.mark.parametrize("as_it_is_stored", [_entry, _with_a_zero_too_many], ids=["whole", "padded"])
def test_an_entry_that_is_stored_in_another_form(
    world: World, copy: Path, as_it_is_stored: Callable[[Path, int], bytes]
) -> None:
    """No reader of the service would read it so: one entry has one form."""
    stored = as_it_is_stored(copy, 100)
    result = world.audit(change(copy, ("UPDATE entries SET entry = ? WHERE position = 100", (stored,))))
    assert place(result.findings.first) == ("entries", "100", "form")


@pytest.mark.parametrize("position", [IN_A_FULL_TILE, IN_NO_TILE])
def test_a_removed_entry(world: World, copy: Path, position: int) -> None:
    result = world.audit(change(copy, ("DELETE FROM entries WHERE position = ?", (position,))))
    assert place(result.findings.first) == ("entries", str(position), "row")


def test_a_removed_last_entry(world: World, copy: Path) -> None:
    result = world.audit(change(copy, "DELETE FROM entries WHERE position = 450"))
    assert place(result.findings.first) == ("entries", "450", "row")


def test_two_entries_that_changed_places(world: World, copy: Path) -> None:
    first, second = _entry(copy, 100), _entry(copy, 101)
    _changed_entry(copy, 100, second)
    result = world.audit(_changed_entry(copy, 101, first))
    assert place(result.findings.first) == ("entries", "100", "leaf hash")


def test_a_part(world: World, copy: Path) -> None:
    (parts,) = read(copy, "SELECT parts FROM contents WHERE position = 110")
    changed = parts.replace(b"raw", b"pdf")
    assert changed != parts
    result = world.audit(change(copy, ("UPDATE contents SET parts = ? WHERE position = 110", (changed,))))
    assert place(result.findings.first) == ("contents", "110", "parts")
    assert len(result.findings.faults) == 1


def test_a_removed_content(world: World, copy: Path) -> None:
    result = world.audit(change(copy, "DELETE FROM contents WHERE position = 110"))
    assert place(result.findings.first) == ("contents", "110", "row")
    assert len(result.findings.faults) == 1


@pytest.mark.parametrize("column", ["id", "key"])
@pytest.mark.parametrize("position", [IN_A_FULL_TILE, IN_NO_TILE])
def test_what_the_index_says_of_an_entry(world: World, copy: Path, position: int, column: str) -> None:
    """`key` is the stored attribution."""
    (value,) = read(copy, f"SELECT {column} FROM entries WHERE position = ?", position)
    command = f"UPDATE entries SET {column} = ? WHERE position = ?"
    result = world.audit(change(copy, (command, (flipped(value, 5), position))))
    assert place(result.findings.first) == ("entries", str(position), column)
    assert result.findings.first.expected == "0x" + value.hex()
    assert len(result.findings.faults) == 1


def test_an_entry_too_many(world: World, copy: Path) -> None:
    command = "INSERT INTO entries SELECT 9000, entry, zeroblob(32), key, links, sha256, sm3 FROM entries LIMIT 1"
    result = world.audit(change(copy, command))
    assert place(result.findings.first)[::2] == ("log", "size")
    assert ("entries", "451", "row") in {place(fault.first) for fault in result.findings.faults}


@pytest.mark.parametrize("change_links", ['{"access":1,"report":0}', "{}", '{"report":7}', "[]", "no JSON", "{ }"])
def test_links(world: World, copy: Path, change_links: str) -> None:
    position, links = read(
        copy, "SELECT position, links FROM entries WHERE position > 100 AND links LIKE '%report%' LIMIT 1"
    )
    assert links != change_links
    result = world.audit(change(copy, ("UPDATE entries SET links = ? WHERE position = ?", (change_links, position))))
    assert place(result.findings.first) == ("entries", str(position), "links")
    assert result.findings.first.expected == str(json.loads(links))
    assert len(result.findings.faults) == 1


@pytest.mark.parametrize("column", ["sha256", "sm3"])
@pytest.mark.parametrize(("position", "value"), [(110, None), (110, b"12345678"), (111, b"12345678")])
def test_what_a_document_is_found_by(world: World, copy: Path, column: str, position: int, value: bytes | None) -> None:
    """Missing, another, and one where the kind requires no document."""
    (before,) = read(copy, f"SELECT {column} FROM entries WHERE position = ?", position)
    result = world.audit(change(copy, (f"UPDATE entries SET {column} = ? WHERE position = ?", (value, position))))
    assert place(result.findings.first) == ("entries", str(position), column)
    assert (result.findings.first.expected, result.findings.first.found) == (show(before), show(value))
    assert len(result.findings.faults) == 1


@pytest.mark.parametrize("what", [0, 1, 2])
def test_what_sqlite_finds_an_entry_by(world: World, copy: Path, what: int) -> None:
    """A row that is missing, one too many, and the number of those that should be there."""
    (position,) = read(copy, "SELECT min(position) FROM prefixes WHERE what = ? AND position > 20", what)
    gone = ("DELETE FROM prefixes WHERE what = ? AND position = ?", (what, position))
    assert place(world.audit(change(copy, gone)).findings.first) == ("prefixes", str(position), "rows")
    moved = ("INSERT INTO prefixes SELECT 1, ?, substr(id, 1, 7), position FROM entries WHERE position = 400", (what,))
    rows = world.audit(change(copy, ("UPDATE prefixes SET prefix = x'07' WHERE position = 21", ()))).findings.first
    assert place(rows)[::2] == ("prefixes", "rows")
    assert place(world.audit(change(copy, moved)).findings.first)[::2] == ("prefixes", "rows")


@pytest.mark.parametrize(
    "command",
    [
        "INSERT INTO prefixes SELECT 1 - young, what, prefix, position FROM prefixes WHERE position = 21",
        "UPDATE prefixes SET young = 2 WHERE position = 21",
    ],
)
def test_what_is_neither_young_nor_old_or_both(world: World, copy: Path, command: str) -> None:
    young = read(copy, "SELECT count(*) FROM prefixes GROUP BY young")
    assert young and place(world.audit(change(copy, command)).findings.first)[::2] == ("prefixes", "rows")


@pytest.mark.parametrize("indexed", [0, 263, 265, 452, -1])
def test_how_far_sqlite_has_got_with_it(world: World, copy: Path, indexed: int) -> None:
    assert read(copy, "SELECT indexed FROM log") == (264,)
    first = world.audit(change(copy, ("UPDATE log SET indexed = ?", (indexed,)))).findings.first
    assert place(first)[::2] == (("prefixes", "rows") if 0 <= indexed <= 451 else ("log", "indexed"))


@pytest.mark.parametrize(("column", "value"), [("owner", "SYN-OTHER"), ("first", 3), ("current", 3)])
def test_a_subject(world: World, copy: Path, column: str, value: object) -> None:
    (subject,) = read(copy, "SELECT min(subject) FROM subjects")
    command = f"UPDATE subjects SET {column} = ? WHERE subject = ?"
    result = world.audit(change(copy, (command, (value, subject))))
    assert place(result.findings.first) == ("subjects", "0x" + subject.hex(), column)


def test_a_removed_subject(world: World, copy: Path) -> None:
    """Of a report that was amended."""
    (subject,) = read(copy, "SELECT min(subject) FROM subjects")
    url = change(copy, ("DELETE FROM subjects WHERE subject = ?", (subject,)))
    assert place(world.audit(url).findings.first) == ("subjects", "0x" + subject.hex(), "row")


UNCHANGED = (
    "(SELECT substr(entry, 1, 32) FROM entries WHERE substr(entry, 1, 32) NOT IN (SELECT subject FROM subjects))"
)


@pytest.mark.parametrize("source", ["zeroblob(32)", UNCHANGED])
def test_a_subject_too_many(world: World, copy: Path, source: str) -> None:
    """One that nothing is said about, and one of which the first entry tells all."""
    (subject,) = read(copy, f"SELECT {source}")
    url = change(copy, f"INSERT INTO subjects SELECT {source}, owner, 100, 100 FROM subjects LIMIT 1")
    assert place(world.audit(url).findings.first) == ("subjects", "0x" + subject.hex(), "row")


@pytest.mark.parametrize("column", ["next_sequence", "observed_size"])
def test_a_stream(world: World, copy: Path, column: str) -> None:
    key, value = read(copy, f"SELECT key, {column} FROM streams ORDER BY key LIMIT 1")
    command = f"UPDATE streams SET {column} = {column} + 1 WHERE key = ?"
    result = world.audit(change(copy, (command, (key,))))
    assert place(result.findings.first) == ("streams", "0x" + key.hex(), column)
    assert result.findings.first.expected == str(value)


def test_a_removed_stream(world: World, copy: Path) -> None:
    (key,) = read(copy, "SELECT key FROM streams ORDER BY key LIMIT 1")
    result = world.audit(change(copy, ("DELETE FROM streams WHERE key = ?", (key,))))
    assert place(result.findings.first) == ("streams", "0x" + key.hex(), "row")


def test_a_tile(world: World, copy: Path) -> None:
    (hashes,) = read(copy, "SELECT hashes FROM tiles WHERE level = 0 AND number = 0")
    url = change(copy, ("UPDATE tiles SET hashes = ? WHERE level = 0 AND number = 0", (flipped(hashes, 100 * 32),)))
    result = world.audit(url)
    assert place(result.findings.first) == ("tiles", "0/0 hash 100", "hashes")
    assert len(result.findings.faults) == 1


def test_the_root_of_a_tile_and_a_removed_tile(world: World, copy: Path) -> None:
    url = change(copy, "UPDATE tiles SET root = zeroblob(32)")
    assert place(world.audit(url).findings.first) == ("tiles", "0/0", "root")
    url = change(copy, "DELETE FROM tiles")
    assert place(world.audit(url).findings.first) == ("tiles", "0/0", "row")


def test_a_tile_too_many(world: World, copy: Path) -> None:
    url = change(copy, "INSERT INTO tiles VALUES (1, 0, zeroblob(8192), zeroblob(32))")
    assert place(world.audit(url).findings.first) == ("tiles", "1/0", "row")


@pytest.mark.parametrize("column", ["root", "note", "signature"])
def test_a_checkpoint(world: World, copy: Path, column: str) -> None:
    size, value = read(copy, f"SELECT size, {column} FROM checkpoints ORDER BY size LIMIT 1 OFFSET 4")
    changed = flipped(value, len(value) - 3)
    result = world.audit(change(copy, (f"UPDATE checkpoints SET {column} = ? WHERE size = ?", (changed, size))))
    assert place(result.findings.first) == ("checkpoints", str(size), column)
    assert len(result.findings.faults) == 1


def test_a_removed_checkpoint_that_was_witnessed(world: World, copy: Path) -> None:
    result = world.audit(change(copy, "DELETE FROM checkpoints WHERE size = 330"))
    assert place(result.findings.first) == ("checkpoints", "330", "row")


def test_a_checkpoint_of_nothing(world: World, copy: Path) -> None:
    command = "INSERT INTO checkpoints SELECT 9000, root, note, signature, signed_at FROM checkpoints LIMIT 1"
    assert place(world.audit(change(copy, command)).findings.first) == ("checkpoints", "9000", "size")


@pytest.mark.parametrize("column", ["institution", "key", "data", "head", "block_hash", "time"])
def test_a_registry_change(world: World, copy: Path, column: str) -> None:
    values = {"institution": "SYN-OTHER", "time": 1}
    command = f"UPDATE registry_changes SET {column} = ? WHERE number = 20"
    value = values.get(column, bytes(20 if column == "key" else 31) + b"\x01" * (column != "key"))
    result = world.audit(change(copy, (command, (value,))))
    assert place(result.findings.first) == ("registry_changes", "20", column)


def test_a_removed_registry_change_and_one_too_many(world: World, copy: Path) -> None:
    url = change(copy, "DELETE FROM registry_changes WHERE number = 20")
    assert place(world.audit(url).findings.first) == ("registry_changes", "20", "row")
    url = change(copy, "UPDATE registry_changes SET number = 2000 WHERE number = 21")
    assert place(world.audit(url).findings.first) == ("registry_changes", "2000", "row")


@pytest.mark.parametrize(
    "column", ["old_size", "root", "registry_head", "registry_count", "witness_id", "time", "block_hash"]
)
def test_a_stored_head(world: World, copy: Path, column: str) -> None:
    value = 7 if column in ("old_size", "registry_count", "time") else b"\x07" * 32
    result = world.audit(change(copy, (f"UPDATE heads SET {column} = ? WHERE new_size = 330", (value,))))
    assert place(result.findings.first) == ("heads", "330", column)
    assert len(result.findings.faults) == 1


def test_a_removed_head_and_one_too_many(world: World, copy: Path) -> None:
    url = change(copy, "DELETE FROM heads WHERE new_size = 330")
    assert place(world.audit(url).findings.first) == ("heads", "330", "row")
    url = change(copy, "UPDATE heads SET new_size = 333 WHERE new_size = 220")
    assert place(world.audit(url).findings.first) == ("heads", "333", "row")


def test_a_stored_proof_of_a_block(world: World, copy: Path) -> None:
    (deflated,) = read(copy, "SELECT proof FROM head_proofs WHERE new_size = 330")
    proof = decode_proof(deflated)

    def first_with(**changes: object) -> tuple:
        stored = zlib.compress(replace(proof, **changes).encode())
        url = change(copy, ("UPDATE head_proofs SET proof = ? WHERE new_size = 330", (stored,)))
        return place(world.audit(url).findings.first)

    for name, value in {
        "header": proof.parent,
        "parent": proof.header,
        "receipt": (),
        "log_index": 1,
        "transaction_index": 1,
        "set_changes": (proof.parent,),
    }.items():
        assert first_with(**{name: value}) == ("head_proofs", "330", "proof"), name
    assert world.audit(change(copy, ("UPDATE head_proofs SET proof = ? WHERE new_size = 330", (deflated,)))).holds


def test_a_proof_of_another_head_and_one_of_no_head(world: World, copy: Path) -> None:
    other = "UPDATE head_proofs SET proof = (SELECT proof FROM head_proofs WHERE new_size = 220) WHERE new_size = 330"
    assert place(world.audit(change(copy, other)).findings.first) == ("head_proofs", "330", "proof")
    url = change(copy, "UPDATE head_proofs SET new_size = 333 WHERE new_size = 330")
    assert place(world.audit(url).findings.first) == ("head_proofs", "333", "row")


def test_a_proof_at_another_block_number_and_none_at_all(world: World, copy: Path) -> None:
    url = change(copy, "UPDATE head_proofs SET block_number = block_number + 1 WHERE new_size = 330")
    assert place(world.audit(url).findings.first) == ("head_proofs", "330", "block_number")
    # It can be captured again at any time: nothing is missing.
    assert world.audit(change(copy, "DELETE FROM head_proofs")).holds


def test_a_block_and_the_followed_tip(world: World, copy: Path) -> None:
    (number,) = read(copy, "SELECT max(number) FROM blocks")
    url = change(copy, ("UPDATE blocks SET hash = zeroblob(32) WHERE number = ?", (number,)))
    assert place(world.audit(url).findings.first) == ("blocks", str(number), "hash")
    url = change(copy, "UPDATE chain SET tip_time = tip_time + 1, final_number = final_number + 9000")
    assert [place(fault.first) for fault in world.audit(url).findings.faults[:2]] == [
        ("chain", "1", "tip"),
        ("chain", "1", "final_number"),
    ]


@pytest.mark.parametrize(("column", "value"), [("origin", "ledger.example/other"), ("chain_id", 5)])
def test_the_row_of_the_log(world: World, copy: Path, column: str, value: object) -> None:
    result = world.audit(change(copy, (f"UPDATE log SET {column} = ?", (value,))))
    assert place(result.findings.first)[::2] == ("log", column)


def test_the_size_of_the_log(world: World, copy: Path) -> None:
    assert place(world.audit(change(copy, "UPDATE log SET size = 449")).findings.first)[::2] == ("log", "size")
    assert place(world.audit(change(copy, "UPDATE log SET size = 452")).findings.first)[:2] == ("entries", "451")


WRONG_TYPES = [
    ("entries", "entry = 'text'", "position = 100"),
    ("entries", "position = 1000000000000", "position = 450"),
    ("entries", "position = -5", "position = 100"),
    ("contents", "parts = 'text'", "position = 100"),
    ("entries", "id = 'text'", "position = 100"),
    ("entries", "links = x'ff'", "position = 100"),
    ("tiles", "hashes = 'text'", "level = 0"),
    ("checkpoints", "note = 'text'", "size = 330"),
    ("checkpoints", "signature = 'text'", "size = 330"),
    ("receipts", "positions = 'text'", "id = 5"),
    ("receipts", "first = 'text'", "id = 5"),
    ("receipts", "witness_by = -1", "id = 5"),
    ("outbox", "raw = 'text'", "id = 2"),
    ("heads", "root = 'text'", "new_size = 330"),
    ("registry_changes", "institution = x'ff'", "number = 20"),
    ("blocks", "number = -5", "number = (SELECT max(number) FROM blocks)"),
    ("subjects", "current = 'text'", "current = 1 OR current IS NULL"),
]


@pytest.mark.parametrize(("table", "assignment", "where"), WRONG_TYPES)
def test_values_that_no_service_writes(world: World, copy: Path, table: str, assignment: str, where: str) -> None:
    """They are named like any other, and end no audit."""
    result = world.audit(change(copy, f"UPDATE {table} SET {assignment} WHERE {where}"))
    assert table in {fault.first.table for fault in result.findings.faults}


def test_stopping_at_the_first(world: World, copy: Path) -> None:
    url = change(copy, "UPDATE entries SET sm3 = 90000 WHERE position = 100", "DELETE FROM heads")
    assert len(world.audit(url).findings.faults) == 2
    result = world.audit(url, first=True)
    assert not result.holds and len(result.findings.faults) == 1
