"""Topics `trust`, `trust-blocks` and `verify`."""

from anchors.core.encoding import encode_hex
from anchors.core.trust import format_trust, parse_trust
from anchors.core.verify import verify_proof
from tests.conformance.vectors import Vector, of_topic


@of_topic("trust")
def test_trust(vector: Vector) -> None:
    def attempt() -> dict:
        trust = parse_trust(vector.input["file"].encode())
        assert parse_trust(format_trust(trust)) == trust
        origins = [log.origin for log in trust.logs]
        return {"count": str(trust.registry.count), "head": trust.registry.head.hex(), "origins": origins}

    vector.check(attempt)


@of_topic("trust-blocks")
def test_trust_blocks(vector: Vector) -> None:
    def attempt() -> dict:
        trust = parse_trust(vector.input["file"].encode())
        assert parse_trust(format_trust(trust)) == trust
        blocks = [{"number": block.number, "hash": encode_hex(block.hash)} for block in trust.blocks]
        validators = [encode_hex(item) for item in trust.validators]
        return {"consensus": str(trust.consensus), "validators": validators, "blocks": blocks}

    vector.check(attempt)


@of_topic("verify")
def test_verify(vector: Vector) -> None:
    def attempt() -> dict:
        verdict = verify_proof(vector.input["proof"].encode(), parse_trust(vector.input["trust"].encode()))
        assert all(claim.why for claim in verdict.claims)
        # A vector names only the claims that the specification settles for its case.
        claims = {claim.name: str(claim.state) for claim in verdict.claims if claim.name in vector.expect["claims"]}
        return {"claims": claims, "holds": verdict.holds}

    vector.check(attempt)
