"""`huzheng audit`: what it says and the status it ends with."""

import json
from pathlib import Path

import pytest

from anchors.core.trust import format_trust
from ledger_service.cli import main
from tests.audit.world import World, change


@pytest.fixture
def trust_file(world: World, tmp_path: Path) -> str:
    """The trust file as a person would have it."""
    path = tmp_path / "trust.json"
    path.write_bytes(format_trust(world.trust()))
    return str(path)


def _audit(world: World, trust_file: str, database: str, *more: str) -> int:
    return main(["audit", "--database", database, "--trust", trust_file, "--rpc", world.chain.url, *more])


def test_a_ledger_that_holds(world: World, trust_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _audit(world, trust_file, world.database, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["audit"], answer["size"], answer["witnessed"], answer["first"]) == ("ok", 451, 440, None)
    assert answer["checked"]["entries"] == 451 and answer["ratio"] > 0
    assert _audit(world, trust_file, world.database) == 0
    assert "THE LEDGER HOLDS" in capsys.readouterr().out


def test_a_ledger_that_does_not(world: World, copy: Path, trust_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = change(copy, "UPDATE entries SET sm3 = 90000 WHERE position = 100", "DELETE FROM heads")
    assert _audit(world, trust_file, url, "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["audit"] == "failed"
    assert answer["first"] | {"expected": "", "found": ""} == {
        "step": 7,
        "table": "entries",
        "key": "100",
        "what": "sm3",
        "expected": "",
        "found": "",
        "count": 1,
    }
    assert [fault["table"] for fault in answer["faults"]] == ["entries", "heads"]
    assert _audit(world, trust_file, url, "--first") == 1
    shown = capsys.readouterr().out
    assert "entries 100: sm3: expected" in shown and "heads" not in shown.split("Faults")[1]


def test_what_cannot_be_audited(
    world: World, tmp_path: Path, trust_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = tmp_path / "nobody.sqlite"
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    no_database = ("no url", "mysql://nobody@127.0.0.1:1/none", "postgresql://nobody@127.0.0.1:1/none")
    for database in (f"sqlite:///{nobody}", f"sqlite:///{empty}", f"sqlite:///{trust_file}", *no_database):
        assert _audit(world, trust_file, database) == 2, database
        line = capsys.readouterr().err
        assert line.startswith("huzheng: ") and line.count("\n") == 1 and "inside huzheng" not in line, line
    assert not nobody.exists(), "an audit writes nothing"
    assert main(["audit", "--database", world.database, "--trust", trust_file, "--rpc", "http://127.0.0.1:1"]) == 2
    assert main(["audit", "--database", world.database, "--trust", str(nobody), "--rpc", world.chain.url]) == 2


def test_an_audit_writes_nothing(world: World, copy: Path, trust_file: str) -> None:
    before = copy.read_bytes()
    assert _audit(world, trust_file, f"sqlite:///{copy}", "--json") == 0
    assert copy.read_bytes() == before
