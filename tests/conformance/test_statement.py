"""Topics `origin`, `statement`, `eip712`, `signature` and `entry`."""

from typing import Any

from anchors import Entry, Statement, leaf_hash
from anchors.core import signature as signatures
from anchors.core.checkpoint import check_origin
from anchors.core.encoding import code_word, decode_hex, encode_hex
from anchors.core.promise import Receipt, Refusal
from anchors.core.typed_data import Domain, log_id
from tests.conformance.vectors import Vector, of_topic


def statement_of(fields: dict[str, str]) -> Statement:
    """The statement that a vector's fields name."""
    return Statement(
        kind=fields["kind"],
        institution=fields["institution"],
        subject=bytes.fromhex(fields["subject"]),
        sequence=int(fields["sequence"]),
        issued_at=int(fields["issuedAt"]),
        observed=bytes.fromhex(fields["observed"]),
        content=bytes.fromhex(fields["content"]),
    )


def fields_of(statement: Statement) -> dict[str, str]:
    """A statement's fields as vectors name them."""
    return {
        "kind": statement.kind,
        "institution": statement.institution,
        "subject": statement.subject.hex(),
        "sequence": str(statement.sequence),
        "issuedAt": str(statement.issued_at),
        "observed": statement.observed.hex(),
        "content": statement.content.hex(),
    }


def domain_of(members: dict[str, Any]) -> Domain:
    """The domain that a vector's members name."""
    registry = decode_hex(members["registry"], 20, "registry")
    return Domain(int(members["chainId"]), registry, log_id(members["origin"]))


@of_topic("origin")
def test_origin(vector: Vector) -> None:
    vector.check(lambda: {"log": log_id(check_origin(vector.input["origin"])).hex()})


@of_topic("statement")
def test_statement(vector: Vector) -> None:
    def attempt() -> dict:
        statement = statement_of(vector.input)
        assert Statement.from_words(statement.words) == statement
        return {"words": statement.words.hex()}

    vector.check(attempt)


def digest_of(structure: str, message: dict[str, str], domain: Domain) -> bytes:
    """The digest of any of the five structures."""
    if structure == "Statement":
        return statement_of(message).id(domain)
    assert message["log"] == domain.log.hex()
    if structure == "KeyConsent":
        key = decode_hex(message["key"], 20, "key")
        return domain.key_consent(code_word(message["institution"]), code_word(message["purpose"]), key)
    if structure == "Checkpoint":
        return domain.checkpoint(int(message["size"]), bytes.fromhex(message["root"]))
    if structure == "Receipt":
        accepted = bytes.fromhex(message["accepted"])
        return Receipt(accepted, int(message["acceptedAt"]), int(message["witnessBy"])).digest(domain)
    assert structure == "Refusal"
    return Refusal(bytes.fromhex(message["statement"]), message["reason"], int(message["refusedAt"])).digest(domain)


@of_topic("eip712")
def test_eip712(vector: Vector) -> None:
    def attempt() -> dict:
        domain = domain_of(vector.input)
        digest = digest_of(vector.input["structure"], vector.input["message"], domain)
        return {"log": domain.log.hex(), "domain": domain.separator.hex(), "digest": digest.hex()}

    vector.check(attempt)


@of_topic("signature")
def test_signature(vector: Vector) -> None:
    digest, signature = bytes.fromhex(vector.input["digest"]), bytes.fromhex(vector.input["signature"])
    vector.check(lambda: {"signer": encode_hex(signatures.recover(digest, signature))})


@of_topic("entry")
def test_entry(vector: Vector) -> None:
    def attempt() -> dict:
        data, domain = bytes.fromhex(vector.input["entry"]), domain_of(vector.input)
        entry = Entry.from_bytes(data)
        assert entry.to_bytes() == data
        return {
            "fields": fields_of(entry.statement),
            "signature": entry.signature.hex(),
            "leaf": leaf_hash(data).hex(),
            "statement": entry.statement.id(domain).hex(),
            "signer": encode_hex(entry.signer(domain)),
        }

    vector.check(attempt)
