"""One change of every column, one row put in and one taken out of every table, one change of every object in the log
and of every answer of the chain: the audit names it and nothing else, or the page says that it does not see it.

What is changed follows from the schema: a new column fails here until it is judged or stands in the page's list.
`HUZHENG_MUTATIONS` chooses other rows, bits and letters."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anchors.chain.port import Block, ChainIdentity, Head, RegistryEvent, WitnessEvent
from anchors.core.registry import Change
from anchors.core.statement import ENTRY_BYTES
from anchors.core.typed_data import log_id
from ledger_service.storage import finder, schema
from ledger_service.storage.packed_entry import pack_entry, unpack_entry
from ledger_service.usecases.audit import AuditResult
from ledger_service.usecases.audit.findings import CHAIN, show
from scripts.bootstrap import ROOT
from tests.audit.every_table import BATCH_ENTRIES, FULL_TILE, SLICES, EveryTable, fill
from tests.audit.mutations import ADDED, REMOVED, SEED, Mutation, mutations
from tests.audit.world import change, copy_database, flipped, make_world, place, read
from tests.fixtures.chain import ScratchChain
from tests.fixtures.clock_authority import make_house

MUTATIONS = list(mutations())
EXEMPT_TABLES = {
    "anchorer": "of the running service alone",
    "restores": "what backups were, the operator knows alone",
    "sessions": "of the running service alone",
}
_OF_THE_SENDER = "the sender's notes; what went out is its bytes"
EXEMPT = {
    ("blocks", REMOVED): "which blocks are kept is the follower's affair",
    ("chain", "final_number (lowered)"): "what was followed may lag behind",
    ("checkpoints", "signed_at"): "no signature covers it",
    ("checkpoints", f"{REMOVED} (not witnessed)"): "no head asks for it",
    ("cosignatures", "line (by which key)"): "NOT_CHECKED: it is by nobody whom the trust file names",
    ("cosignatures", REMOVED): "nothing says that there was one",
    ("head_proofs", REMOVED): "it can be captured again",
    ("head_proofs", "proof (deflated otherwise)"): "what it inflates to is the proof",
    ("log", "registry_code taken out"): "a log that was never compared has none",
    ("log", "witness_code taken out"): "the same",
    **{
        ("outbox", act): _OF_THE_SENDER
        for column in ("outcome", "gas_used")
        for act in (column, f"{column} taken out", f"{column} put in")
    },
    **{
        ("outbox", act): _OF_THE_SENDER
        for act in ("id", "account", "old_size", "nonce", "fee_cap", "fee_tip", "sent_at", REMOVED, ADDED)
    },
    ("prefixes", "young (old)"): "both are looked through, and nothing old stands behind it",
    ("receipts", "id"): "a number of the database's own",
    ("receipts", ADDED): "a warning: two equal requests are answered with the same receipt",
    ("streams", "frozen"): "an act of the operator",
    ("timestamps", "number (not renewed)"): "a number of the database's own",
    ("timestamps", "authority"): "who was asked",
    ("timestamps", "token (what stands beside)"): "no signature covers it",
    ("timestamps", f"{REMOVED} (not renewed)"): "nothing says that there was one",
    ("timestamps", f"{ADDED} (a first one)"): "nothing says how often somebody was asked",
}
"""What the audit does not judge, and why: docs/AUDIT.md, What it cannot see."""

NAMED_ELSEWHERE = {
    ("receipts", REMOVED): ("entries", "the entries that it was about have none"),
    ("log", "size"): ("entries", "a log that says it is longer lacks an entry"),
    ("log", "indexed"): ("prefixes", "they do not reach so far"),
    ("readings", REMOVED): ("entries", "the last record is missed by what closed its day"),
}
"""Where another table may be named in place of this one."""
KEY_OF_ANOTHER = {
    ("timestamps", "number (renewed)"): "the token that renews it is named",
    ("timestamps", f"{REMOVED} (renewed)"): "the same",
}
"""Where another row of the table is named."""
FOLLOWS: dict[tuple[str, str], set[str]] = {
    # The receipt is about the statement as it was; above the last full tile the roots are others; of bytes that make no
    # entry the subject is lost, so that nothing opens it.
    ("entries", "entry"): {"receipts", "checkpoints", CHAIN, "subjects"},
    # Where one is missing, the promise is broken, its subject may be opened by nothing and its key's stream ends before
    # it. One too many has no content, the log is longer than it says, and a rule or a hold that stands there is in no
    # table.
    ("entries", REMOVED): {"receipts", "subjects", "streams"},
    ("entries", ADDED): {"log", "contents", "rulebook", "holds"},
    ("entries", "position"): {"receipts", "subjects", "streams", "log", "contents", "rulebook", "holds"},
    # A receipt that names other places leaves entries without one.
    ("receipts", "positions"): {"entries"},
    # What was stamped and cosigned is the text of the checkpoint that stands there.
    **{("checkpoints", act): {"timestamps", "cosignatures"} for act in ("size", "root", f"{REMOVED} (witnessed)")},
    # The log's own row is also how far `prefixes` should reach.
    ("log", REMOVED): {"prefixes"},
    ("log", "id"): {"prefixes"},
}
"""The tables that may be named besides, because what they say follows from what was changed."""


@pytest.fixture(scope="module")
def ledger(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryTable]:
    """A ledger with rows in every table."""
    folder = tmp_path_factory.mktemp("every")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "BATCH_ENTRIES", BATCH_ENTRIES)
        patch.setattr(finder, "SLICES", SLICES)
        world = make_world(module_chain, f"sqlite:///{folder / 'ledger.sqlite'}")
        yield fill(world, make_house(folder, "house"))
    world.engine.dispose()


@pytest.fixture
def copy(ledger: EveryTable, tmp_path: Path) -> Path:
    """A copy of its database."""
    return copy_database(ledger.world, tmp_path)


def told(result: AuditResult) -> list[str]:
    """All faults as text."""
    return [str(fault.first) for fault in result.findings.faults]


def test_the_ledger_holds_and_has_a_row_in_every_table(ledger: EveryTable, copy: Path) -> None:
    result = ledger.audit()
    assert result.holds and not result.findings.warnings and not result.findings.left, told(result)
    empty = [table for table in schema.metadata.tables if read(copy, f'SELECT count(*) FROM "{table}"') == (0,)]
    assert not empty


def is_exempt(mutation: Mutation) -> bool:
    return mutation.table.name in EXEMPT_TABLES or mutation.name in EXEMPT


@pytest.mark.parametrize(
    "mutation", [each for each in MUTATIONS if not is_exempt(each)], ids=lambda each: " ".join(each.name)
)
def test_what_is_judged(ledger: EveryTable, copy: Path, mutation: Mutation) -> None:
    """The row is named, under the key that it had or has, and no other table but what follows."""
    url, before, after = mutation.apply(copy)
    result = ledger.audit(url)
    table, act = mutation.name
    elsewhere = NAMED_ELSEWHERE.get((table, act), ("", ""))[0]
    tables = {fault.first.table for fault in result.findings.faults}
    said = f"{table} {act}, seed {SEED}: {before} became {after}; found {told(result)}"
    assert tables & {table, elsewhere}, said
    assert tables <= {table, elsewhere, *FOLLOWS.get((table, act), ())}, said
    named = {fault.first.key.split(" ")[0] for fault in result.findings.faults if fault.first.table == table}
    assert (
        not named
        or (table, act) in KEY_OF_ANOTHER
        or named & {key for row in (before, after) if row for key in keys_of(table, row)}
    ), said


def keys_of(table: str, row: dict[str, Any]) -> set[str]:
    """How findings name a row."""
    key = [show(row[column.name]) for column in schema.metadata.tables[table].primary_key]
    if table == "log":
        return {"1", show(log_id(row["origin"]))}
    if table == "chain":
        return {"1"}
    if table == "holds":
        return {str(row["position"])}
    if table == "prefixes":
        return {str(row["position"]), "all"}
    return {"/".join(key)}


@pytest.mark.parametrize(
    "mutation", [each for each in MUTATIONS if is_exempt(each)], ids=lambda each: " ".join(each.name)
)
def test_what_is_not_judged(ledger: EveryTable, copy: Path, mutation: Mutation) -> None:
    """What the page says it does not see, it does not see."""
    url, before, after = mutation.apply(copy)
    assert before != after
    result = ledger.audit(url)
    assert result.holds, f"seed {SEED}: {mutation.name}: {before} became {after}; found {told(result)}"


def test_the_page_says_what_is_not_judged() -> None:
    page = (ROOT / "docs" / "AUDIT.md").read_text("utf-8")
    section = page.partition("## What it cannot see\n")[2].partition("\n## ")[0]
    rows = [row.split(" | ") for row in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE)]
    listed = {
        (table, act) for tables, acts, _ in rows for table in names(tables) for act in names(acts) or ["everything"]
    }
    assert listed == {*EXEMPT, *((table, "everything") for table in EXEMPT_TABLES)}
    assert set(EXEMPT) <= {each.name for each in MUTATIONS} and EXEMPT_TABLES.keys() <= schema.metadata.tables.keys()


def names(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


# What the log is made of. In a column a seed says which bit; here each field has its turn.

WORD = 32
FIELDS = ("kind", "institution", "subject", "sequence", "issued_at", "observed", "content")
OFFSETS = {name: number * WORD + WORD - 1 for number, name in enumerate(FIELDS)} | {
    "kind": 0,
    "institution": WORD,
    "r": 7 * WORD + 31,
    "s": 8 * WORD + 31,
    "v": ENTRY_BYTES - 1,
}
"""An octet of every field of an entry (docs/spec/statement.md)."""
IN_A_FULL_TILE, IN_NO_TILE = 100, FULL_TILE + 20


@pytest.mark.parametrize("position", [IN_A_FULL_TILE, IN_NO_TILE])
@pytest.mark.parametrize("field", OFFSETS)
def test_a_field_of_an_entry(ledger: EveryTable, copy: Path, field: str, position: int) -> None:
    entry = unpack_entry(read(copy, "SELECT entry FROM entries WHERE position = ?", position)[0])
    changed = pack_entry(flipped(entry, OFFSETS[field], 1))
    url = change(copy, ("UPDATE entries SET entry = ? WHERE position = ?", (changed, position)))
    result = ledger.audit(url)
    assert place(result.findings.first)[:2] == ("entries", str(position))
    assert {fault.first.table for fault in result.findings.faults} <= {"entries", *FOLLOWS["entries", "entry"]}


def test_every_shown_part(ledger: EveryTable, copy: Path) -> None:
    """A letter of each part's value, of its salt and of its name, once for each name of a part in the log."""
    shown: dict[str, tuple[int, int]] = {}
    contents = {}
    for position in range(ledger.audit().size):
        (stored,) = read(copy, "SELECT parts FROM contents WHERE position = ?", position)
        contents[position] = msgspec.json.decode(stored)
        for number, text in enumerate(contents[position]):
            shown.setdefault(msgspec.json.decode(text)["name"], (position, number))
    assert len(shown) >= 12
    for name, (position, number) in shown.items():
        for begin in ('"value":', '"salt":"', '"name":"'):
            parts, text = list(contents[position]), contents[position][number]
            at = re.compile("[0-9a-z\u4e00-\u9fff]").search(text, text.index(begin) + len(begin)).start()
            parts[number] = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
            command = "UPDATE contents SET parts = ? WHERE position = ?"
            result = ledger.audit(change(copy, (command, (msgspec.json.encode(parts), position))))
            assert [place(fault.first) for fault in result.findings.faults] == [("contents", str(position), "parts")], (
                f"{begin} of {name}: {told(result)}"
            )
        change(copy, (command, (msgspec.json.encode(contents[position]), position)))


