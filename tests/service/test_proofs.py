"""Proofs and the log of a running service, judged by the library, the chain, and a reader that shares no code."""

import gzip

import pytest

from anchors.chain.ethereum import EthereumChain
from anchors.chain.witnessed import check_witnessed
from anchors.core.trust import Finality, Trust
from anchors.core.verify import verify_proof
from tests.fixtures.ledger import FINALITY_BLOCKS, Ledger, check_problem_response
from tests.fixtures.signer import Signed
from tests.independent.reader import LogReader, check_inclusion, fetch_http, split_bundle, tile_path

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
def final_statement(ledger: Ledger) -> Signed:
    """A statement in a final head."""
    signed = ledger.signer(0).issued()
    ledger.submit(signed)
    ledger.wait_for_state(signed, "final")
    return signed


def trust_of(ledger: Ledger) -> tuple[EthereumChain, Trust]:
    """The chain, and a trust file's content made from it now."""
    deployment, city = ledger.city.deployment, ledger.city
    chain = EthereumChain(ledger.chain.url, deployment.registry, deployment.witness)
    return chain, city.trust(chain, Finality(FINALITY_BLOCKS))


def test_a_proof_verifies_offline_and_against_the_chain(ledger: Ledger, final_statement: Signed) -> None:
    chain, trust = trust_of(ledger)
    for token in (True, False):
        proof = ledger.get(f"/v1/statements/{final_statement.name}/proof", token=token)
        assert proof.headers["content-type"] == "text/plain; charset=utf-8"
        verdict = verify_proof(proof.content, trust)
        assert verdict.holds, verdict.claims
        claim = check_witnessed(verdict, trust, chain)
        assert claim.state == "VERIFIED", claim
    chain.close()


def test_a_proof_shows_parts_only_with_the_token(ledger: Ledger, final_statement: Signed) -> None:
    import base64
    import json

    for token in (True, False):
        proof = ledger.get(f"/v1/statements/{final_statement.name}/proof", token=token).text
        extra = json.loads(base64.b64decode(proof.splitlines()[1].removeprefix("extra ")))
        shown = final_statement.wire["parts"]
        withheld = [{"leaf": part.leaf.hex(), "name": part.name} for part in final_statement.content.parts]
        assert extra["parts"] == (shown if token else withheld)


def test_a_proof_with_any_bit_flipped_fails(ledger: Ledger, final_statement: Signed) -> None:
    from anchors import Error

    chain, trust = trust_of(ledger)
    chain.close()
    proof = ledger.get(f"/v1/statements/{final_statement.name}/proof", token=True).content
    for position in range(0, len(proof), 7):
        changed = proof[:position] + bytes((proof[position] ^ 1,)) + proof[position + 1 :]
        try:
            assert not verify_proof(changed, trust).holds, f"bit flipped at {position} of {proof!r}"
        except Error:
            continue


def test_the_log_is_read_by_a_reader_that_shares_no_code(ledger: Ledger) -> None:
    signer = ledger.signer(2)
    signed = [signer.issued() for _ in range(300)]
    indexes = ledger.submit(*signed).outcomes
    ledger.wait_for_state(signed[-1], "witnessed")
    log = LogReader(fetch_http(f"{ledger.service.url}/log/"), str(ledger.city.note_key.verifier)).read()
    assert log.checkpoint.origin == ledger.city.origin
    assert [log.entries[index] for index in indexes] == [one.entry.to_bytes() for one in signed]
    for index in indexes[::50]:
        check_inclusion(log.leaves[index], index, log.size, log.inclusion_proof(index), log.root)


def test_partial_tiles_of_every_width(ledger: Ledger) -> None:
    signer = ledger.signer(2)
    while (size := _size(ledger)) < 260:
        ledger.submit(*(signer.issued() for _ in range(100)))
        ledger.wait_for(lambda before=size: _size(ledger) > before)
    whole, bundle = (ledger.get(f"/log/{tile_path(level, 0)}").content for level in (0, "entries"))
    assert len(whole) == 256 * 32 and len(bundle) == 256 * 291
    for width in range(1, 256):
        assert ledger.get(f"/log/{tile_path(0, 0, width)}").content == whole[: 32 * width]
        assert ledger.get(f"/log/{tile_path('entries', 0, width)}").content == bundle[: 291 * width]
    above = size // 256
    for width in range(1, above + 1):
        assert len(ledger.get(f"/log/{tile_path(1, 0, width)}").content) == 32 * width
    assert len(split_bundle(bundle)) == 256


def _size(ledger: Ledger) -> int:
    response = ledger.get("/log/checkpoint")
    return int(response.text.splitlines()[1]) if response.status_code == 200 else 0


def test_cache_headers(ledger: Ledger, final_statement: Signed) -> None:
    checkpoint = ledger.get("/log/checkpoint")
    assert checkpoint.headers["cache-control"] == "no-cache, max-age=0"
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    for level in (0, "entries"):
        tile = ledger.get(f"/log/{tile_path(level, 0, 1)}")
        assert tile.headers["cache-control"] == IMMUTABLE
        assert tile.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("encoding", ["gzip", "gzip, br", "identity", None, "gzip;q=0", "*", "br, gzip;q=0.5"])
def test_entry_bundles_are_compressed_for_whoever_can_read_that(
    ledger: Ledger, final_statement: Signed, encoding: str | None
) -> None:
    headers = {"Accept-Encoding": encoding} if encoding else {}
    request = ledger.http.build_request("GET", f"/log/{tile_path('entries', 0, 1)}")
    request.headers.pop("accept-encoding")
    request.headers.update(headers)
    response = ledger.http.send(request, stream=True)
    raw = b"".join(response.iter_raw())
    response.close()
    assert response.headers["vary"] == "Accept-Encoding"
    compressed = response.headers.get("content-encoding") == "gzip"
    assert compressed is (encoding in ("gzip", "gzip, br", "br, gzip;q=0.5"))
    assert len(gzip.decompress(raw) if compressed else raw) == 291


BEYOND = ["tile/0/x999/999", "tile/1/999", "tile/5/000", "tile/63/000", "tile/entries/x001/000", "tile/0/999.p/255"]
NO_TILES = [
    "tile/0/0", "tile/0/0000", "tile/0/00x", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/entry/000", "tile/0",
    "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/1/", "tile/0/x000/000", "tile/0/000.p",
    "checkpoint/", "", "tile", "tile/0/%2e%2e/checkpoint", "tile/0/٠٠٠",
]  # fmt: skip


@pytest.mark.parametrize("path", BEYOND + NO_TILES)
def test_what_is_no_tile_or_beyond_the_checkpoint(ledger: Ledger, final_statement: Signed, path: str) -> None:
    check_problem_response(ledger.get(f"/log/{path}"), "not-found", 404)
