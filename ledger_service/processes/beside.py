"""Work in a process beside this one, which gives its results one by one."""

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic, TypeVar

if sys.platform == "linux":
    import fcntl

R = TypeVar("R")
PIPE_BYTES = 1 << 20


class Beside(Generic[R]):
    """Runs `work(*arguments)` in another process, from `with` on. Iterating gives what it yields, or raises what it
    raised: the other waits where this one is slower, some results ahead. Leaving the block ends it.

    Begin before anything is opened: on Linux the process is a copy of this one, so that it takes little memory."""

    def __init__(self, work: Callable[..., Iterable[R]], *arguments: Any):
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._answers, answer = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(self._answers, answer, work, arguments), daemon=True)
        self._answer = answer

    def __enter__(self) -> "Beside[R]":
        _widen(self._answer)
        self._process.start()
        self._answer.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()
        self._answers.close()

    def __iter__(self) -> Iterator[R]:
        """What the work yields. Raises `RuntimeError` where the process ended before it was done."""
        while True:
            try:
                answer = self._answers.recv()
            except EOFError:
                raise RuntimeError("the process beside ended before it was done; try again with more memory") from None
            if answer is None:
                return
            if isinstance(answer, Exception):
                raise answer
            yield answer


def _widen(answer: Connection) -> None:
    """Let a result wait in the pipe while the next is worked on, as far as the system allows."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(answer.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _run(answers: Connection, answer: Connection, work: Callable[..., Iterable[R]], arguments: tuple) -> None:
    answers.close()  # a copy of the end that the parent holds: with it, sending to nobody would wait for ever
    try:
        for each in work(*arguments):
            answer.send(each)
        answer.send(None)
    except Exception as error:
        with contextlib.suppress(BrokenPipeError):  # the parent has ended, and so does this
            answer.send(error)
    finally:
        answer.close()
