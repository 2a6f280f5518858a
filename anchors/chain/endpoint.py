"""One node among several: what is known of it, and whether its answers are to be believed.

A node is believed while it does not contradict what is *settled*: the chain's id and genesis, and the newest block that
was called final (docs/adr/0011-many-endpoints-one-chain.md). A node that has not reached that block lags behind: it is
asked again later, and never taken for a chain that was reorganised.
"""

import time
from dataclasses import dataclass
from typing import Any

from anchors.chain.hexadecimal import octets, quantity
from anchors.chain.json_rpc import JsonRpc
from anchors.chain.port import Block, ChainIdentity, ChainUnavailable
from anchors.core.encoding import encode_hex

RETRY_SECONDS = 5.0
"""A node that failed is left alone for so long, as long as another one answers."""


@dataclass(frozen=True)
class Settled:
    """What no node may contradict. None: not known yet."""

    identity: ChainIdentity | None = None
    final: Block | None = None


@dataclass(frozen=True)
class EndpointState:
    """How an endpoint fares: its URL without credentials, whether it is the one that is asked, and what is wrong."""

    name: str
    in_use: bool
    trouble: str


class Endpoint:
    """One node. `number` counts from 1, in the order of the settings."""

    def __init__(self, url: str, number: int, timeout_seconds: float):
        self.rpc = JsonRpc(url, timeout_seconds)
        self.number = number
        self.trouble = ""
        self.contradicts = False
        self.tip_number: int | None = None
        self.identity: ChainIdentity | None = None
        self._retry_at = 0.0
        self._held_to: Settled | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it failed a moment ago."""
        return time.monotonic() < self._retry_at

    def failed(self, error: ChainUnavailable) -> None:
        """Leave it alone for a while; everything about it is asked again then."""
        self.trouble = str(error)
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self.identity = self._held_to = self.tip_number = None

    def answered(self) -> None:
        """It gave a usable answer."""
        if not self.contradicts:
            self.trouble, self._retry_at = "", 0.0

    def doubt(self) -> None:
        """Before it is asked again, hold it to what is settled."""
        self._held_to = None

    def hold_to(self, settled: Settled, deadline: float) -> None:
        """Find out whether it contradicts what is settled. Raises `ChainUnavailable` where it does not answer, or has
        not reached the final block."""
        if self._held_to == settled and not self.contradicts:
            return
        # Another thread may forget it meanwhile (`look`, `failed`), and nobody is believed who was not compared.
        found = self.identity or read_identity(self.rpc, deadline)
        self.identity = found
        trouble = _other_chain(found, settled) or self._other_final_block(settled, deadline)
        self._held_to, self.contradicts = settled, bool(trouble)
        if trouble:
            self.trouble = f"chain node {self.rpc.name}: {trouble}"

    def look(self, settled: Settled, deadline: float) -> None:
        """Hold it to what is settled, and see how far it is. Never raises for the node: it is marked as failed."""
        try:
            self._held_to = self.identity = None
            self.hold_to(settled, deadline)
            self.tip_number = self.rpc.ask(quantity, "eth_blockNumber", deadline=deadline)
        except ChainUnavailable as error:
            self.failed(error)
        else:
            self.answered()

    def block_hash(self, number: int, deadline: float) -> bytes | None:
        """The hash of its block of this number, None above its tip."""
        return self.rpc.ask(_read_hash, "eth_getBlockByNumber", hex(number), False, deadline=deadline)

    def _other_final_block(self, settled: Settled, deadline: float) -> str:
        """In words that it contradicts the final block; empty where it holds it."""
        if settled.final is None:
            return ""
        number = settled.final.number
        present = self.block_hash(number, deadline)
        if present == settled.final.hash:
            return ""
        self.identity = found = read_identity(self.rpc, deadline)  # it may be another chain by now, which says more
        if other := _other_chain(found, settled):
            return other
        if present is None:
            raise self.rpc.unavailable(f"lags behind: it has not reached block {number}, which is final")
        return f"holds another block {number} than the one that is final; compare it with other nodes"


def _other_chain(found: ChainIdentity, settled: Settled) -> str:
    """In words that it is another chain than the settled one; empty where it is not."""
    wanted = settled.identity
    if wanted is None or found == wanted:
        return ""
    return (
        f"answers for chain {found.chain_id} with genesis {encode_hex(found.genesis)}, expected is chain"
        f" {wanted.chain_id} with genesis {encode_hex(wanted.genesis)}; take it out of HUZHENG_RPC"
    )


def read_identity(rpc: JsonRpc, deadline: float | None = None) -> ChainIdentity:
    """The chain's id and genesis hash."""
    deadline = deadline or rpc.deadline()
    chain_id = rpc.ask(quantity, "eth_chainId", deadline=deadline)
    return ChainIdentity(chain_id, rpc.ask(_read_genesis, "eth_getBlockByNumber", "0x0", False, deadline=deadline))


def _read_genesis(wire: Any) -> bytes:
    found = _read_hash(wire)
    if found is None:
        raise ValueError("no genesis block")
    return found


def _read_hash(wire: Any) -> bytes | None:
    return None if wire is None else octets(wire["hash"], 32)
