"""A small ledger that has rows in every table, and a chain that stands still."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from anchors.chain.port import Chain
from anchors.clocks import timestamp_message, verify_timestamp
from anchors.core.checkpoint import Checkpoint
from anchors.core.content import Part
from anchors.core.cosignature import WitnessSecret
from anchors.core.trust import Trust
from ledger_service.storage import schema
from ledger_service.storage.audit_rows import open_audit_rows
from ledger_service.storage.cosignatures import SqlCosignatures
from ledger_service.storage.database import begin_writing
from ledger_service.storage.past import SqlPast
from ledger_service.storage.readings import SqlReadings
from ledger_service.storage.timestamps import SqlTimestamps
from ledger_service.usecases.audit import Audit, AuditResult
from ledger_service.usecases.outside_ports import NewCosignature, NewTimestamp
from ledger_service.usecases.privacy_ports import Reading
from ledger_service.usecases.readings import CloseDay, begin_of
from scripts.city.founding import OPERATOR
from tests.audit.test_rulebook import authority, with_rules
from tests.audit.world import World
from tests.fixtures.clock_authority import House
from tests.fixtures.ledger import FINALITY_BLOCKS
from tests.fixtures.signer import example, links

STORIES = 24
BATCH_ENTRIES, SLICES = 32, 2
"""Of `storage.finder`: so that this log has old rows of `prefixes`, young ones and entries that it does not cover."""
FULL_TILE = 256
WITNESSES = tuple(WitnessSecret(f"witness.example/{number}", bytes([number]) * 32) for number in (1, 2))
DAYS = (date(2026, 3, 1), date(2026, 3, 2))


class StillChain:
    """A chain whose answers are remembered; `changes` says by method what becomes of an answer."""

    def __init__(self, chain: Chain, known: dict | None = None, **changes: Callable[[Any], Any]):
        self._chain, self._known, self._changes = chain, {} if known is None else known, changes

    def but(self, **changes: Callable[[Any], Any]) -> "StillChain":
        """The same chain with other answers."""
        return StillChain(self._chain, self._known, **changes)

    def __getattr__(self, name: str) -> Callable:
        def ask(*arguments: Any) -> Any:
            question = (name, *arguments)
            if question not in self._known:
                self._known[question] = getattr(self._chain, name)(*arguments)
            return self._changes.get(name, lambda answer: answer)(self._known[question])

        return ask


@dataclass
class EveryTable:
    """The ledger, what is believed, and the chain as of when it was made."""

    world: World
    trust: Trust
    chain: StillChain

    def audit(self, database: str | None = None, chain: StillChain | None = None) -> AuditResult:
        """Audit the ledger, or a copy of it."""
        begin = self.world.city.deployment.block_number
        audit = Audit(chain or self.chain, self.trust, self.trust.logs[0], begin)
        audit.read_chain()
        with open_audit_rows(database or self.world.database) as rows:
            return audit.run(rows)


def fill(world: World, house: House) -> EveryTable:
    """Let everything happen that leaves a row; `BATCH_ENTRIES` and `SLICES` must be in force."""
    with_rules(world)
    for number in range(STORIES):
        world.submit(*world.tell_story(number))
        if number % 4 == 3:
            world.integrate()
        if number == STORIES // 2:
            world.settle()
    _hold(world)
    _read(world)
    world.settle()
    _witness_outside(world, house)
    world.submit(*world.tell_story())
    _last_head(world)
    # The last report stays amended: its withdrawal is not sent.
    world.submit(*world.tell_story(1)[:-1])
    _present(world)
    keys = [f"witness {name} {secret.key}" for name, secret in zip(("one", "two"), WITNESSES, strict=True)]
    policy = (*keys, "group both all one two", "quorum both")
    trust = replace(world.trust(), authorities=(house.authority,), witnesses=policy)
    return EveryTable(world, trust, StillChain(world.node))


def _hold(world: World) -> None:
    about = world.story[0]
    for kind in ("hold.placed", "dispute.opened"):
        basis = example("basis"), Part.create("note", "（合成）"), links(about=about)
        world.submit(world.signers[3].sign(kind, kind.encode().ljust(32, b"\x09"), *basis))


def _read(world: World) -> None:
    """Three readings on two days, both closed."""
    readings = SqlReadings(world.engine)
    read = [(world.story[0].id, "operator", ["document"])]
    for number, day in enumerate((DAYS[0], *DAYS)):
        readings.append(Reading(None, None, (), f"request {number}", "GET /", read), begin_of(day) + number)
    operator = authority(world, OPERATOR)
    for day in DAYS:
        head = CloseDay(readings, lambda: int(time.time())).head(day)
        world.submit(operator.sign("readings.headed", head.subject, Part.create("readings", head.part())))


def _witness_outside(world: World, house: House) -> None:
    """A time-stamp and its renewal, another one, and cosignatures."""
    sizes = [head.new_size for head in world.view.heads(None, 2)]
    stamps = SqlTimestamps(world.engine)
    for size in sizes:
        text = Checkpoint(world.city.origin, size, world.tree.checkpoint_at(size).root).to_text()
        tokens: list[bytes] = []
        for renews in (None, 1)[: 2 if size == sizes[0] else 1]:
            message = timestamp_message(text.encode(), tokens)
            tokens.append(house.token(message))
            stamp = verify_timestamp(tokens[-1], message, [house.authority])
            stamps.add(NewTimestamp(size, renews, "http://authority.example", tokens[-1], stamp.time, stamp.expires))
        for secret in WITNESSES:
            line = secret.cosign(text, stamp.time)
            SqlCosignatures(world.engine).add(NewCosignature(size, secret.name, line, stamp.time))


def _last_head(world: World) -> None:
    """One that is final, of which the sender has not heard."""
    world.integrate()
    world.witnesser.run_once()
    world.chain.mine(FINALITY_BLOCKS)
    world.follower.run_once()
    world.prover.run_once()


def _present(world: World) -> None:
    """What is of the present alone: the anchorer, sessions, restores; and the codes of the contracts."""
    contracts = world.trust().registry_contract, world.trust().witness_contract
    SqlPast(world.engine).record_codes(*(contract.code_hash for contract in contracts))
    rows = {
        schema.anchorer: [(1, 3, "process 1", 1_790_000_000_000, True, True, "", "[]")],
        schema.sessions: [(b"\x01" * 32, world.signers[0].key, 1_790_000_000)],
        schema.restores: [
            (number, 5, 1_790_000_000, 1_790_000_100, at) for number, at in ((1, 1_790_000_200), (2, None))
        ],
    }
    with begin_writing(world.engine) as connection:
        for table, values in rows.items():
            names = [column.name for column in table.columns]
            connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in values])
