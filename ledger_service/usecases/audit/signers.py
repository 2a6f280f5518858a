"""Who signed: recovering keys from signatures, the costly part, beside everything else (coincurve frees the lock)."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from anchors.core import signature as signatures
from anchors.core.errors import Error

THREADS = 2
SAMPLE = 256

Signed = tuple[bytes, bytes]
"""A 32-byte digest and the 65-byte signature over it."""


class Signers:
    """Recovers signers in two threads, and measures now and then how long it takes in one thread that has a core."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="recover")
        self._sampled = 0
        self._sample_seconds = 0.0

    def recover(self, signed: Sequence[Signed]) -> "list[Future[list[bytes | None]]]":
        """Addresses in order, None where nobody can have signed: one future for each half."""
        half = -(-len(signed) // THREADS) or 1
        return [self._pool.submit(_recover_all, signed[begin : begin + half]) for begin in range(0, len(signed), half)]

    def sample(self, signed: Sequence[Signed]) -> None:
        """Measure on a few, in this thread, while the others have nothing to do."""
        begin = time.perf_counter()
        _recover_all(signed[:SAMPLE])
        self._sample_seconds += time.perf_counter() - begin
        self._sampled += min(len(signed), SAMPLE)

    @property
    def recovered_per_second(self) -> float:
        """The rate of recovery in one thread, 0 before anything was measured."""
        return self._sampled / self._sample_seconds if self._sample_seconds else 0.0

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)


def collect(futures: "Sequence[Future[list[bytes | None]]]") -> list[bytes | None]:
    """The addresses, when all are there."""
    return [signer for future in futures for signer in future.result()]


def recover_one(digest: bytes, signature: bytes) -> bytes | None:
    """The address that signed, None where nobody can have."""
    return _recover_all([(digest, signature)])[0]


def _recover_all(signed: Sequence[Signed]) -> list[bytes | None]:
    signers: list[bytes | None] = []
    for digest, signature in signed:
        try:
            signers.append(signatures.recover(digest, signature))
        except Error:
            signers.append(None)
    return signers
