"""A receipt under the receipts root of its block, and the logs in it (docs/spec/block.md, The form)."""

from collections.abc import Sequence
from dataclasses import dataclass

from trie import HexaryTrie

from anchors.core.block.proof import MAX_NODE_BYTES, MAX_NODES
from anchors.core.block.rlp_text import Item, decode_list, encode, number_bytes, require_list
from anchors.core.encoding import keccak256, require_bytes
from anchors.core.errors import MalformedInput, VerificationFailed

_MOST_TOPICS = 4
_HIGHEST_TYPE = 0x7F


@dataclass(frozen=True)
class Log:
    """What a contract logged: its address (20 bytes), topics of 32 bytes, data."""

    emitter: bytes
    topics: tuple[bytes, ...]
    data: bytes


def receipt_key(transaction_index: int) -> bytes:
    """Under which key the receipt of a block's transaction lies: rlp(its place)."""
    return encode(number_bytes(transaction_index))


def find_receipt(root: bytes, transaction_index: int, nodes: Sequence[bytes]) -> bytes:
    """The receipt to which the nodes lead from the root (32 bytes), as it lies there.

    Raises `MalformedInput` for too many or too large nodes, `VerificationFailed` where they do not lead there, or are
    not exactly those that lead there, root first."""
    if len(nodes) > MAX_NODES or any(len(node) > MAX_NODE_BYTES for node in nodes):
        raise MalformedInput(f"receipt: more than {MAX_NODES} nodes, or one above {MAX_NODE_BYTES} bytes")
    read: list[bytes] = []
    try:
        receipt = HexaryTrie(_Reads(nodes, read), root).get(receipt_key(transaction_index))
    except Exception:  # what the library raises over nodes that are no trie is not its interface
        raise VerificationFailed("receipt: the nodes do not lead from the receipts root to it") from None
    if not isinstance(receipt, bytes) or not receipt:
        raise VerificationFailed("receipt: the block has no such transaction, or the nodes show something else")
    if read != list(nodes):
        raise VerificationFailed("receipt: a node is not needed, twice or out of order; give those of the path alone")
    return receipt


def prove_receipt(receipts: Sequence[bytes], transaction_index: int) -> tuple[bytes, tuple[bytes, ...]]:
    """The receipts root of a block with these receipts, all of them in order, and the nodes to one of them."""
    whole = HexaryTrie({})
    for place, receipt in enumerate(receipts):
        whole.set(receipt_key(place), receipt)
    read: list[bytes] = []
    HexaryTrie(_Reads(list(whole.db.values()), read), whole.root_hash).get(receipt_key(transaction_index))
    return whole.root_hash, tuple(read)


def encode_receipt(receipt_type: int, status: bytes, cumulative_gas: int, bloom: bytes, logs: Sequence[Log]) -> bytes:
    """A receipt as it lies in the trie. `status` is 1, empty for a failed transaction, or of old the state root."""
    lines = [[log.emitter, log.topics, log.data] for log in logs]
    body = encode([status, number_bytes(cumulative_gas), bloom, lines])
    return body if receipt_type == 0 else bytes((receipt_type,)) + body


def read_logs(receipt: bytes) -> tuple[Log, ...]:
    """The logs of a receipt, typed (EIP-2718) or not. Raises `MalformedInput`."""
    typed = receipt[:1] <= bytes((_HIGHEST_TYPE,))
    if typed and receipt[:1] == b"\x00":
        raise MalformedInput("receipt: type 0 is written without a type")
    items = decode_list(receipt[1:] if typed else receipt, "receipt")
    if len(items) != 4:
        raise MalformedInput(f"receipt: {len(items)} items, expected status, gas, bloom and logs")
    return tuple(_read_log(item) for item in require_list(items[3], "receipt: logs"))


def _read_log(item: Item) -> Log:
    parts = require_list(item, "receipt: log")
    if len(parts) != 3 or not isinstance(parts[2], bytes):
        raise MalformedInput("receipt: log: expected address, topics and data")
    topics = require_list(parts[1], "receipt: log: topics")
    if len(topics) > _MOST_TOPICS:
        raise MalformedInput(f"receipt: log: {len(topics)} topics, at most {_MOST_TOPICS} are possible")
    return Log(
        emitter=require_bytes(parts[0], 20, "receipt: log: address"),
        topics=tuple(require_bytes(topic, 32, "receipt: log: topic") for topic in topics),
        data=parts[2],
    )


class _Reads(dict[bytes, bytes]):
    """Nodes by their hash; what is read of them is kept, in order."""

    def __init__(self, nodes: Sequence[bytes], read: list[bytes]):
        super().__init__((keccak256(node), node) for node in nodes)
        self._read = read

    def __getitem__(self, key: bytes) -> bytes:
        node = super().__getitem__(key)
        self._read.append(node)
        return node
