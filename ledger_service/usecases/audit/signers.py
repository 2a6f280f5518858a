"""Who signed: recovering keys from signatures, the costly part, beside everything else (coincurve frees the lock)."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from anchors.core import signature as signatures
from anchors.core.errors import Error

THREADS = 2
SAMPLE, SAMPLE_EVERY = 64, 8

Signed = tuple[bytes, bytes]
"""A 32-byte digest and the 65-byte signature over it."""


class RecoveryRate:
    """How many signatures one core recovers a second, measured now and then on those of the log: by processor time, so
    that it does not matter what else runs."""

    def __init__(self) -> None:
        self._turn = self._recovered = 0
        self._seconds = 0.0

    def sample(self, signed: Iterable[Signed]) -> None:
        """Measure on the first few of these, if it is their turn; else nothing of them is asked for."""
        self._turn += 1
        if self._turn % SAMPLE_EVERY != 1:
            return
        few = list(islice(signed, SAMPLE))
        begin = time.thread_time()
        _recover_all(few)
        self._seconds += time.thread_time() - begin
        self._recovered += len(few)

    @property
    def per_second(self) -> float:
        """The rate of one core, 0 before anything was measured."""
        return self._recovered / self._seconds if self._seconds else 0.0


class Signers:
    """Recovers signers in two threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="recover")

    def recover(self, signed: Sequence[Signed]) -> "list[Future[list[bytes | None]]]":
        """Addresses in order, None where nobody can have signed: one future for each half."""
        half = -(-len(signed) // THREADS) or 1
        return [self._pool.submit(_recover_all, signed[begin : begin + half]) for begin in range(0, len(signed), half)]

    def __enter__(self) -> "Signers":
        return self

    def __exit__(self, *_: object) -> None:
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