@pytest.mark.parametrize("number", [0, 1, 128, FULL_TILE - 1])
def test_a_hash_of_a_tile(ledger: EveryTable, copy: Path, number: int) -> None:
    (hashes,) = read(copy, "SELECT hashes FROM tiles")
    url = change(copy, ("UPDATE tiles SET hashes = ?", (flipped(hashes, number * WORD + 7),)))
    assert [place(fault.first) for fault in ledger.audit(url).findings.faults] == [
        ("tiles", f"0/0 hash {number}", "hashes")
    ]


@pytest.mark.parametrize("line", [0, 1, 2, 4], ids=["origin", "size", "root", "signature"])
def test_a_line_of_a_checkpoint(ledger: EveryTable, copy: Path, line: int) -> None:
    size, note = read(copy, "SELECT size, note FROM checkpoints ORDER BY size LIMIT 1 OFFSET 2")
    lines = note.split(b"\n")
    lines[line] = flipped(lines[line], len(lines[line]) // 2)
    url = change(copy, ("UPDATE checkpoints SET note = ? WHERE size = ?", (b"\n".join(lines), size)))
    assert [place(fault.first) for fault in ledger.audit(url).findings.faults] == [("checkpoints", str(size), "note")]


# What the chain says. Its answers are those of a real node, but for one.


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bytes):
        return flipped(value, 5)
    return value + 1 if isinstance(value, int) else value + "X"


