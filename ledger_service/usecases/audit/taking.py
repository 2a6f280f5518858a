"""Taking entries and contents apart, which is most of the work and needs to know nothing else: on all cores.

What is sound, which is nearly everything, comes back in a few fields; of the rest comes back only that it is not, and
whoever judges looks at it by himself.
"""

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Protocol

import msgspec

from anchors.core import signature as signatures
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.merkle import leaf_hash
from anchors.core.statement import STATEMENT_BYTES, Entry
from anchors.core.typed_data import Domain
from ledger_service.problems import Refused
from ledger_service.usecases.check import Said, known_kind, read_parts
from ledger_service.usecases.submission import content_of, decode_parts

LARGE_LOG = 8_192
"""Entries from which on starting processes is worth it."""


class ProcessLost(Error):
    """A process ended before its work was done."""


class Job(msgspec.Struct, array_like=True, gc=False):
    """Entries of a stretch as they are stored, and the stored parts of each: None where there are none."""

    raws: list[bytes | None]
    parts: list[bytes | None]


class PlainStatement(msgspec.Struct, array_like=True, gc=False):
    """The members of a `Statement` that is known to be well-formed, so that nobody asks again whether it is."""

    kind: str
    institution: str
    subject: bytes
    sequence: int
    issued_at: int
    observed: bytes
    content: bytes


class PlainSaid(msgspec.Struct, array_like=True, gc=False):
    """`Said` of a statement that brings nothing in from another log: the same members but for `original`."""

    links: tuple[tuple[str, bytes], ...]
    digests: tuple[bytes, bytes] | None
    knowingly: str | None
    policy: bytes | None

    def unfold(self) -> Said:
        """As it is read."""
        return Said(self.links, self.digests, self.knowingly, self.policy)


class Taken(msgspec.Struct, array_like=True, gc=False):
    """What an entry is: its id, empty where it has too few bytes for one; `statement`, None where it is not
    well-formed; who signed it, None where nobody can have; its leaf hash. `said` is there where the stored parts are
    its content and fit its kind; where it is not, look again."""

    id: bytes = b""
    statement: PlainStatement | None = None
    signer: bytes | None = None
    leaf: bytes = b""
    said: PlainSaid | None = None


def take_apart(domain: Domain, job: Job) -> list[Taken]:
    """Each entry of a stretch.

    Step by step for all of them: recovering a key drives everything else out of the processor's caches, and the other
    steps take half as long again beside it."""
    taken = [_read(domain, raw) for raw in job.raws]
    for one, raw in zip(taken, job.raws, strict=True):
        if one.statement is not None:
            one.signer = _signer(one.id, raw[STATEMENT_BYTES:])
    for one, parts in zip(taken, job.parts, strict=True):
        if one.statement is not None and parts is not None:
            one.said = _said(one.statement, parts)
    return taken


def _read(domain: Domain, raw: bytes | None) -> Taken:
    if raw is None:
        return Taken()
    id = domain.statement(raw[:STATEMENT_BYTES]) if len(raw) >= STATEMENT_BYTES else b""
    try:
        s = Entry.from_bytes(raw).statement
    except MalformedInput:
        return Taken(id, leaf=leaf_hash(raw))
    plain = PlainStatement(s.kind, s.institution, s.subject, s.sequence, s.issued_at, s.observed, s.content)
    return Taken(id, plain, leaf=leaf_hash(raw))


def _signer(id: bytes, signature: bytes) -> bytes | None:
    try:
        return signatures.signer_of(id, signature)
    except VerificationFailed:
        return None


def _said(statement: PlainStatement, parts: bytes) -> PlainSaid | None:
    try:
        content = content_of(decode_parts(parts))
        if content.hash != statement.content:
            return None
        said = read_parts(known_kind(statement.kind), content, statement.issued_at)
    except (MalformedInput, Refused):
        return None
    return PlainSaid(said.links, said.digests, said.knowingly, said.policy) if said.original is None else None


class Takers(Protocol):
    """Takes stretches apart in the order in which they were given; `ahead` are worth giving before one is asked for."""

    ahead: int

    def give(self, job: Job) -> None:
        """Begin with a stretch. At most `ahead` may be under way."""

    def take(self) -> list[Taken]:
        """The oldest that was given and not taken yet. Raises `ProcessLost`."""


class TakenHere:
    """Takes stretches apart in this process, when they are asked for."""

    ahead = 1

    def __init__(self, domain: Domain):
        self._domain = domain
        self._jobs: deque[Job] = deque()

    def __enter__(self) -> "TakenHere":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def give(self, job: Job) -> None:
        """See `Takers`."""
        self._jobs.append(job)

    def take(self) -> list[Taken]:
        """See `Takers`."""
        return take_apart(self._domain, self._jobs.popleft())


class TakenBeside:
    """Takes stretches apart in a process for each core, one stretch in each at a time."""

    def __init__(self, domain: Domain, processes: int):
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self.ahead = processes
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            known = [*self._pipes, ours]
            process = context.Process(target=_work, args=(domain, theirs, known), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._given = self._taken = 0

    def __enter__(self) -> "TakenBeside":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def give(self, job: Job) -> None:
        """See `Takers`."""
        self._with(self._given, lambda pipe: pipe.send_bytes(_encoder.encode(job)))
        self._given += 1

    def take(self) -> list[Taken]:
        """See `Takers`."""
        answer = self._with(self._taken, lambda pipe: pipe.recv_bytes())
        self._taken += 1
        return _taken.decode(answer)

    def _with(self, number: int, act: Callable[[Connection], bytes | None]) -> bytes | None:
        try:
            return act(self._pipes[number % len(self._pipes)])
        except (EOFError, OSError):
            raise ProcessLost(
                "a process that takes entries apart ended; run the audit again, with more memory"
            ) from None


_encoder = msgspec.msgpack.Encoder()
_jobs = msgspec.msgpack.Decoder(Job)
_taken = msgspec.msgpack.Decoder(list[Taken])


def _work(domain: Domain, pipe: Connection, others: Sequence[Connection]) -> None:
    """One process. It ends when the other end of its pipe is closed, by whatever."""
    for other in others:  # copies of the ends that the parent holds: they would keep its pipes open
        other.close()
    try:
        while True:
            pipe.send_bytes(_encoder.encode(take_apart(domain, _jobs.decode(pipe.recv_bytes()))))
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def open_takers(domain: Domain, entries: int) -> TakenHere | TakenBeside:
    """In as many processes as there are cores, for a log that is worth it. Open it before threads begin."""
    cores = os.cpu_count() or 1
    return TakenBeside(domain, cores) if entries >= LARGE_LOG and cores > 1 else TakenHere(domain)
