"""The `Chain` port over the JSON-RPC of an Ethereum node (geth, Besu, Reth, anvil and their like)."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from anchors.chain import artifacts
from anchors.chain.endpoint import read_identity
from anchors.chain.endpoints import Endpoints
from anchors.chain.events import REGISTRY_CHANGED, LogLine, read_registry_changed, read_witnessed
from anchors.chain.hexadecimal import octets, quantity
from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.chain.log_reader import LogReader
from anchors.chain.port import Block, ChainIdentity, Head, RegistryEvent, WitnessEvent
from anchors.core.block.head import WITNESSED
from anchors.core.encoding import MAX_UINT64, encode_hex, keccak256, require_bytes
from anchors.core.errors import MalformedInput
from anchors.core.trust import Trust

Event = TypeVar("Event")


class EthereumChain:
    """Implements `anchors.chain.port.Chain`: the nodes of one chain, one registry and one witness contract (20-byte
    addresses). `rpc` is a URL, several with commas between, a list of them, or `Endpoints` that are shared.

    Safe to use from several threads. A whole call of the port ends within `timeout_seconds`, by one node.
    """

    def __init__(
        self, rpc: Endpoints | str | Sequence[str], registry: bytes, witness: bytes, timeout_seconds: float = 10.0
    ):
        self.endpoints = Endpoints.of(rpc, timeout_seconds)
        self._registry = require_bytes(registry, 20, "registry address")
        self._witness = require_bytes(witness, 20, "witness address")
        self._log_readers: dict[JsonRpc, LogReader] = {}

    @classmethod
    def of_trust(cls, rpc: Endpoints | str | Sequence[str], trust: Trust, timeout_seconds: float = 10.0) -> Self:
        """The chain behind nodes, with the contracts that a trust file names."""
        return cls(rpc, trust.registry_contract.address, trust.witness_contract.address, timeout_seconds)

    def identity(self) -> ChainIdentity:
        """The chain's id and genesis hash."""
        return self.endpoints.use(read_identity)

    def tip(self) -> Block:
        """The newest block the node knows."""
        return self.endpoints.ask(_read_block, "eth_getBlockByNumber", "latest", False)

    def finalized(self) -> Block | None:
        """The newest block that the node calls `finalized`, None before there is one."""
        return self.endpoints.use(_read_finalized)

    def hold_to(self, final: Block) -> None:
        """Ask only nodes that have this block, which is final."""
        self.endpoints.hold_to(final)

    def block(self, number: int) -> Block | None:
        """The block at `number` in the node's present chain, or None above its tip."""
        return self.endpoints.ask(_block_at(number), "eth_getBlockByNumber", hex(number), False)

    def registry_events(self, first_block: int, last_block: int) -> list[RegistryEvent]:
        """All changes of the registry in these blocks (inclusive), in chain order."""
        return self._events(read_registry_changed, self._registry, REGISTRY_CHANGED, first_block, last_block)

    def witness_events(self, first_block: int, last_block: int) -> list[WitnessEvent]:
        """All heads of all logs in these blocks (inclusive), in chain order."""
        return self._events(read_witnessed, self._witness, WITNESSED, first_block, last_block)

    def head(self, log: bytes) -> Head:
        """The head that the witness contract holds for `log` at the node's tip."""
        selector = artifacts.load(artifacts.WITNESS).selector("head")
        call = {"to": encode_hex(self._witness), "data": encode_hex(selector + require_bytes(log, 32, "log id"))}
        return self.endpoints.ask(_read_head, "eth_call", call, "latest")

    def code_hash(self, address: bytes) -> bytes:
        """keccak256 of the code at `address`, at the node's tip."""
        return keccak256(self.endpoints.ask(octets, "eth_getCode", encode_hex(address), "latest"))

    def close(self) -> None:
        """Close the connections to the nodes."""
        self.endpoints.close()

    def _events(
        self, read: Callable[[LogLine], Event], emitter: bytes, topic: bytes, first_block: int, last_block: int
    ) -> list[Event]:
        def ask(rpc: JsonRpc, deadline: float) -> list[Event]:
            reader = self._log_readers.setdefault(rpc, LogReader(rpc))
            lines = reader.read(emitter, topic, first_block, last_block, deadline)
            try:
                return [read(line) for line in lines]
            except (ValueError, MalformedInput) as error:
                raise rpc.unavailable(f"an event cannot be read, is this our contract? {error}") from None

        return self.endpoints.use(ask)


def _read_finalized(rpc: JsonRpc, deadline: float) -> Block | None:
    try:
        wire = rpc.call("eth_getBlockByNumber", "finalized", False, deadline=deadline)
        return None if wire is None else _read_block(wire)
    except RpcRefused as refused:
        if re.search(
            "not found|unknown block", refused.text, re.IGNORECASE
        ):  # geth, before its chain has finalized one
            return None
        raise rpc.unavailable(
            f"{refused}; it may know no finalized blocks: set HUZHENG_FINALITY by the chain"
        ) from None
    except (ValueError, KeyError, TypeError, MalformedInput) as error:
        raise rpc.unavailable(f"the finalized block cannot be read: {error}") from None


def _read_block(wire: Any) -> Block:
    if wire is None:
        raise ValueError("no block")
    return Block(
        number=quantity(wire["number"]),
        hash=octets(wire["hash"], 32),
        parent=octets(wire["parentHash"], 32),
        timestamp=quantity(wire["timestamp"]),
    )


def _block_at(number: int) -> Callable[[Any], Block | None]:
    def read(wire: Any) -> Block | None:
        block = None if wire is None else _read_block(wire)
        if block is not None and block.number != number:
            raise ValueError(f"block {block.number} instead of {number}")
        return block

    return read


def _read_head(wire: Any) -> Head:
    answer = octets(wire, 64)
    size = int.from_bytes(answer[:32], "big")
    if size > MAX_UINT64:
        raise ValueError("a size beyond 64 bits")
    return Head(size, answer[32:])
