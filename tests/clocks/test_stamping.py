"""The anchorer's side: what is asked for when, what is stored, and what an audit says of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from anchors.clocks import MAX_TOKENS, verify_timestamps
from anchors.clocks.authority import AuthorityFailed, HttpAuthority
from anchors.core.checkpoint import Checkpoint
from anchors.core.trust import Trust
from ledger_service.storage.timestamps import SqlTimestamps
from ledger_service.usecases.outside_ports import NewTimestamp
from ledger_service.usecases.stamp import Stamper
from tests.audit.world import World, change, copy_database, flipped, make_world, place, read
from tests.fixtures.chain import ScratchChain
from tests.fixtures.clock_authority import House, ServedAuthority, make_house, serving

DAY = 86_400
HOUR = 3_600


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, House]:
    folder = tmp_path_factory.mktemp("houses")
    return {name: make_house(folder, name, end=end) for name, end in (("ends soon", 100), ("lasts", 3_000))}


@pytest.fixture
def world(module_chain: ScratchChain, tmp_path: Path) -> Iterator[World]:
    """Eleven statements under a final head, and eleven that wait."""
    with told(module_chain, tmp_path) as world:
        yield world


@contextmanager
def told(chain: ScratchChain, folder: Path) -> Iterator[World]:
    world = make_world(chain, f"sqlite:///{folder / 'ledger.sqlite'}")
    world.submit(*world.tell_story())
    world.settle()
    world.submit(*world.tell_story(1))
    yield world
    world.engine.dispose()


@dataclass
class Watch:
    """A clock in the test's hands, and one that counts the seconds."""

    seconds: float = field(default_factory=time.time)

    def now(self) -> int:
        return int(self.seconds)

    def passed(self) -> float:
        return self.seconds


def stamper(
    world: World, served: ServedAuthority, watch: Watch, *others: ServedAuthority, timeout: float = 10
) -> Stamper:
    """What asks this authority, knowing of the others."""
    authority = HttpAuthority(served.url, [served.house.authority], timeout)
    configured = [authority.name, *(HttpAuthority(other.url, []).name for other in others)]
    return Stamper(
        authority, configured, SqlTimestamps(world.engine), world.tree, world.view, world.city.origin,
        HOUR, 365 * DAY, watch.now, watch.passed,
    )  # fmt: skip


def believing(world: World, *houses: House) -> Trust:
    return replace(world.trust(), authorities=tuple(house.authority for house in houses))


def test_one_checkpoint_an_hour_is_stamped_when_there_is_a_new_one(world: World, houses: dict[str, House]) -> None:
    watch = Watch()
    with serving(houses["lasts"]) as served:
        asking = stamper(world, served, watch)
        asking.run_once()
        asking.run_once()
        assert served.asked == 1
        world.settle()
        asking.run_once()
        assert served.asked == 1  # there is another head, and the hour is not over
        watch.seconds += HOUR + 5
        asking.run_once()
        watch.seconds += HOUR
        asking.run_once()
        assert served.asked == 2  # the hour is over, and there is no other head
        chains = [SqlTimestamps(world.engine).covering(index) for index in (0, 10, 11, 21, 22)]
        assert [[chain[0].size for chain in found] for found in chains] == [[11], [11], [22], [22], []]
        stored = chains[0][0][0]
    text = Checkpoint(world.city.origin, 11, world.tree.checkpoint_at(11).root).to_text().encode()
    (stamp,) = verify_timestamps([stored.token], text, [houses["lasts"].authority])
    assert (stamp.time, stamp.expires) == (stored.stamped_at, stored.expires_at)
    assert stored.authority == served.name


FAILURES = {
    "refuses": "does not grant a token: rejection",
    "garbage": "no TimeStampResp",
    "other nonce": "another nonce",
    "error": "status 503",
    "hangs": "no answer within 0.2 s",
}


