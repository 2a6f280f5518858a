"""Who may ask: one of each role, signed in the way a stranger to this code would do it. All of it is synthetic."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_typed_data

from anchors import Part
from anchors.chain.acts import Admit, add_key
from anchors.core.encoding import encode_hex
from anchors.core.registry import Purpose
from anchors.core.typed_data import Domain
from scripts.city.founding import COMMISSION, OPERATOR, QUALITY_CENTRE
from scripts.city.service import TOKEN
from tests.fixtures.ledger import Ledger
from tests.fixtures.signer import Signed, Signer, document, example, links

ADMITTED_BESIDE = {"auditor": "SYN-AUDITOR", "court": "SYN-COURT", "insurer": "SYN-INSURER"}
PERSONAL = {"note": "（合成）患者自述", "result": {"WBC": "6.10"}}
STRUCTURAL = ("document", "examination")


def typed_session(domain: Domain, challenge: dict[str, Any], institution: str, key: bytes) -> dict[str, Any]:
    """The typed data of docs/spec/session.md, written out."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
                {"name": "salt", "type": "bytes32"},
            ],
            "Session": [
                {"name": "log", "type": "bytes32"},
                {"name": "nonce", "type": "bytes32"},
                {"name": "expires", "type": "uint64"},
                {"name": "institution", "type": "bytes32"},
                {"name": "key", "type": "address"},
            ],
        },
        "primaryType": "Session",
        "domain": {
            "name": "Huzheng",
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": encode_hex(domain.registry),
            "salt": domain.log,
        },
        "message": {
            "log": domain.log,
            "nonce": bytes.fromhex(challenge["nonce"][2:]),
            "expires": challenge["expires"],
            "institution": institution.encode().ljust(32, b"\x00"),
            "key": encode_hex(key),
        },
    }


def answer_to(challenge: dict[str, Any], signer: Signer, **changes: Any) -> dict[str, Any]:
    """The body that signs in; `changes` replace what is signed for: `domain` or `institution`."""
    domain, institution = changes.get("domain", signer.domain), changes.get("institution", signer.institution)
    message = encode_typed_data(full_message=typed_session(domain, challenge, institution, signer.key))
    signature = Account.sign_message(message, signer.secret).signature
    return {
        "key": encode_hex(signer.key),
        "nonce": challenge["nonce"],
        "expires": challenge["expires"],
        "signature": encode_hex(bytes(signature)),
    }


def challenge_of(ledger: Ledger) -> dict[str, Any]:
    """A fresh challenge."""
    response = ledger.http.post("/v1/session/challenge")
    assert response.status_code == 200, response.text
    return response.json()


def sign_in(ledger: Ledger, signer: Signer) -> str:
    """A token for this key."""
    response = ledger.http.post("/v1/session", json=answer_to(challenge_of(ledger), signer))
    assert response.status_code == 200, response.text
    return response.json()["token"]


@dataclass
class People:
    """A ledger with one of each role, and a report about which they stand in every way that there is."""

    ledger: Ledger
    signers: dict[str, Signer]
    tokens: dict[str, str]
    report: Signed
    opened: Signed
    hold: Signed

    def ask(self, role: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """A request as somebody of this role."""
        token = self.tokens.get(role)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.ledger.http.request(method, path, headers=headers, **arguments)

    def get(self, role: str, path: str, **arguments: Any) -> httpx.Response:
        """GET as somebody of this role."""
        return self.ask(role, "GET", path, **arguments)

    def timeline(self, role: str, report: Signed) -> dict[str, set[str]]:
        """By statement id the names of the parts that somebody of this role sees."""
        items = self.get(role, f"/v1/subjects/{encode_hex(report.subject)}").json()["items"]
        return {item["statement"]: shown_names(item["parts"]) for item in items}

    def seen(self, role: str, statement: Signed) -> set[str]:
        """Names of the parts of one statement that somebody of this role sees."""
        return shown_names(self.get(role, f"/v1/statements/{statement.name}").json()["parts"])


def shown_names(parts: list[str | dict[str, str]]) -> set[str]:
    """Names of the parts whose text is given."""
    return {Part.read(part.encode()).name for part in parts if isinstance(part, str)}


def a_report(signer: Signer, **examination: Any) -> Signed:
    """A report with structural and personal parts."""
    personal = [Part.create(name, value) for name, value in PERSONAL.items()]
    subject = secrets.token_bytes(32)
    return signer.sign("report.issued", subject, document(), example("examination", **examination), *personal)


def place_hold(court: Signer, about: Signed) -> Signed:
    """A hold on a statement."""
    return court.sign("hold.placed", secrets.token_bytes(32), example("basis"), links(about=about))


def admit(ledger: Ledger, code: str, role: str) -> Signer:
    """A new institution with a key."""
    signer = Signer(ledger.city.domain, code, secrets.token_bytes(32))
    ledger.perform(Admit(code, (role,)), add_key(ledger.city.domain, code, Purpose.STATEMENT, signer.secret))
    return signer


def gather(ledger: Ledger) -> People:
    """Everybody, the report, and what they have to do with it."""
    signers = {"issuer": ledger.signer(0), "opener": ledger.signer(1), "stranger": ledger.signer(2)}
    for role, code in (("regulator", COMMISSION), ("quality", QUALITY_CENTRE), ("operator", OPERATOR)):
        signers[role] = ledger.authority(code)
    for role, code in ADMITTED_BESIDE.items():
        signers[role] = admit(ledger, code, role)
    report = a_report(signers["issuer"])
    opened, hold = signers["opener"].granted(report), place_hold(signers["court"], report)
    answer = ledger.submit(report, opened, hold)
    assert all(isinstance(outcome, int) for outcome in answer.outcomes), answer.outcomes
    ledger.wait_for_state(hold, "final")
    tokens = {role: sign_in(ledger, signer) for role, signer in signers.items()}
    return People(ledger, signers, tokens | {"token": TOKEN}, report, opened, hold)
