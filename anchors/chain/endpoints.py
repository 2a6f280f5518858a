"""Several nodes of one chain, asked like one: the loss of one is no event (docs/adr/0011-many-endpoints-one-chain.md).

Answers of different nodes are not mixed: the node that was asked last is asked again as long as it answers, does not
contradict what is settled and is not far behind another one. Where it fails, the next is asked within the same call.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import Any, TypeVar

from anchors.chain.endpoint import Endpoint, EndpointState, Settled
from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.chain.port import Block, ChainIdentity, ChainUnavailable
from anchors.core.errors import MalformedInput

MOST_BLOCKS_BEHIND = 3
"""A node that is further behind another one is not chosen."""

SURVEY_SECONDS = 5.0
"""How often all nodes are looked at, where there are several."""

GRACE_SECONDS = 1.0
"""How long the others are waited for when one has answered a question to all."""

Result = TypeVar("Result")


def split_urls(rpc: str | Sequence[str]) -> list[str]:
    """URLs of nodes: a list of them, or one text with commas between. Raises `MalformedInput` where there is none, or
    one twice."""
    given = rpc.split(",") if isinstance(rpc, str) else rpc
    urls = [url.strip() for url in given]
    if not urls or len(set(urls)) != len(urls):
        raise MalformedInput("node URLs: expected http://host:port, several with commas between, each once")
    return urls


class Endpoints:
    """Nodes of one chain, by their URLs in order of preference. Safe to use from several threads.

    `timeout_seconds` bounds one deadline, so one call of the port, however many nodes are asked for it. It has the
    methods of `JsonRpc`, so whatever asks one node can ask several.
    """

    def __init__(self, rpc: str | Sequence[str], timeout_seconds: float = 10.0):
        self._all = [Endpoint(url, number, timeout_seconds) for number, url in enumerate(split_urls(rpc), 1)]
        self.timeout_seconds = timeout_seconds
        self._settled = Settled()
        self._current = self._all[0]
        self._lock = threading.Lock()
        self._survey_at = 0.0

    @classmethod
    def of(cls, rpc: "Endpoints | str | Sequence[str]", timeout_seconds: float = 10.0) -> "Endpoints":
        """`rpc` itself where it is `Endpoints`, which are shared then."""
        return rpc if isinstance(rpc, Endpoints) else cls(rpc, timeout_seconds)

    @property
    def name(self) -> str:
        """The URL of the node that is asked at present, without anything that may be a credential."""
        return self._current.rpc.name

    def deadline(self) -> float:
        """When work that begins now must have ended, by the monotonic clock."""
        return time.monotonic() + self.timeout_seconds

    def close(self) -> None:
        """Close the connections that are not in use; the next call opens new ones."""
        for endpoint in self._all:
            endpoint.rpc.close()

    def unavailable(self, what: str) -> ChainUnavailable:
        """The error that says that the node that is asked at present did not give a usable answer."""
        return self._current.rpc.unavailable(what)

    def expect(self, identity: ChainIdentity) -> None:
        """The chain's id and genesis are known: nodes of another chain are set aside. Where nobody says so, those of
        the first node that answers count."""
        with self._lock:
            self._settled = replace(self._settled, identity=identity)

    def hold_to(self, final: Block) -> None:
        """This block is final: nodes that hold another one at its number are set aside, those that have not reached it
        are not asked. Each is held to it anew, also where it was before. When every node holds another one, it is the
        chain that was replaced, and all are asked again."""
        with self._lock:
            self._settled = replace(self._settled, final=final)
        for endpoint in self._all:
            endpoint.doubt()

    def states(self) -> list[EndpointState]:
        """How each endpoint fares, in the order of the settings."""
        return [EndpointState(each.rpc.name, each is self._current, each.trouble) for each in self._all]

    def call(self, method: str, *parameters: Any, deadline: float | None = None) -> Any:
        """As `JsonRpc.call`. A refusal is an answer: no other node is asked then."""
        return self.use(lambda rpc, until: rpc.call(method, *parameters, deadline=until), deadline)

    def ask(
        self, read: Callable[[Any], Result], method: str, *parameters: Any, deadline: float | None = None
    ) -> Result:
        """As `JsonRpc.ask`. Where a node refuses, or its answer cannot be read, the next one is asked."""
        return self.use(lambda rpc, until: rpc.ask(read, method, *parameters, deadline=until), deadline)

    def use(self, work: Callable[[JsonRpc, float], Result], deadline: float | None = None) -> Result:
        """Do `work(node, its deadline)` with one node, all of it again with the next where that raises
        `ChainUnavailable`; raises that where none is left, saying what is wrong with each."""
        deadline = deadline or self.deadline()
        self._survey_when_due()
        candidates = self._candidates()
        if not candidates:  # all contradict what is settled
            return self._ask_all_the_same(work, deadline)
        for place, endpoint in enumerate(candidates):
            until = _share(deadline, len(candidates) - place)
            try:
                if not self._is_believed(endpoint, until):
                    continue
                result = work(endpoint.rpc, until)
            except ChainUnavailable as error:
                endpoint.failed(error)
            except RpcRefused:
                self._took(endpoint)
                raise
            else:
                self._took(endpoint)
                return result
        if all(endpoint.contradicts for endpoint in self._all):
            return self._ask_all_the_same(work, deadline)
        raise ChainUnavailable("; ".join(endpoint.trouble for endpoint in self._all if endpoint.trouble))

    def call_all(self, method: str, *parameters: Any) -> list[Any]:
        """Ask every node at once that is not set aside, and did not fail a moment ago: what each said, a result or the
        `RpcRefused` or `ChainUnavailable` that it was. When one has answered, the others are waited for a second."""
        deadline, believed = self.deadline(), [each for each in self._all if not each.contradicts] or self._all
        asked = [each for each in believed if not each.is_paused] or believed
        if len(asked) == 1:
            return [self._answer_of(asked[0], deadline, method, parameters)]
        futures = [_in_thread(self._answer_of, each, deadline, method, parameters) for each in asked]
        until, left = deadline, set(futures)
        while left and time.monotonic() < until:
            done, left = wait(left, max(0.0, until - time.monotonic()), FIRST_COMPLETED)
            if any(not isinstance(future.result(), ChainUnavailable) for future in done):
                until = min(until, time.monotonic() + GRACE_SECONDS)
        return [_outcome(future, each) for future, each in zip(futures, asked, strict=True)]

    def _answer_of(self, endpoint: Endpoint, deadline: float, method: str, parameters: Sequence[Any]) -> Any:
        try:
            if len(self._all) > 1 and not self._is_believed(endpoint, deadline):
                return ChainUnavailable(endpoint.trouble)
            answer = endpoint.rpc.call(method, *parameters, deadline=deadline)
        except RpcRefused as refused:
            return refused
        except ChainUnavailable as error:
            endpoint.failed(error)
            return error
        endpoint.answered()
        return answer

    def _candidates(self) -> list[Endpoint]:
        """The nodes that may be asked, in order: the present one; those that are not far behind; those that failed."""
        believed = [each for each in self._all if not each.contradicts]
        highest = max((each.tip_number or 0 for each in believed if not each.is_paused), default=0)

        def order(each: Endpoint) -> tuple[bool, bool, bool, int]:
            behind = each.tip_number is not None and each.tip_number < highest - MOST_BLOCKS_BEHIND
            return each.is_paused, each is not self._current, behind, each.number

        return sorted(believed, key=order)

    def _is_believed(self, endpoint: Endpoint, deadline: float) -> bool:
        settled = self._settled
        if len(self._all) == 1 and settled == Settled():
            return True
        endpoint.hold_to(settled, deadline)
        if settled.identity is None and endpoint.identity is not None:
            with self._lock:
                if self._settled.identity is None:
                    self._settled = replace(self._settled, identity=endpoint.identity)
        return not endpoint.contradicts

    def _ask_all_the_same(self, work: Callable[[JsonRpc, float], Result], deadline: float) -> Result:
        """Every node contradicts what is settled: then it is the chain that changed, and the caller must see it."""
        error = ChainUnavailable("no node")
        for place, endpoint in enumerate(self._all):
            until = _share(deadline, len(self._all) - place)
            try:
                if self._is_believed(endpoint, until):  # it was mended meanwhile
                    self._took(endpoint)
                return work(endpoint.rpc, until)
            except ChainUnavailable as failure:
                error = failure
        raise error

    def _took(self, endpoint: Endpoint) -> None:
        endpoint.answered()
        self._current = endpoint

    def _survey_when_due(self) -> None:
        if len(self._all) == 1:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._survey_at:
                return
            self._survey_at = now + SURVEY_SECONDS
        _in_thread(self._survey, now + min(self.timeout_seconds, SURVEY_SECONDS))

    def _survey(self, deadline: float) -> None:
        """Look at every node, and leave the present one where it is far behind another that has its newest block."""
        looking = [_in_thread(each.look, self._settled, deadline) for each in self._all if not each.is_paused]
        wait(looking, max(0.0, deadline - time.monotonic()))
        current = self._current
        believed = [each for each in self._all if not each.contradicts] or [current]
        ahead = max(believed, key=lambda each: each.tip_number or 0)
        height = current.tip_number
        if height is None or (ahead.tip_number or 0) <= height + MOST_BLOCKS_BEHIND:
            return
        with contextlib.suppress(ChainUnavailable):
            if current.block_hash(height, self.deadline()) == ahead.block_hash(height, self.deadline()):
                self._current = ahead


def _share(deadline: float, nodes: int) -> float:
    """The deadline of the first of so many nodes that may have to be asked."""
    now = time.monotonic()
    return now + max(0.0, deadline - now) / nodes


def _in_thread(work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
    """Start `work` in a thread that does not keep the process from ending."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="endpoint", daemon=True).start()
    return future


def _outcome(future: "Future[Any]", endpoint: Endpoint) -> Any:
    return future.result() if future.done() else endpoint.rpc.unavailable("no answer yet")
