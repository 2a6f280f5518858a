"""One piece of work in a process beside this one."""

import multiprocessing
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class Beside(Generic[R]):
    """Runs `work(*arguments)` in another process, from `with` on; `result()` waits for it. Leaving the block ends it.

    Begin before anything is opened: on Linux the process is a copy of this one, so that it takes little memory."""

    def __init__(self, work: Callable[..., R], *arguments: Any):
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._answers, answer = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(answer, work, arguments), daemon=True)
        self._answer = answer

    def __enter__(self) -> "Beside[R]":
        self._process.start()
        self._answer.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()
        self._answers.close()

    def result(self) -> R:
        """What the work gave, or raised. Raises `RuntimeError` where the process ended without an answer."""
        try:
            result, error = self._answers.recv()
        except EOFError:
            raise RuntimeError("the process beside ended before it was done; try again with more memory") from None
        if error is not None:
            raise error
        return result


def _run(answer: Any, work: Callable[..., R], arguments: tuple) -> None:
    try:
        answer.send((work(*arguments), None))
    except Exception as error:
        answer.send((None, error))
    finally:
        answer.close()
