"""From a node's answers to the proof of a block (docs/spec/block.md): headers, receipts, and the path between them."""

from collections.abc import Mapping, Sequence
from typing import Any

from anchors.chain.endpoints import Endpoints
from anchors.chain.hexadecimal import octets, quantity
from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.chain.port import WitnessEvent
from anchors.core.block.header import FEWEST_FIELDS, FIELDS, Field, Header
from anchors.core.block.proof import BlockProof
from anchors.core.block.receipts import Log, encode_receipt, prove_receipt
from anchors.core.block.rlp_text import number_bytes
from anchors.core.block.seals import consensus_of, hashed_form
from anchors.core.block.verify import open_block_proof
from anchors.core.encoding import encode_hex, require_bytes
from anchors.core.errors import Error


class EthereumBlockProofs:
    """Implements `anchors.chain.port.BlockProofs` over the nodes of a chain, for a witness contract (20-byte address).

    Safe to use from several threads. A whole call ends within `timeout_seconds`, by one node."""

    def __init__(self, rpc: Endpoints | str | Sequence[str], witness: bytes, timeout_seconds: float = 10.0):
        self._endpoints = Endpoints.of(rpc, timeout_seconds)
        self._witness = require_bytes(witness, 20, "witness address")

    def block_proof(self, event: WitnessEvent) -> BlockProof:
        """The proof of the block in which the event stands, verified."""
        return self._endpoints.use(lambda rpc, deadline: _capture(rpc, event, self._witness, deadline))


def _capture(rpc: JsonRpc, event: WitnessEvent, witness: bytes, deadline: float) -> BlockProof:
    place = event.place
    wire, parent = _block(rpc, place.block_number, deadline), _block(rpc, place.block_number - 1, deadline)
    receipts = _receipts(rpc, place.block_number, wire, deadline)
    try:
        if octets(wire["hash"], 32) != place.block_hash:
            raise ValueError("the node holds another block there")
        header = read_header(wire)
        consensus = consensus_of(header, place.block_hash)
        if consensus is None:
            raise ValueError("its header does not hash to its hash: it follows rules that are not known here")
        proof = _prove(event, header, hashed_form(read_header(parent), consensus), receipts)
        shown = open_block_proof(BlockProof.decode(proof.encode()), consensus, witness)
        if WitnessEvent(**vars(shown.head), place=place) != event:
            raise ValueError("its receipt shows another head")
    except (ValueError, KeyError, TypeError, AttributeError, Error) as error:
        raise rpc.unavailable(f"the block of a head cannot be proved: {error}") from None
    return proof


def read_header(wire: Mapping[str, Any]) -> Header:
    """The header in a block as JSON-RPC gives it. Raises `ValueError`, `KeyError`, `TypeError` or `MalformedInput`."""
    items = []
    for place, field in enumerate(FIELDS):
        if place >= FEWEST_FIELDS and wire.get(field.name) is None:
            break
        items.append(_item(wire[field.name], field))
    return Header.of_items(items)


def read_receipt(wire: Mapping[str, Any]) -> bytes:
    """A receipt of the JSON-RPC as it lies in the trie. Raises `ValueError`, `KeyError` or `TypeError`."""
    status = wire.get("status")
    return encode_receipt(
        quantity(wire.get("type") or "0x0"),
        octets(wire["root"], 32) if status is None else number_bytes(quantity(status)),
        quantity(wire["cumulativeGasUsed"]),
        octets(wire["logsBloom"], 256),
        [_read_log(line) for line in wire["logs"]],
    )


def _prove(event: WitnessEvent, header: Header, parent: Header, receipts: list[Any]) -> BlockProof:
    place = event.place
    index = _place_of(place.transaction, [octets(receipt["transactionHash"], 32) for receipt in receipts])
    root, nodes = prove_receipt([read_receipt(receipt) for receipt in receipts], index)
    if root != header.receipts_root:
        raise ValueError(f"its receipts lead to {encode_hex(root)}, which its header does not name")
    log_index = _place_of(place.position, [quantity(line["logIndex"]) for line in receipts[index]["logs"]])
    return BlockProof(header.encode(), parent.encode(), index, log_index, nodes)


def _place_of(wanted: bytes | int, found: list[Any]) -> int:
    if wanted not in found:
        raise ValueError("the head's transaction, or its log, is not among its receipts")
    return found.index(wanted)


def _block(rpc: JsonRpc, number: int, deadline: float) -> dict[str, Any]:
    return rpc.ask(_require_object, "eth_getBlockByNumber", hex(number), False, deadline=deadline)


def _receipts(rpc: JsonRpc, number: int, block: dict[str, Any], deadline: float) -> list[Any]:
    """All receipts of the block, in order; one by one where the node cannot give them at once."""
    try:
        found = rpc.call("eth_getBlockReceipts", hex(number), deadline=deadline)
    except RpcRefused:
        found = None
    if isinstance(found, list):
        return found
    transactions = block.get("transactions")
    if not isinstance(transactions, list):
        raise rpc.unavailable("the block came without its transactions")
    ask = rpc.ask
    return [ask(_require_object, "eth_getTransactionReceipt", each, deadline=deadline) for each in transactions]


def _item(value: Any, field: Field) -> bytes:
    return number_bytes(quantity(value)) if field.is_number else octets(value, field.size)


def _read_log(wire: Mapping[str, Any]) -> Log:
    topics = tuple(octets(topic, 32) for topic in wire["topics"])
    return Log(octets(wire["address"], 20), topics, octets(wire["data"]))


def _require_object(wire: Any) -> dict[str, Any]:
    if not isinstance(wire, dict):
        raise ValueError("not there")
    return wire
