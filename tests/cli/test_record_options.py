"""`huzheng record`: what its options make of a decision's policy and of an emergency that is recorded late."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anchors.core.content import Content
from ledger_service.client.keystore import create_key_file
from ledger_service.client.store import Store
from tests.cli.command import PASSPHRASE
from tests.cli.conftest import Here
from tests.cli.evidence import city

SUBJECT, ID, DIGEST = "0x" + "05" * 32, "0x" + "07" * 32, "ab" * 32
ISSUED_AT = 1_790_000_000
Record = Callable[..., dict[str, Any]]


@pytest.fixture
def record(here: Here, tmp_path: Path) -> Record:
    """Sign and store; the values of the parts by name."""
    made = city()
    create_key_file(tmp_path / "key.json", "statement", PASSPHRASE, secret=made.secret("hospital"), light=True)
    (tmp_path / "trust.json").write_bytes(made.trust_file())
    fixed = ["--key", tmp_path / "key.json", "--trust", tmp_path / "trust.json", "--store", tmp_path / "store.sqlite"]
    fixed += ["--subject", SUBJECT, "--no-send", "--first-sequence", "0", "--json", "--issued-at", ISSUED_AT]

    def run(kind: str, *options: object) -> dict[str, Any]:
        ran = here("record", kind, *options, *fixed)
        assert ran.status == 0, ran.err
        with Store(tmp_path / "store.sqlite") as store:
            parts = store.statement(bytes.fromhex(ran.object["statement"][2:])).parts
        return {part.name: part.value for part in Content.from_wire(parts).parts}

    return run


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("rules@2026-01", {"policy": "rules", "version": "2026-01"}),
        ("rules@2026-01@" + DIGEST, {"policy": "rules", "version": "2026-01", "digest": DIGEST}),
        ("rules@city@2026-01", {"policy": "rules@city", "version": "2026-01"}),
    ],
)
def test_a_policy(record: Record, text: str, policy: dict[str, str]) -> None:
    links = ("--link", f"access={ID}", "--link", f"report={ID}")
    assert record("recognition.accepted", "--policy", text, *links)["policy"] == policy


@pytest.mark.parametrize(
    ("kind", "seconds", "late"),
    [
        ("access.emergency", 3_600, {}),
        ("access.emergency", 3_601, {"late": True}),
        ("access.granted", 3_601, {}),
    ],
)
def test_an_emergency_that_is_recorded_long_after_says_so(
    record: Record, kind: str, seconds: int, late: dict[str, bool]
) -> None:
    reason = ("--reason", "emergency") if kind == "access.emergency" else ()
    at = ISSUED_AT - seconds
    said = record(kind, "--access-basis", "treatment", "--access-at", at, *reason, "--link", f"report={ID}")
    assert said["access"] == {"at": at, "basis": "treatment"} | late