def of_event(number: int, make: Callable[[Any], Any]) -> Callable[[list], list]:
    """Another event of this number among those of a page."""
    return lambda events: [make(event) if at == number else event for at, event in enumerate(events)]


def head_with(name: str) -> Callable[[WitnessEvent], WitnessEvent]:
    return lambda event: replace(event, **{name: other(getattr(event, name))})


def change_with(name: str) -> Callable[[RegistryEvent], RegistryEvent]:
    def make(event: RegistryEvent) -> RegistryEvent:
        value = getattr(event.change, name)
        made = type(value)(value % 7 + 1) if name == "action" else other(value)
        return replace(event, change=replace(event.change, **{name: made}))

    return make


HEAD_FIELDS = ("old_size", "new_size", "root", "registry_head", "registry_count", "witness_id")
CHANGE_FIELDS = [field.name for field in fields(Change)]


def test_the_fields_are_those_of_the_events() -> None:
    assert {field.name for field in fields(WitnessEvent)} == {*HEAD_FIELDS, "log", "place"}
    assert {field.name for field in fields(RegistryEvent)} == {"change", "head", "place"}


@pytest.mark.parametrize("name", HEAD_FIELDS)
def test_a_head_that_the_chain_tells_otherwise(ledger: EveryTable, name: str) -> None:
    result = ledger.audit(chain=ledger.chain.but(witness_events=of_event(1, head_with(name))))
    table, key, _ = place(result.findings.first)
    assert (table, key[:8]) == (CHAIN, "head of "), told(result)


