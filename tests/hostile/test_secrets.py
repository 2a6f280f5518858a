"""No secret is written anywhere: not to a log at its most talkative, an answer, a figure, an error, a traceback.

The service runs with secrets that this test knows, its logging turned up to everything; people and strangers do right
and wrong things to it, and the chain dies under it. Then everything that came out is searched.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from anchors.core.note import SignerKey
from ledger_service.cli import main
from ledger_service.client.keystore import create_key_file, new_secret
from ledger_service.operator_keys import FILES, AnchorerKeys
from ledger_service.settings import read_settings
from scripts.city.founding import City
from scripts.city.service import ServiceProcess
from tests.cli.command import huzheng
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, found_small_city
from tests.fixtures.signer import Signer

PASSPHRASE = "passphrase-zq7v-of-this-test"
TOKEN = "operator-token-xk2m-of-this-test"
RPC_PASSWORD = "rpc-password-wd9p-of-this-test"
RPC_PATH = "provider-token-jf4t-of-this-test"
DATABASE_PASSWORD = "database-password-hn3r-of-this-test"
MARKER = "synthetic-patient-marker-qc8b"
"""A personal part's text: nobody's, and treated as somebody's."""

TALKATIVE = """
import logging
logging.Logger.isEnabledFor = lambda self, level: True
logging.Logger.getEffectiveLevel = lambda self: 1
"""
"""What Python runs before anything else: every logger says everything, in every process of the service."""


class Heard:
    """Everything that came out, by where it came from."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, where: str, text: str) -> None:
        """One more thing that somebody could read."""
        self.texts[f"{len(self.texts)} {where}"] = text

    def hear(self, where: str, response: httpx.Response) -> None:
        """An answer, with its headers."""
        self.add(where, f"{response.status_code} {response.headers} {response.text}")

    def told(self, secrets: dict[str, str]) -> list[str]:
        """Which secret stands where."""
        return [
            f"{name} in {where}"
            for name, secret in secrets.items()
            for where, text in self.texts.items()
            if secret in text
        ]


def spellings(name: str, secret: bytes) -> dict[str, str]:
    """The ways in which a key would be written."""
    return {
        f"{name} in hex": secret.hex(),
        f"{name} in base64": base64.b64encode(secret).decode(),
        f"{name} as Python writes it": repr(secret)[2:-1],
        f"{name} as a number": str(int.from_bytes(secret, "big")),
    }


def with_credentials(url: str) -> str:
    """The node's address as providers sell it: with a user, a password and a token in the path."""
    return f"{url.replace('http://', f'http://user:{quote(RPC_PASSWORD)}@')}/?key={RPC_PATH}"


@pytest.fixture(params=["text", "json"])
def ledger(
    request: pytest.FixtureRequest, chain: ScratchChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ledger]:
    """A service that says all it can, under secrets that no other test has."""
    (tmp_path / "talkative").mkdir()
    (tmp_path / "talkative" / "sitecustomize.py").write_text(TALKATIVE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "talkative"))
    city = found_small_city(chain)
    made = Ledger(
        chain, city, tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", operator_token=TOKEN,
        rpc=with_credentials(chain.url), log_format=request.param,
    )  # fmt: skip
    made.service = ServiceProcess(made.settings, made.log_file)  # an interpreter of its own, to be made talkative
    _lock_again(city, tmp_path / "keys")
    try:
        made.start()
        yield made
    finally:
        made.http.close()
        made.service.stop()


def _lock_again(city: City, folder: Path) -> None:
    """The operator's keystores under this test's passphrase."""
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n")
    for file, purpose in FILES.items():
        (folder / file).unlink()
        secret = getattr(city.operator, file.removesuffix(".json"))
        create_key_file(folder / file, purpose, PASSPHRASE, secret=secret, light=True)


