"""A chain of tokens proves the time of its first one, for as long as each was renewed in time."""

from pathlib import Path

import pytest

from anchors.clocks import UnknownAuthority, timestamp_message, verify_timestamps
from anchors.core.errors import MalformedInput, VerificationFailed
from tests.fixtures.clock_authority import House, make_house

TEXT = b"ledger.example/clocks\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, House, House]:
    """Three authorities; the certificate of the first ends soonest."""
    folder = tmp_path_factory.mktemp("houses")
    return tuple(make_house(folder, name, end=end) for name, end in (("first", 100), ("second", 900), ("third", 3_000)))


def chain_of(*houses: House) -> list[bytes]:
    """One token by each, every one over all before it."""
    tokens: list[bytes] = []
    for house in houses:
        tokens.append(house.token(timestamp_message(TEXT, tokens)))
    return tokens


def test_what_a_renewal_is_over() -> None:
    """Written out by hand from docs/spec/timestamps.md."""
    assert timestamp_message(b"text\n") == b"text\n"
    expected = b"huzheng time-stamp renewal v1\n\x00\x00\x00\x05text\n\x00\x00\x00\x02\x01\x02\x00\x00\x00\x01\x03"
    assert timestamp_message(b"text\n", [b"\x01\x02", b"\x03"]) == expected


def test_a_chain_says_who_stamped_and_when(houses: tuple[House, ...]) -> None:
    stamps = verify_timestamps(chain_of(*houses), TEXT, [house.authority for house in houses])
    assert [stamp.authority for stamp in stamps] == ["first", "second", "third"]
    assert [stamp.time for stamp in stamps] == sorted(stamp.time for stamp in stamps)
    assert [stamp.expires for stamp in stamps] == sorted(stamp.expires for stamp in stamps)


def test_nothing_of_a_chain_can_be_left_out_or_exchanged(houses: tuple[House, ...]) -> None:
    believed = [house.authority for house in houses]
    first, second, third = chain_of(*houses)
    other = houses[0].token(TEXT)
    for tokens in ([first, third], [second, third], [second], [other, second, third], [first, third, second]):
        with pytest.raises(VerificationFailed, match="over another message"):
            verify_timestamps(tokens, TEXT, believed)
    with pytest.raises(VerificationFailed, match="over another message"):
        verify_timestamps([first, second, third], TEXT + b"x", believed)
    with pytest.raises(MalformedInput):
        verify_timestamps([], TEXT, believed)
    with pytest.raises(UnknownAuthority):
        verify_timestamps([first, second], TEXT, believed[:1])


def test_a_renewal_that_came_too_late(tmp_path: Path, houses: tuple[House, ...]) -> None:
    # The first certificate ends while the test runs as little as ever; so its token is of a clock that is wrong.
    ended = make_house(tmp_path, "ended", begin=-20, end=0)
    tokens = [ended.stamped_at(TEXT, seconds_ago=7_200)]
    tokens.append(houses[1].token(timestamp_message(TEXT, tokens)))
    believed = [ended.authority, houses[1].authority]
    assert verify_timestamps(tokens[:1], TEXT, believed)[0].authority == "ended"
    with pytest.raises(VerificationFailed, match=r"renewed at .* not between"):
        verify_timestamps(tokens, TEXT, believed)


def test_a_renewal_from_before_what_it_renews(houses: tuple[House, ...]) -> None:
    tokens = [houses[0].token(TEXT)]
    tokens.append(houses[1].stamped_at(timestamp_message(TEXT, tokens), seconds_ago=7_200))
    with pytest.raises(VerificationFailed, match="not between"):
        verify_timestamps(tokens, TEXT, [houses[0].authority, houses[1].authority])
