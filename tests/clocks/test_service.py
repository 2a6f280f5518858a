"""A running service that asks authorities: those that answer stamp, and those that do not hold up nothing."""

import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from anchors.clocks import verify_timestamps
from anchors.clocks.authority import TIMEOUT_SECONDS
from ledger_service.settings import SettingsError, read_settings
from ledger_service.storage.database import open_database
from ledger_service.storage.lease import read_standing
from tests.fixtures.chain import ScratchChain
from tests.fixtures.clock_authority import ServedAuthority, make_house, serving
from tests.fixtures.ledger import Ledger, running_ledger


@dataclass
class Town:
    """A ledger, an authority that stamps, one that hangs and one that answers with errors."""

    ledger: Ledger
    good: ServedAuthority
    hanging: ServedAuthority
    failing: ServedAuthority


@contextmanager
def running_town(chain: ScratchChain, folder: Path) -> Iterator[Town]:
    houses = [make_house(folder, name) for name in ("good", "hanging", "failing")]
    roots = folder / "roots.pem"
    roots.write_text("".join(house.root for house in houses))
    moods = ("", "hangs", "error")
    with (
        serving(houses[0], moods[0]) as good,
        serving(houses[1], moods[1]) as hanging,
        serving(houses[2], moods[2]) as failing,
        running_ledger(
            chain,
            folder,
            f"sqlite:///{folder / 'ledger.db'}",
            timestamp_authorities=", ".join(one.url for one in (hanging, good, failing)),
            timestamp_roots=str(roots),
            timestamp_seconds="1",
        ) as ledger,
    ):
        yield Town(ledger, good, hanging, failing)


@pytest.fixture(scope="module")
def town(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running_town(module_chain, tmp_path_factory.mktemp("town")) as town:
        yield town


def test_heads_are_witnessed_while_an_authority_hangs(town: Town) -> None:
    ledger, hospital = town.ledger, town.ledger.signer(0)
    first = hospital.issued()
    ledger.submit(first)
    ledger.wait_for_state(first, "witnessed")
    for _ in range(2):  # a machine that stood still meanwhile may have given the question up
        ledger.wait_for(lambda: town.hanging.waiting)
        question = town.hanging.asked
        for _ in range(3):
            statement = hospital.issued()
            ledger.submit(statement)
            ledger.wait_for_state(statement, "final")
        if (town.hanging.asked, town.hanging.waiting) == (question, 1):
            return
    raise AssertionError("nothing became final while a question hung")


def test_what_is_stamped_can_be_had_and_holds(town: Town) -> None:
    ledger = town.ledger
    ledger.submit(ledger.signer(1).issued())
    (item,) = ledger.wait_for(lambda: ledger.get("/v1/timestamps/0").json()["items"])
    assert [token["authority"] for token in item["tokens"]] == [town.good.name]
    tokens = [b64decode(token["token"]) for token in item["tokens"]]
    (stamp,) = verify_timestamps(tokens, item["text"].encode(), [town.good.house.authority])
    assert stamp.time == item["tokens"][0]["stampedAt"]
    note = ledger.get(f"/v1/checkpoints/{item['size']}").json()["note"]
    assert note.startswith(item["text"] + "\n")
    assert ledger.get(f"/v1/timestamps/{2**40}").json()["items"] == []


def test_an_authority_that_fails_is_told_of_and_hinders_nothing(town: Town) -> None:
    ledger = town.ledger

    def note() -> str:
        notes = ledger.get("/readyz").json()["notes"]
        return next((line for line in notes if town.failing.name in line), "")

    assert "answers with status 503" in ledger.wait_for(note)
    assert ledger.get("/readyz").status_code == 200
    lines = ledger.get("/metrics").text.splitlines()
    assert f'huzheng_authority_failing{{authority="{town.failing.name}"}} 1.0' in lines
    assert f'huzheng_authority_failing{{authority="{town.good.name}"}} 0.0' in lines
    assert any(line.startswith(f'huzheng_timestamp_age_seconds{{authority="{town.good.name}"}}') for line in lines)


@pytest.mark.alone  # it is measured against the patience of who asks
def test_a_service_stops_while_an_authority_hangs(module_chain: ScratchChain, tmp_path: Path) -> None:
    """In a town of its own: another hanging authority may be in a pause of any length by now."""
    with running_town(module_chain, tmp_path) as town:
        engine = open_database(town.ledger.database)
        town.ledger.submit(town.ledger.signer(2).issued())
        town.ledger.wait_for(lambda: town.hanging.asked)  # it has just been asked, and keeps somebody waiting
        begin = time.monotonic()
        town.ledger.service.stop()
        assert time.monotonic() - begin < TIMEOUT_SECONDS, "nobody waited until the question was given up"
        standing = read_standing(engine)
        engine.dispose()
    assert standing.term > 0 and not standing.holder and not standing.held, "the lease was given back"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"timestamp_authorities": "https://tsa.example/tsr"}, "HUZHENG_TIMESTAMP_ROOTS together"),
        ({"timestamp_roots": "{roots}"}, "HUZHENG_TIMESTAMP_ROOTS together"),
        ({"timestamp_authorities": "tsa.example", "timestamp_roots": "{roots}"}, "expected http://host:port"),
        ({"timestamp_authorities": "http://a/x,http://a/y", "timestamp_roots": "{roots}"}, "a server of its own"),
        ({"timestamp_authorities": "http://a,", "timestamp_roots": "{roots}"}, "expected http://host:port"),
        ({"timestamp_authorities": "http://a", "timestamp_roots": "{none}"}, "cannot be read: No such file"),
        ({"timestamp_authorities": "http://a", "timestamp_roots": "{empty}"}, "holds no certificate"),
        ({"timestamp_authorities": "http://a", "timestamp_roots": "{broken}"}, "expected an X.509 certificate"),
        ({"timestamp_seconds": 0}, "HUZHENG_TIMESTAMP_SECONDS"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, settings: dict, why: str) -> None:
    files = {name: tmp_path / name for name in ("roots", "none", "empty", "broken")}
    files["roots"].write_text(make_house(tmp_path, "house").root)
    files["empty"].write_text("no certificate\n")
    files["broken"].write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    given = {name: value.format(**files) if isinstance(value, str) else value for name, value in settings.items()}
    whole = {"origin": "ledger.example/x", "rpc": "http://x", "registry": "0x" + "1" * 40, "witness": "0x" + "2" * 40}
    with pytest.raises(SettingsError, match=why) as refused:
        read_settings(**whole, **given)
    assert "\n" not in str(refused.value)