def test_a_head_that_the_chain_leaves_out_or_adds(ledger: EveryTable) -> None:
    left_out = ledger.audit(chain=ledger.chain.but(witness_events=lambda events: events[:1] + events[2:]))
    assert place(left_out.findings.first)[::2] == (CHAIN, "old size")
    newest = ledger.audit(chain=ledger.chain.but(witness_events=lambda events: events[:-1]))
    assert place(newest.findings.first) == (CHAIN, "the contract's present head", "head")
    twice = ledger.audit(chain=ledger.chain.but(witness_events=lambda events: events + events[-1:]))
    assert place(twice.findings.first)[0] == CHAIN
    of_another_log = ledger.audit(chain=ledger.chain.but(witness_events=of_event(1, head_with("log"))))
    assert place(of_another_log.findings.first)[::2] == (CHAIN, "old size")


@pytest.mark.parametrize("name", CHANGE_FIELDS)
def test_a_registry_change_that_the_chain_tells_otherwise(ledger: EveryTable, name: str) -> None:
    result = ledger.audit(chain=ledger.chain.but(registry_events=of_event(7, change_with(name))))
    table, key, _ = place(result.findings.first)
    assert (table, key[:16]) == (CHAIN, "registry change "), told(result)


def test_a_registry_head_that_the_chain_tells_otherwise(ledger: EveryTable) -> None:
    make = of_event(7, lambda event: replace(event, head=other(event.head)))
    result = ledger.audit(chain=ledger.chain.but(registry_events=make))
    assert place(result.findings.first) == (CHAIN, "registry change 8", "registry head")


OTHERWISE: dict[str, tuple[dict[str, Callable], tuple[str, str]]] = {
    "chain id": ({"identity": lambda found: ChainIdentity(found.chain_id + 1, found.genesis)}, (CHAIN, "chain id")),
    "genesis": ({"identity": lambda found: ChainIdentity(found.chain_id, bytes(32))}, (CHAIN, "genesis hash")),
    "code": ({"code_hash": other}, (CHAIN, "code hash")),
    "size of the head": ({"head": lambda head: Head(head.size + 1, head.root)}, (CHAIN, "head")),
    "root of the head": ({"head": lambda head: Head(head.size, other(head.root))}, (CHAIN, "head")),
    "time of blocks": ({"block": lambda block: _block(block, "timestamp")}, (CHAIN, "witness id")),
    "parents of blocks": ({"block": lambda block: _block(block, "parent")}, (CHAIN, "witness id")),
}


def _block(block: Block | None, name: str) -> Block | None:
    return block and replace(block, **{name: other(getattr(block, name))})


@pytest.mark.parametrize("what", OTHERWISE)
def test_an_answer_of_the_chain(ledger: EveryTable, what: str) -> None:
    changes, found = OTHERWISE[what]
    result = ledger.audit(chain=ledger.chain.but(**changes))
    assert place(result.findings.first)[::2] == found, told(result)


def placed(name: str) -> Callable[[Any], Any]:
    def make(event: Any) -> Any:
        return replace(event, place=replace(event.place, **{name: other(getattr(event.place, name))}))

    return make


@pytest.mark.parametrize("name", ["transaction", "position"])
def test_a_place_that_the_chain_tells_otherwise(ledger: EveryTable, name: str) -> None:
    """Where an event stands is what was stored when it was followed."""
    for question, table in {"witness_events": "heads", "registry_events": "registry_changes"}.items():
        result = ledger.audit(chain=ledger.chain.but(**{question: of_event(1, placed(name))}))
        assert [fault.first.table for fault in result.findings.faults] == [table], told(result)