def test_an_authority_that_fails_is_asked_again_later_and_later(world: World, houses: dict[str, House]) -> None:
    for mood, why in FAILURES.items():
        watch = Watch()
        with serving(houses["lasts"], mood) as served:
            asking = stamper(world, served, watch, timeout=0.2 if mood == "hangs" else 10)
            for pause in (5, 10, 20):
                for _ in range(3):
                    with pytest.raises(AuthorityFailed, match=why):
                        asking.run_once()
                watch.seconds += pause
            assert served.asked == 3
    assert SqlTimestamps(world.engine).covering(0) == []


def test_an_authority_that_is_well_again_is_asked_when_the_pause_is_over(
    world: World, houses: dict[str, House]
) -> None:
    watch = Watch()
    with serving(houses["lasts"], "error") as served:
        asking = stamper(world, served, watch)
        with pytest.raises(AuthorityFailed):
            asking.run_once()
        served.mood = ""
        with pytest.raises(AuthorityFailed):
            asking.run_once()
        watch.seconds += 5
        asking.run_once()
        asking.run_once()
    assert served.asked == 2
    assert len(SqlTimestamps(world.engine).covering(0)) == 1


def test_what_is_signed_by_a_stranger_is_not_stored(world: World, houses: dict[str, House]) -> None:
    foreign = replace(houses["lasts"], root=houses["ends soon"].root)
    with serving(foreign) as served, pytest.raises(AuthorityFailed, match="no authority that is believed"):
        stamper(world, served, Watch()).run_once()
    assert SqlTimestamps(world.engine).covering(0) == []


def test_what_ages_is_renewed_by_whoever_lasts_longer(world: World, houses: dict[str, House]) -> None:
    watch = Watch()
    with serving(houses["ends soon"]) as old, serving(houses["lasts"]) as new:
        stamper(world, old, watch, new).run_once()
        stamper(world, old, watch, new).run_once()
        assert old.asked == 1  # its certificate ends within the year, and it has none that ends later
        with_both, alone = stamper(world, new, watch, old), stamper(world, new, watch)
        with_both.run_once()
        with_both.run_once()
        assert new.asked == 1  # the other is still asked for its own
        alone.run_once()
        alone.run_once()
        assert new.asked == 2
    chain = SqlTimestamps(world.engine).covering(0)[0]
    assert [stored.authority for stored in chain] == [old.name, new.name]
    text = Checkpoint(world.city.origin, 11, world.tree.checkpoint_at(11).root).to_text().encode()
    believed = [house.authority for house in houses.values()]
    stamps = verify_timestamps([stored.token for stored in chain], text, believed)
    assert [stamp.authority for stamp in stamps] == ["ends soon", "lasts"]
    result = world.audit(trust=believing(world, *houses.values()))
    assert result.holds and result.findings.counts["timestamps"] == 3


def test_after_a_token_it_looks_for_more_at_once_and_else_it_rests(world: World, houses: dict[str, House]) -> None:
    watch = Watch()
    with serving(houses["ends soon"]) as old, serving(houses["lasts"]) as new:
        assert stamper(world, old, watch).run_once()
        asking = stamper(world, new, watch)
        assert [bool(asking.run_once()) for _ in range(4)] == [True, True, False, False]
        assert new.asked == 2  # one of its own, and one that renews the other's