def _use(ledger: Ledger, heard: Heard) -> None:
    """What people and strangers do, right and wrong."""
    signer: Signer = ledger.signer(0)
    signed = signer.issued()
    body = json.dumps({"origin": ledger.city.origin, "statements": [signed.wire]}).encode()
    heard.hear("a submission", ledger.post(body))
    spoilt = dict(signer.issued().wire, parts=[json.dumps({"name": MARKER, "salt": MARKER})])
    for wrong in (spoilt, dict(spoilt, key=MARKER), dict(spoilt, entry=MARKER), {MARKER: MARKER}, MARKER):
        ledger.post(json.dumps({"origin": ledger.city.origin, "statements": [wrong]}).encode())
    ledger.post(f'{{"origin":"{MARKER}"'.encode())
    for path in (
        "/",
        "/openapi.json",
        "/metrics",
        "/readyz",
        "/healthz",
        "/v1/registry",
        "/v1/institutions",
        "/nothing",
    ):
        heard.hear(path, ledger.get(path))
    subject = f"/v1/subjects/0x{signed.subject.hex()}"
    for authorization in (f"Bearer {TOKEN}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN):
        heard.hear(f"a token {authorization[:7]}", ledger.http.get(subject, headers={"Authorization": authorization}))
    heard.hear("a token in the path", ledger.get("/v1/institutions/nobody", params={"token": "nothing"}))


def test_nothing_that_comes_out_holds_a_secret(ledger: Ledger, chain: ScratchChain) -> None:
    heard, city = Heard(), ledger.city
    _use(ledger, heard)
    chain.anvil.kill()
    ledger.wait_for(lambda: ledger.get("/readyz").status_code == 503)
    heard.hear("/readyz without a chain", ledger.get("/readyz"))
    heard.hear("/metrics without a chain", ledger.get("/metrics"))
    ledger.service.stop()
    log = ledger.log()
    heard.add("the service's log", log)
    assert "DEBUG" in log.upper(), "the log was not turned up"
    secrets = {"passphrase": PASSPHRASE, "token": TOKEN, "RPC password": RPC_PASSWORD, "RPC path": RPC_PATH}
    for name in ("checkpoint", "receipt", "note", "relay"):
        secrets |= spellings(f"{name} key", getattr(city.operator, name))
    assert not heard.told(secrets)
    assert MARKER not in log, "what was sent in a part stands in the log"


def test_the_service_names_what_is_wrong_without_telling_it(tmp_path: Path) -> None:
    """A start that fails quotes no setting that is secret."""
    heard = Heard()
    sound = {
        "HUZHENG_ORIGIN": "ledger.example/secrets",
        "HUZHENG_REGISTRY": "0x" + "11" * 20,
        "HUZHENG_WITNESS": "0x" + "22" * 20,
        "HUZHENG_RPC": with_credentials("http://127.0.0.1:9"),
        "HUZHENG_DATABASE": f"postgresql://user:{DATABASE_PASSWORD}@127.0.0.1:9/huzheng",
        "HUZHENG_PASSPHRASE": PASSPHRASE,
        "HUZHENG_OPERATOR_TOKEN": TOKEN,
        "HUZHENG_KEYS": str(tmp_path),
        "HUZHENG_PORT": "0",
        "HUZHENG_DEBUG": "1",
    }
    wrong = [
        {},
        {"HUZHENG_DATABASE": f"postgresql://user:{DATABASE_PASSWORD}@127.0.0.1:none/x"},
        {"HUZHENG_DATABASE": f"nothing://user:{DATABASE_PASSWORD}@127.0.0.1/x"},
        {"HUZHENG_RPC": f"ftp://user:{RPC_PASSWORD}@127.0.0.1/{RPC_PATH}"},
        {"HUZHENG_PASSPHRASE_FILE": str(tmp_path / "nothing")},
    ]
    for environment in wrong:
        ran = huzheng("serve", environment=sound | environment)
        assert ran.status != 0
        heard.add(f"serve with {environment}", ran.out + ran.err)
    secrets = {"passphrase": PASSPHRASE, "token": TOKEN, "RPC password": RPC_PASSWORD, "RPC path": RPC_PATH}
    assert not heard.told(secrets | {"database password": DATABASE_PASSWORD})


def test_the_command_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, where a call costs little; what ends in a traceback would be heard as well."""
    heard, secret = Heard(), new_secret()
    create_key_file(tmp_path / "brought.json", "statement", PASSPHRASE, secret=secret, light=True)
    environment = {
        "HUZHENG_PASSPHRASE": PASSPHRASE,
        "HUZHENG_OPERATOR_TOKEN": TOKEN,
        "HUZHENG_RPC": with_credentials("http://127.0.0.1:9"),
        "HUZHENG_URL": "http://127.0.0.1:9",
    }
    trust = tmp_path / "trust.json"
    trust.write_text("{}")
    calls = [
        ("keys", "new", "--out", tmp_path / "made.json", "--light"),
        ("keys", "new", "--out", tmp_path / "made.json", "--light"),
        ("keys", "list", "--keys", tmp_path),
        ("keys", "show", tmp_path / "brought.json"),
        ("chain", "status"),
        ("chain", "trust", "--origin", "ledger.example/secrets", "-o", tmp_path / "other.json"),
        ("find", "0" * 64),
        ("timeline", "0x" + "00" * 32),
        ("institution", "list"),
        ("audit", "--trust", trust),
        ("record", "report.issued", "--key", tmp_path / "brought.json", "--trust", trust),
        ("prove", "0x" + "00" * 32, "-o", tmp_path / "x.tlog-proof"),
        ("find", "--help"),
        ("record", "--help"),
        ("nothing",),
    ]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ledger_service.client.api.LONGEST_WAIT_SECONDS", 0.0)
    for call in [*calls, *([*call, "--json"] for call in calls)]:
        main([str(argument) for argument in call])
        heard.add(" ".join(map(str, call)), "".join(capsys.readouterr()))
    monkeypatch.setenv("HUZHENG_PASSPHRASE", f"{PASSPHRASE}-wrong")
    main(["keys", "show", "brought.json"])
    main(["chain", "deploy", "--key", "brought.json"])
    heard.add("a wrong passphrase", "".join(capsys.readouterr()))
    for path in tmp_path.glob("*.json"):
        heard.add(f"the file {path.name}", path.read_text())
    secrets = {"passphrase": PASSPHRASE, "token": TOKEN, "RPC password": RPC_PASSWORD, "RPC path": RPC_PATH}
    assert not heard.told(secrets | spellings("the key", secret))


def test_values_that_hold_secrets_do_not_show_them() -> None:
    secret = new_secret()
    settings = read_settings(
        origin="ledger.example/secrets", registry="0x" + "11" * 20, witness="0x" + "22" * 20, passphrase=PASSPHRASE,
        operator_token=TOKEN, rpc=with_credentials("http://127.0.0.1:9"),
        database=f"postgresql://user:{DATABASE_PASSWORD}@127.0.0.1/x",
    )  # fmt: skip
    shown = f"{settings!r} {settings} {AnchorerKeys(secret, secret, secret)!r} {SignerKey('a', secret)!r}"
    known = {"p": PASSPHRASE, "t": TOKEN, "r": RPC_PASSWORD, "i": RPC_PATH, "d": DATABASE_PASSWORD}
    known |= spellings("key", secret)
    assert not [name for name, value in known.items() if value in shown]
