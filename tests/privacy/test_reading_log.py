"""The reading log: what a record says, that nothing is shown before it, and that tampering shows."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from anchors import Part
from anchors.core.encoding import encode_hex
from anchors.core.typed_data import Domain
from ledger_service.problems import Refused
from ledger_service.storage.database import open_database
from ledger_service.storage.readings import SqlReadings
from ledger_service.usecases.look_up import Read
from ledger_service.usecases.ports import StoredStatement, StoreUnavailable
from ledger_service.usecases.privacy_ports import Reading, ReadingRow, Relation
from ledger_service.usecases.reading import Disclosure, Request
from ledger_service.usecases.readings import Broken, ChainCheck, CloseDay
from ledger_service.usecases.viewer import OPERATOR
from scripts.city.founding import OPERATOR as OPERATOR_CODE
from tests.audit.world import World, change, copy_database, make_world, place
from tests.fixtures.chain import ScratchChain
from tests.fixtures.signer import Signer
from tests.privacy.people import PERSONAL, STRUCTURAL, People

DAY = date(2026, 3, 1)
NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
HOUR = 3_600


def records(people: People) -> list[dict]:
    """The whole reading log, as an auditor reads it."""
    items, after = [], None
    while True:
        page = people.get("auditor", "/v1/readings", params={} if after is None else {"after": after}).json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = page["next"]


def made_by(people: People, role: str, path: str) -> list[dict]:
    """The records that a request of this role leaves, once its answer is here."""
    before = len(records(people))
    response = people.get(role, path)
    assert response.status_code in (200, 401, 403), response.text
    added = [item["record"] for item in records(people)[before:]]
    assert all(record["request"] == response.headers["x-request-id"] for record in added)
    return added


def test_a_record_says_who_was_shown_what(people: People) -> None:
    signer = people.signers["regulator"]
    (record,) = made_by(people, "regulator", f"/v1/subjects/{encode_hex(people.report.subject)}")
    assert record.keys() == {"at", "institution", "key", "number", "read", "request", "roles", "route"}
    assert (record["institution"], record["key"]) == (signer.institution, encode_hex(signer.key))
    assert (record["roles"], record["route"]) == (["regulator"], "GET /v1/subjects/{subject}")
    assert record["read"] == [
        {"basis": "regulator", "parts": list(STRUCTURAL), "statement": people.report.name},
        {"basis": "regulator", "parts": ["access", "links"], "statement": people.opened.name},
    ]


@pytest.mark.parametrize(
    ("role", "basis", "parts"),
    [
        ("issuer", "author", [*STRUCTURAL, *PERSONAL]),
        ("opener", "opened", [*STRUCTURAL, *PERSONAL]),
        ("court", "named", [*STRUCTURAL, *PERSONAL]),
        ("auditor", "auditor", [*STRUCTURAL]),
        ("token", "operator", [*STRUCTURAL, *PERSONAL]),
    ],
)
@pytest.mark.parametrize("path", ["/v1/statements/{id}", "/v1/statements/{id}/proof", "/v1/documents/{digest}"])
def test_the_basis_of_each(people: People, role: str, basis: str, parts: list[str], path: str) -> None:
    digest = people.report.content.value("document")["sm3"]
    (record,) = made_by(people, role, path.format(id=people.report.name, digest=digest))
    assert record["read"] == [{"basis": basis, "parts": parts, "statement": people.report.name}]
    assert record["route"] == f"GET {path}"
    if role == "token":
        assert (record["institution"], record["key"], record["roles"]) == (None, None, [])


@pytest.mark.parametrize("role", ["nobody", "stranger", "quality"])
def test_what_shows_nothing_leaves_no_record(people: People, role: str) -> None:
    for path in (f"/v1/statements/{people.report.name}", f"/v1/subjects/{encode_hex(people.report.subject)}"):
        assert made_by(people, role, path) == []


def test_the_chain_holds_while_many_read_at_once(people: People) -> None:
    before = len(records(people))
    path = f"/v1/statements/{people.report.name}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: people.get(("issuer", "opener")[number % 2], path), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    found = records(people)
    assert len(found) == before + 40
    previous, last_at = bytes(32), 0
    for number, item in enumerate(found):
        text = json.dumps(item["record"], separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        previous = hashlib.sha256(b"huzheng reading v1\x00" + previous + text).digest()
        assert (item["number"], item["record"]["number"], item["hash"]) == (number, number, previous.hex())
        assert item["record"]["at"] >= last_at
        last_at = item["record"]["at"]


def test_nothing_is_shown_that_cannot_be_recorded() -> None:
    class Nobody:
        def relation(self, *_: object) -> Relation:
            return Relation()

    class Full:
        def append(self, *_: object) -> int:
            raise StoreUnavailable("the disk is full")

    signed = Signer(Domain(1, b"\x01" * 20, b"\x02" * 32), "SYN1", b"\x01" * 32).issued()
    stored = StoredStatement(0, signed.id, b"\x02" * 20, signed.entry.to_bytes(), b"")
    with pytest.raises(StoreUnavailable):
        Disclosure(Nobody(), Full(), lambda: NOON).show(OPERATOR, [Read(stored, signed.content)], Request("r", "GET /"))


# Days


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    """An empty database of each kind."""
    engine = open_database(store_url.replace("postgresql+psycopg:", "postgresql:"))
    yield engine
    engine.dispose()


def a_reading() -> Reading:
    """Somebody was shown a part."""
    return Reading("SYN1", b"\x03" * 20, ["hospital"], "request", "GET /", [(b"\x04" * 32, "author", ["document"])])


def test_a_day_ends_in_its_last_record(engine: Engine) -> None:
    readings = SqlReadings(engine)
    times = [NOON - 86_400, NOON, NOON + HOUR, NOON + HOUR - 5, NOON + 12 * HOUR - 1, NOON + 12 * HOUR]
    for at in times:
        readings.append(a_reading(), at)
    rows = readings.rows(None, 100)
    assert [row.read_at for row in rows] == sorted([*times[:3], NOON + HOUR, *times[4:]]), "time never goes back"
    closing = CloseDay(readings, lambda: NOON + 100 * HOUR)
    head = closing.head(DAY)
    assert head.part() == {"count": 4, "day": "2026-03-01", "head": rows[4].hash.hex()}
    assert head.subject == hashlib.sha256(b"huzheng readings\x00" + b"2026-03-01").digest()
    assert closing.head(date(2026, 3, 3)).part() == {"count": 0, "day": "2026-03-03", "head": rows[5].hash.hex()}
    assert closing.head(date(2026, 2, 1)).part() == {"count": 0, "day": "2026-02-01", "head": "00" * 32}
    check = ChainCheck()
    assert check.run(rows) is None
    for day in (DAY, date(2026, 3, 3), date(2026, 2, 1), date(2026, 2, 28)):
        assert check.day(day) == closing.head(day)


@pytest.mark.parametrize(("after_noon", "closed"), [(12 * HOUR, False), (13 * HOUR - 1, False), (13 * HOUR, True)])
def test_a_day_is_closed_an_hour_after_its_end(engine: Engine, after_noon: int, closed: bool) -> None:
    closing = CloseDay(SqlReadings(engine), lambda: NOON + after_noon)
    if closed:
        assert closing.head(DAY).count == 0
        return
    with pytest.raises(Refused, match="not-found"):
        closing.head(DAY)
    with pytest.raises(Refused, match="not-found"):
        closing.head(date.max)


# Tampering


def some_rows(engine: Engine) -> list[ReadingRow]:
    """Five records."""
    readings = SqlReadings(engine)
    for number in range(5):
        readings.append(a_reading(), NOON + number)
    return readings.rows(None, 10)


def changed_record(row: ReadingRow, old: bytes, new: bytes) -> ReadingRow:
    """A row with another record under the same hash."""
    assert old in row.record
    return row._replace(record=row.record.replace(old, new))


def test_the_first_broken_record_is_named(tmp_path: Path) -> None:
    rows = some_rows(open_database(f"sqlite:///{tmp_path / 'readings.db'}"))
    assert ChainCheck().run(rows) is None and ChainCheck().run([]) is None
    tampered: dict[int, list[list[ReadingRow]]] = {
        0: [rows[1:], [changed_record(rows[0], b"SYN1", b"SYN2"), *rows[1:]]],
        2: [
            [*rows[:2], *rows[3:]],
            [*rows[:2], rows[3], rows[2], rows[4]],
            [*rows[:2], rows[2]._replace(hash=bytes(32)), *rows[3:]],
            [*rows[:2], rows[2]._replace(read_at=NOON), *rows[3:]],
            [*rows[:2], rows[2]._replace(record=b"{}"), *rows[3:]],
            [*rows[:2], changed_record(rows[2], b"author", b"opened"), *rows[3:]],
        ],
        3: [[*rows[:3], rows[3]._replace(number=7), rows[4]]],
    }
    for number, variants in tampered.items():
        for variant in variants:
            broken = ChainCheck().run(variant)
            assert isinstance(broken, Broken) and broken.number == number, broken
    # What is cut off at the end is a shorter chain, that only a published head tells from a whole one.
    assert ChainCheck().run(rows[:4]) is None


def rechained(rows: list[ReadingRow], old: bytes, new: bytes) -> list[ReadingRow]:
    """A chain made anew by somebody who knows how."""
    previous, made = bytes(32), []
    for row in rows:
        record = row.record.replace(old, new)
        previous = hashlib.sha256(b"huzheng reading v1\x00" + previous + record).digest()
        made.append(ReadingRow(row.number, record, previous, row.read_at))
    return made


@pytest.fixture
def world(chain: ScratchChain, tmp_path: Path) -> Iterator[World]:
    """A ledger with two days of readings, the first of them closed, everything final."""
    world = make_world(chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    readings = SqlReadings(world.engine)
    for at in (NOON, NOON + 1, NOON + 86_400):
        readings.append(a_reading(), at)
    found = next(item for item in world.city.authorities if item.code == OPERATOR_CODE)
    head = CloseDay(readings, lambda: NOON + 86_400).head(DAY)
    operator = Signer(world.city.domain, found.code, found.secret)
    world.submit(
        world.signers[0].issued(), operator.sign("readings.headed", head.subject, Part.create("readings", head.part()))
    )
    world.settle()
    yield world
    world.engine.dispose()


def test_the_audit_holds_and_counts_records(world: World) -> None:
    result = world.audit()
    assert result.holds and result.findings.counts["readings"] == 3
    assert not [fault for fault in result.findings.warnings if fault.first.step == 9]


def test_the_audit_warns_of_days_that_were_not_closed(world: World) -> None:
    SqlReadings(world.engine).append(a_reading(), NOON + 3 * 86_400)
    (warned,) = [fault.first for fault in world.audit().findings.warnings if fault.first.step == 9]
    assert (warned.table, warned.key, warned.what) == ("readings", "2026-03-02", "head")


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("UPDATE readings SET record = replace(record, 'SYN1', 'SYN2') WHERE number = 1", ("readings", "1", "hash")),
        ("DELETE FROM readings WHERE number = 1", ("readings", "1", "row")),
        ("UPDATE readings SET hash = zeroblob(32) WHERE number = 0", ("readings", "0", "hash")),
        ("UPDATE readings SET read_at = read_at + 1 WHERE number = 2", ("readings", "2", "read_at")),
        ("UPDATE readings SET number = 9 WHERE number = 2", ("readings", "2", "row")),
        ("UPDATE readings SET record = 'no record' WHERE number = 0", ("readings", "0", "hash")),
        ("DELETE FROM readings WHERE number >= 1", ("entries", "1", "readings")),
        ("DELETE FROM readings", ("entries", "1", "readings")),
    ],
)
def test_the_audit_names_what_was_tampered_with(world: World, tmp_path: Path, command: str, found: tuple) -> None:
    # SQLite's replace makes a text of octets; the service writes octets.
    commands = [command, "UPDATE readings SET record = CAST(record AS BLOB)"] if "record" in command else [command]
    assert place(world.audit(change(copy_database(world, tmp_path), *commands)).findings.first) == found


def test_the_audit_tells_a_chain_that_was_made_anew(world: World, tmp_path: Path) -> None:
    rows = rechained(SqlReadings(world.engine).rows(None, 10), b"SYN1", b"SYN2")
    commands = [
        ("UPDATE readings SET record = ?, hash = ? WHERE number = ?", (row.record, row.hash, row.number))
        for row in rows
    ]
    url = change(copy_database(world, tmp_path), *commands)
    assert place(world.audit(url).findings.first) == ("entries", "1", "readings")
