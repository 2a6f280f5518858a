"""Four validators that sign in turn (Clique), as one network: started, stopped, partitioned, looked at.

Of four signers three have to sign: whoever signed one of the last two blocks has to wait. With one gone blocks go on,
with two gone the chain stalls, so it bears one fault, as four QBFT validators do. Unlike QBFT it has no finality of its
own, and forks for real.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from anchors.core.encoding import encode_hex
from anchors.core.signature import address_from_secret
from scripts.geth.build import GethMissing, geth_executable
from tests.fixtures.availability import left_out
from tests.validators.node import Validator

CHAIN_ID = 2026
COUNT = 4
BLOCK_SECONDS = 1
GAS_LIMIT = 30_000_000
WITHIN_SECONDS = 60
SETTLE_SECONDS = 0.1
BUILD_AND_TEST_SECONDS = 1_200
"""The first test that needs the node may have to build it."""

SEAL_BYTES = 65
FIRST_BASE_FEE_WEI = 10**9
_FUNDS_WEI = 10**24
_FORKS = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul")


def synthetic_secret(purpose: str) -> bytes:
    """A 32-byte secret that everybody can derive: for tests alone."""
    return sha256(f"huzheng synthetic validators/{purpose}".encode()).digest()


ADMINISTRATOR = synthetic_secret("administrator")
RELAY = synthetic_secret("relay")


def clique_genesis(signers: Sequence[bytes], *, free: bool) -> dict[str, Any]:
    """A genesis with these signers (20 bytes each) and all rules up to London; fees, or none and nobody has money."""
    rules = {f"{fork}Block": 0 for fork in (*_FORKS, "muirGlacier", "berlin", "london")}
    rich = [encode_hex(address_from_secret(secret)) for secret in (ADMINISTRATOR, RELAY)]
    return {
        "config": {"chainId": CHAIN_ID, **rules, "clique": {"period": BLOCK_SECONDS, "epoch": 30_000}},
        "timestamp": "0x0",
        "difficulty": "0x1",
        "gasLimit": hex(GAS_LIMIT),
        "baseFeePerGas": "0x0" if free else hex(FIRST_BASE_FEE_WEI),
        "extraData": encode_hex(bytes(32) + b"".join(sorted(signers)) + bytes(SEAL_BYTES)),
        "alloc": {address: {"balance": hex(_FUNDS_WEI)} for address in rich if not free},
    }


class Network:
    """The validators of one chain."""

    def __init__(self, folder: Path, program: Path, *, free: bool):
        secrets = [synthetic_secret(f"validator {number}") for number in range(COUNT)]
        self.genesis = clique_genesis([address_from_secret(secret) for secret in secrets], free=free)
        self.validators: list[Validator] = []
        for number, secret in enumerate(secrets):
            own = folder / f"validator-{number}"
            own.mkdir(parents=True)
            self.validators.append(Validator(number, own, secret, program, free=free))

    def __getitem__(self, number: int) -> Validator:
        return self.validators[number]

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the validators answer."""
        return tuple(one.url for one in self.validators)

    @property
    def running(self) -> list[Validator]:
        """Those whose process is alive."""
        return [one for one in self.validators if one.is_running]

    def start(self) -> None:
        """Make all folders, start all validators and wait for the third block."""
        for one in self.validators:
            one.prepare(self.genesis, self.validators)
            one.start()
        for one in self.validators:
            one.wait_ready()
        self.wait_for("the first blocks", lambda: min(one.height for one in self.validators) >= 3)

    def end(self) -> None:
        """End all of it."""
        for one in self.validators:
            one.kill()

    def restart(self, *validators: Validator) -> None:
        """Start validators that were stopped, and wait until they answer."""
        for one in validators:
            one.start()
        for one in validators:
            one.wait_ready()

    def height(self) -> int:
        """The highest block that any running validator has."""
        return max(one.height for one in self.running)

    def wait_blocks(self, more: int) -> None:
        """Wait until every running validator has `more` blocks than the highest has now."""
        goal = self.height() + more
        self.wait_for(f"block {goal}", lambda: min(one.height for one in self.running) >= goal)

    def wait_for(self, what: str, question: Callable[[], Any], seconds: float = WITHIN_SECONDS) -> Any:
        """Ask until the answer is something. A node that does not answer has not said no."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if answer := question():
                    return answer
            except OSError:
                pass
            tails = "\n".join(f"--- validator {one.number}\n{one.tail()}" for one in self.running)
            assert time.monotonic() < deadline, f"{what} did not come within {seconds} s\n{tails}"
            time.sleep(0.1)

    def check_agreement(self) -> int:
        """All running validators have one chain, but for its newest blocks; gives the height up to which."""
        common = min(one.height for one in self.running) - COUNT
        for number in range(common + 1):
            hashes = {one.block(number)["hash"] for one in self.running}
            assert len(hashes) == 1, f"block {number} has {len(hashes)} hashes"
        return common

    def part(self, alone: Validator) -> None:
        """Cut one validator off from all others."""

        def is_alone() -> bool:
            # Again and again: a node that was just let go may have been calling back at that moment.
            for other in self.running:
                if other is not alone:
                    alone.part_from(other)
            time.sleep(SETTLE_SECONDS)
            return not alone.peers()

        self.wait_for("the partition", is_alone)

    def heal(self, alone: Validator) -> None:
        """Let it back in."""
        others = [one for one in self.running if one is not alone]
        for other in others:
            alone.meet(other)
        self.wait_for("the meeting", lambda: len(alone.peers()) == len(others))


@contextmanager
def running_network(folder: Path, *, free: bool) -> Iterator[Network]:
    """A network for a test; skips loudly where the node cannot be had."""
    try:
        program = geth_executable()
    except GethMissing as missing:
        left_out(f"several validators were not run: {missing}")
    network = Network(folder, program, free=free)
    try:
        network.start()
        yield network
    finally:
        network.end()
