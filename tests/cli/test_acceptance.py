"""`huzheng acceptance`: the text goes out, the signature comes back and is judged."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.core.encoding import encode_hex
from anchors.core.registry import Action, Change, Purpose
from anchors.core.signature import address_from_secret
from anchors.core.typed_data import log_id
from ledger_service.client.acceptance import acceptance_digest
from tests.cli.conftest import Here
from tests.cli.evidence import HOSPITAL, ORIGIN, City
from tests.fhir.certificates import SECONDS, Holder, authority, institution


class AcceptedCity(City):
    """A city whose registry names an acceptance when it adds the hospital's key."""

    digest = bytes(32)

    @property
    def address(self) -> str:
        return encode_hex(address_from_secret(self.secret("hospital")))

    def changes(self) -> tuple[Change, ...]:
        *others, last = super().changes()
        key = address_from_secret(self.secret("hospital"))
        added = (Action.KEY_ADDED, HOSPITAL, Purpose.STATEMENT, log_id(ORIGIN), key, self.digest)
        return (*others, Change(last.number, SECONDS, *added))


@pytest.fixture
def root() -> Holder:
    return authority()


@pytest.fixture
def named(tmp_path: Path, root: Holder) -> list[object]:
    """The options that say what is accepted; all files lie in the folder."""
    (tmp_path / "trust.json").write_bytes(AcceptedCity().trust_file())
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    return ["--institution", HOSPITAL, "--address", AcceptedCity().address, "--trust", tmp_path / "trust.json"]


def test_from_the_text_to_the_verdict(here: Here, tmp_path: Path, root: Holder, named: list[object]) -> None:
    text, file = tmp_path / "acceptance.txt", tmp_path / "acceptance.p7s"
    assert here("acceptance", "text", "--out", text, *named).status == 0
    assert text.read_bytes().decode().splitlines()[:3] == [
        "huzheng acceptance v1",
        f"institution {HOSPITAL}",
        f"key {AcceptedCity().address}",
    ]
    file.write_bytes(institution(root, HOSPITAL).sign(text.read_bytes()))
    verify = ["acceptance", "verify", file, *named, "--root", tmp_path / "root.pem", "--json"]

    # The registry names nothing yet.
    before = here(*verify, "--at", "2026-11-20T00:00:00Z")
    assert before.status == 1
    assert (before.object["holds"], before.object["words"]) == (False, "electronic signature 电子签名")

    city = AcceptedCity()
    city.digest = acceptance_digest(file.read_bytes())
    assert before.object["digest"] == encode_hex(city.digest)
    (tmp_path / "trust.json").write_bytes(city.trust_file())
    after = here(*verify)
    assert (after.status, after.object["holds"], after.object["at"]) == (0, True, "2026-11-20T00:00:00Z")
    states = {claim["claim"]: claim["state"] for claim in after.object["claims"]}
    assert states.pop("revocation") == "NOT_CHECKED"
    assert set(states.values()) == {"VERIFIED"}
    shown = here(*verify[:-1])
    assert shown.status == 0 and "可靠" not in shown.out and "电子签名" in shown.out


def test_what_is_wrong_is_said_in_one_line(here: Here, tmp_path: Path, named: list[object]) -> None:
    nothing = tmp_path / "nothing.p7s"
    nothing.write_bytes(b"no signature")
    assert "acceptance: " in here("acceptance", "verify", nothing, *named).failed_in_one_line(2)
    root = ["--root", nothing]
    assert "give one in PEM or DER" in here("acceptance", "verify", nothing, *named, *root).failed_in_one_line(2)


def test_the_digest_goes_into_the_registry(here: Here) -> None:
    given = ["--origin", ORIGIN, "--address", "0x" + "07" * 20, "--consent", "0x" + "01" * 65, "--acceptance"]
    call = ["--rpc", "http://127.0.0.1:9", "--registry", "0x" + "09" * 20, "--call-data", "--json"]
    ran = here("institution", "add-key", HOSPITAL, *given, "0x" + "ab" * 32, *call)
    assert ran.status == 0
    # addKey(institution, log, purpose, key, data, consent): data is the fifth word behind the selector.
    words = ran.object["data"].removeprefix("0x")[8:]
    assert words[4 * 64 : 5 * 64] == "ab" * 32
