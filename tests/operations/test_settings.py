"""Whoever starts the service with a wrong setting reads in one line which, and what to do."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ledger_service.client.keystore import create_key_file
from ledger_service.operator_keys import FILES
from ledger_service.settings import Settings, SettingsError, read_settings
from scripts.city.service import HUZHENG
from tests.architecture.tree import ROOT
from tests.fixtures.other_log import ORIGIN as OTHER_ORIGIN
from tests.fixtures.other_log import OtherLog

ADDRESS = "0x" + "11" * 20
PASSPHRASE = "synthetic-passphrase-of-a-test"
RIGHT = {
    "HUZHENG_ORIGIN": "ledger.example/settings",
    "HUZHENG_RPC": "http://127.0.0.1:1",
    "HUZHENG_REGISTRY": ADDRESS,
    "HUZHENG_WITNESS": ADDRESS,
}


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HUZHENG_ORIGIN", None, "HUZHENG_ORIGIN"),
        ("HUZHENG_ORIGIN", "two words", "HUZHENG_ORIGIN"),
        ("HUZHENG_RPC", "node:8545", "HUZHENG_RPC"),
        ("HUZHENG_REGISTRY", "0x1234", "HUZHENG_REGISTRY"),
        ("HUZHENG_FINALITY", "soon", "HUZHENG_FINALITY"),
        ("HUZHENG_ROLE", "everything", "HUZHENG_ROLE"),
        ("HUZHENG_API_PROCESSES", "0", "HUZHENG_API_PROCESSES"),
        ("HUZHENG_PROMISE_SECONDS", "3", "HUZHENG_PROMISE_SECONDS"),
        ("HUZHENG_PASSPHRASE", "another", "not both"),
        ("HUZHENG_PASSPHRASE_FILE", "nowhere", "HUZHENG_PASSPHRASE_FILE: nowhere cannot be read"),
        ("HUZHENG_OPERATOR_TOKEN_FILE", "nowhere", "HUZHENG_OPERATOR_TOKEN_FILE: nowhere cannot be read"),
        ("HUZHENG_FOREIGN_TRUST", "nowhere", "HUZHENG_FOREIGN_TRUST: nowhere: No such file"),
        ("HUZHENG_FOREIGN_TRUST", "passphrase", "HUZHENG_FOREIGN_TRUST: passphrase: trust file"),
        ("HUZHENG_FOREIGN_TRUST", "other.json,other.json", "two trust files name the log ledger.example/other-city"),
        ("HUZHENG_FOREIGN_TRUST", "own.json", "ledger.example/settings is this log itself"),
        ("HUZHENG_LOG_FORMAT", "xml", "HUZHENG_LOG_FORMAT"),
        ("HUZHENG_TELEMETRY", "collector", "HUZHENG_TELEMETRY"),
        ("HUZHENG_TELEMETRY", "http://user:word@collector:4318", "HUZHENG_TELEMETRY"),
    ],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("passphrase").write_text(PASSPHRASE + "\n")
    Path("other.json").write_bytes(OtherLog().trust_file())
    Path("own.json").write_bytes(OtherLog(origin=RIGHT["HUZHENG_ORIGIN"]).trust_file())
    given = {"HUZHENG_PASSPHRASE_FILE": "passphrase", "HUZHENG_FOREIGN_TRUST": "other.json"}
    for name, right in (RIGHT | given).items():
        monkeypatch.setenv(name, right)
    assert read_settings().originals.origins == {OTHER_ORIGIN}
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    line = str(refused.value)
    assert said in line and "\n" not in line and PASSPHRASE not in line


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HUZHENG_DATABASE", "sqlite:////nowhere/ledger.db", "HUZHENG_DATABASE"),
        ("HUZHENG_DATABASE", "postgresql://nobody:synthetic@127.0.0.1:1/none", "HUZHENG_DATABASE"),
        ("HUZHENG_RPC", "http://127.0.0.1:1", "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_reached_is_one_line_and_status_2(tmp_path: Path, variable: str, value: str, said: str) -> None:
    given = RIGHT | {"HUZHENG_PASSPHRASE": PASSPHRASE, "HUZHENG_DATABASE": "sqlite:///ledger.db", variable: value}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUZHENG_")}
    command = [HUZHENG, "serve", "--port", "0"]
    done = subprocess.run(command, cwd=tmp_path, env=environment | given, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert lines[0].startswith("huzheng: ") and said in lines[0] and PASSPHRASE not in lines[0]


def test_without_a_passphrase_or_keys_it_says_so(tmp_path: Path) -> None:
    database = {"HUZHENG_DATABASE": "sqlite:///ledger.db"}
    settings = {name.removeprefix("HUZHENG_").lower(): value for name, value in (RIGHT | database).items()}
    from ledger_service.operator_keys import unlock_receipt_key

    with pytest.raises(SettingsError, match="HUZHENG_PASSPHRASE_FILE"):
        unlock_receipt_key(read_settings(**settings))
    with pytest.raises(SettingsError, match=r"receipt\.json"):
        unlock_receipt_key(read_settings(**settings, passphrase=PASSPHRASE, keys=str(tmp_path / "none")))
    create_key_file(tmp_path / "receipt.json", FILES["checkpoint.json"], PASSPHRASE, light=True)
    with pytest.raises(SettingsError, match="holds a checkpoint key, expected a receipt key"):
        unlock_receipt_key(read_settings(**settings, passphrase=PASSPHRASE, keys=str(tmp_path)))


def test_a_busy_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = os.environ | RIGHT
        command = [HUZHENG, "serve", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "HUZHENG_PORT" in done.stderr


def test_secrets_are_known(tmp_path: Path) -> None:
    token, passphrase = tmp_path / "token", tmp_path / "passphrase"
    token.write_text("synthetic-token\n")
    passphrase.write_text("synthetic-passphrase\nsecond line\n")
    settings = read_settings(
        origin="ledger.example/x", registry=ADDRESS, witness=ADDRESS,
        rpc="http://one:word-one@127.0.0.1:1,http://127.0.0.1:2/v3/node-key",
        database="postgresql://ledger:word%2Dtwo@127.0.0.1/ledger",
        operator_token_file=str(token), passphrase_file=str(passphrase),
    )  # fmt: skip
    assert set(settings.secrets()) == {
        "synthetic-token", "synthetic-passphrase", "word-one", "word%2Dtwo", "word-two",
        "v3",
        "node-key"
    }  # fmt: skip
    assert "synthetic" not in repr(settings)


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "SETTINGS.md").read_text("utf-8")
    documented = {}
    for row in (line for line in page.splitlines() if line.startswith("| `HUZHENG_")):
        names, defaults = ([word.strip("` ") for word in cell.split(",")] for cell in row.split("|")[1:3])
        documented |= dict(zip(names, defaults if len(defaults) > 1 else defaults * len(names), strict=True))
    assert documented == {f"HUZHENG_{name.upper()}": shown(field) for name, field in Settings.model_fields.items()}


def shown(field: FieldInfo) -> str:
    """A setting's default as the page writes it."""
    if field.default in (None, PydanticUndefined):
        return "–"
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
