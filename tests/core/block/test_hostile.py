"""Whatever bytes come, they are read or refused in one line: headers, extra data, receipts, paths, texts."""

from collections.abc import Callable
from typing import Any

import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from anchors.core import canonical
from anchors.core.block.consensus import Consensus
from anchors.core.block.header import FIELDS, Header
from anchors.core.block.proof import BlockProof
from anchors.core.block.receipts import encode_receipt, find_receipt, prove_receipt, read_logs
from anchors.core.block.seals import block_hash, consensus_of, read_extra, sealers
from anchors.core.block.verify import verify_block_proof
from anchors.core.encoding import keccak256
from anchors.core.errors import Error
from tests.core.block.build import NUMBER, address, header_items, make, sealing, trust_of, validators
from tests.fixtures.examples import examples

FOUR = validators(4)
SAMPLE = make(sealing(Consensus.QBFT, FOUR)).proof
TRUST = trust_of(Consensus.QBFT, [address(key) for key in FOUR])

trees = st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=18), max_leaves=40)
encoded = trees.map(rlp.encode)
junk = st.one_of(st.binary(max_size=300), encoded)


def read_or_refused(attempt: Callable[[], Any]) -> Any:
    """What it gives, or None where it is refused as it should be."""
    try:
        return attempt()
    except Error as error:
        assert str(error) and "\n" not in str(error)
        return None


@st.composite
def spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes cut, grown, or changed in a few places."""
    begin, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
    return data[:begin] + draw(st.binary(max_size=8)) + data[draw(st.sampled_from([begin, end])) :]


@settings(max_examples=examples(150, thorough=1_500))
@given(
    st.one_of(junk, spoilt(SAMPLE.header), st.sampled_from([1, 900, 60_000]).map(lambda deep: b"\xc1" * deep + b"\xc0"))
)
def test_headers(data: bytes) -> None:
    header = read_or_refused(lambda: Header.decode(data))
    if header is not None:
        assert header.encode() == data, "two encodings of one header"
        for consensus in Consensus:
            read_or_refused(lambda consensus=consensus: block_hash(header, consensus))
        consensus_of(header, bytes(32))


@settings(max_examples=examples(150, thorough=1_500))
@given(st.one_of(junk, *(spoilt(sealing(kind, FOUR, round=7).extra([bytes(65)])) for kind in ("qbft", "ibft2"))))
def test_extra_data(data: bytes) -> None:
    header = Header.of_items(header_items(NUMBER, bytes(32), bytes(32), 9, data))
    for consensus in (Consensus.QBFT, Consensus.IBFT2):
        extra = read_or_refused(lambda consensus=consensus: read_extra(header, consensus))
        if extra is not None:
            read_or_refused(lambda extra=extra: sealers(header, extra))


@settings(max_examples=examples(200, thorough=2_000))
@given(st.lists(st.binary(max_size=70), min_size=15, max_size=len(FIELDS) + 1))
def test_items_of_a_header(items: list[bytes]) -> None:
    read_or_refused(lambda: Header.of_items(items))


@settings(max_examples=examples(150, thorough=1_500))
@given(junk)
def test_receipts(data: bytes) -> None:
    read_or_refused(lambda: read_logs(data))


@settings(max_examples=examples(150, thorough=1_500))
@given(st.lists(junk, max_size=5), st.integers(0, 2**32 - 1))
def test_paths(nodes: list[bytes], index: int) -> None:
    for root in (keccak256(nodes[0]) if nodes else bytes(32), keccak256(b"\x80")):
        read_or_refused(lambda root=root: find_receipt(root, index, nodes))


@settings(max_examples=examples(100, thorough=1_000))
@given(st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=150, unique=True), st.data())
def test_every_receipt_of_a_block_has_a_path_that_shows_it_alone(receipts: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(receipts) - 1))
    root, nodes = prove_receipt(receipts, index)
    assert find_receipt(root, index, nodes) == receipts[index]
    other = data.draw(st.integers(0, len(receipts) + 200))
    if other != index:
        found = read_or_refused(lambda: find_receipt(root, other, nodes))
        # Receipts of some bytes lie within the last node that both need.
        assert found is None or found == receipts[other]
    assert read_or_refused(lambda: find_receipt(root, index, nodes[:-1])) is None


@settings(max_examples=examples(200, thorough=2_000))
@given(st.integers(0, 0x7F), st.binary(max_size=32), st.integers(0, 2**64 - 1), st.binary(max_size=256))
def test_receipts_without_logs_read_back(kind: int, status: bytes, gas: int, bloom: bytes) -> None:
    assert read_logs(encode_receipt(kind, status, gas, bloom, [])) == ()


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 2**53 - 1), st.text(max_size=8), st.just("0x00")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(["header", "log", "parent", "receipt", "transaction", "validators", "more"])


@settings(max_examples=examples(150, thorough=1_500))
@given(st.one_of(st.binary(max_size=200), spoilt(SAMPLE.encode())))
def test_texts(text: bytes) -> None:
    proof = read_or_refused(lambda: BlockProof.decode(text))
    if proof is not None:
        assert proof.encode() == text, "two texts of one proof"
        read_or_refused(lambda: verify_block_proof(proof, TRUST))


@settings(max_examples=examples(150, thorough=1_500))
@given(st.one_of(json_values, st.dictionaries(members, json_values).map(lambda some: SAMPLE.to_json() | some)))
def test_values(value: Any) -> None:
    proof = read_or_refused(lambda: BlockProof.from_json(value))
    if proof is not None:
        assert canonical.encode(proof.to_json()) == canonical.encode(value)
        read_or_refused(lambda: verify_block_proof(proof, TRUST))