def test_a_full_chain_is_told_of_and_holds_up_neither_renewals_nor_stamps(
    world: World, houses: dict[str, House]
) -> None:
    timestamps, watch = SqlTimestamps(world.engine), Watch()
    with serving(houses["ends soon"]) as old, serving(houses["lasts"]) as new:
        # Full, and the first of all that age; what is in its tokens is of no interest here.
        for number in range(MAX_TOKENS):
            row = NewTimestamp(5, number or None, old.name, b"token", watch.now() - HOUR, watch.now() + HOUR)
            timestamps.add(row)
        stamper(world, old, watch).run_once()
        asking = stamper(world, new, watch)
        assert asking.run_once() and asking.run_once()
        (chain,) = (found for found in timestamps.covering(0) if found[0].authority == new.name)
        assert [stored.size for stored in chain] == [11]
        renewed = timestamps.covering(5)
        assert sorted([stored.authority for stored in found] for found in renewed) == sorted(
            [[old.name, new.name], [new.name]]
        )
        for _ in range(3):
            with pytest.raises(AuthorityFailed, match="checkpoint of 5 entries has 64 tokens") as told:
                asking.run_once()
        assert "\n" not in str(told.value) and new.asked == 2
        assert len(timestamps.covering(0)[0]) == MAX_TOKENS
        # It is told of for long, with longer and longer pauses, and what is due is stamped all the same.
        world.settle()
        for _ in range(0, HOUR - 120, 60):
            watch.seconds += 60
            with pytest.raises(AuthorityFailed):
                asking.run_once()
        watch.seconds += 180
        assert asking.run_once()
        assert timestamps.newest(new.name).size == 22


# The audit


@pytest.fixture(scope="module")
def stamped(
    module_chain: ScratchChain, houses: dict[str, House], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A token on the first checkpoint by each of two authorities, and one that renews the first."""
    watch = Watch()
    with told(module_chain, tmp_path_factory.mktemp("stamped")) as world:
        with serving(houses["ends soon"]) as old, serving(houses["lasts"]) as new:
            stamper(world, old, watch).run_once()
            for _ in range(2):
                stamper(world, new, watch).run_once()
        yield world


def test_tokens_of_strangers_are_not_checked(stamped: World, houses: dict[str, House]) -> None:
    result = stamped.audit()
    assert result.holds and "timestamps" not in result.findings.counts
    (left,) = result.findings.left
    assert (place(left.first), left.count) == (("timestamps", "1", "token"), 3)
    assert result.findings.state(10) == "NOT_CHECKED"
    partly = stamped.audit(trust=believing(stamped, houses["lasts"]))
    assert partly.holds and partly.findings.counts["timestamps"] == 2


@pytest.mark.parametrize(
    ("change_row", "named"),
    [
        ("UPDATE timestamps SET stamped_at = stamped_at + 1 WHERE number = 2", ("2", "stamped_at")),
        ("UPDATE timestamps SET expires_at = expires_at - 1 WHERE number = 1", ("1", "expires_at")),
        ("UPDATE timestamps SET size = 12 WHERE number = 2", ("2", "checkpoint")),
        ("UPDATE timestamps SET renews = NULL WHERE number = 3", ("3", "token")),
        ("UPDATE timestamps SET renews = 7 WHERE number = 3", ("3", "renews")),
        ("UPDATE timestamps SET renews = 3 WHERE number = 3", ("3", "renews")),
        ("UPDATE timestamps SET token = 'text' WHERE number = 2", ("2", "token")),
        (
            "UPDATE timestamps SET token = (SELECT token FROM timestamps WHERE number = 3) WHERE number = 2",
            ("2", "token"),
        ),
    ],
)
def test_a_changed_row_is_named(
    stamped: World, houses: dict[str, House], tmp_path: Path, change_row: str, named: tuple[str, str]
) -> None:
    trust = believing(stamped, *houses.values())
    assert stamped.audit(trust=trust).holds
    result = stamped.audit(change(copy_database(stamped, tmp_path), change_row), trust=trust)
    assert place(result.findings.first) == ("timestamps", *named)


def test_a_changed_token_is_named(stamped: World, houses: dict[str, House], tmp_path: Path) -> None:
    path = copy_database(stamped, tmp_path)
    (token,) = read(path, "SELECT token FROM timestamps WHERE number = 2")
    url = change(path, ("UPDATE timestamps SET token = ? WHERE number = 2", (flipped(token, len(token) - 5),)))
    result = stamped.audit(url, trust=believing(stamped, *houses.values()))
    assert place(result.findings.first) == ("timestamps", "2", "token")
