"""A JSON-RPC proxy of the tests that stands in front of a real node and does what a kind node never does.

    with RpcProxy(chain.url) as proxy:
        client = EthereumChain(proxy.url, …)                        # everything goes through as it is, until told so
        proxy.on("eth_sendRawTransaction", refuse(-32000, "nonce too low"), times=1)
        rule = proxy.on("eth_getTransactionReceipt", hide())         # until `rule.stop()`
        proxy.on("eth_getBlockByNumber", late(3), where=lambda parameters: parameters[0] == "latest")
        with proxy.on("*", lose_request()): …                        # "*" is any method; the newest fitting rule wins
        proxy.on("eth_sendRawTransaction", PoolRules())              # replaces by geth's rule; `PoolRules.of_besu()`
        proxy.asked("eth_sendRawTransaction")                        # the parameters of each such call, in order
        proxy.down = True                                            # every connection is cut; False: works again

| fault | what the client sees | what the node sees |
|---|---|---|
| `refuse(code, message, data)` | a JSON-RPC error | nothing |
| `lose_request()` | the connection is cut | nothing |
| `lose_answer()` | the connection is cut | the call |
| `late(seconds)` | the answer, late | the call, at once |
| `delayed(seconds)` | the answer, late | the call, late: also when the client has given up |
| `answer_twice()` | the answer, and once more on the same connection | the call |
| `stale()` | for ever the first answer to these parameters | each call |
| `result(value)`, `hide()` | this result; None | the call (a hidden receipt is there all the same) |
| `from_node(url)` | another node's answer | nothing |
| `in_turn(url, …)` | now one node's answer, then another's | nothing |
| `http_status(status, body)` | an answer that is no JSON-RPC | nothing |
| `PoolRules(…)` | a pool's rules for replacements | what the rules let through |

A fault of your own is a function of an `Exchange` that returns the answer (a dict), returns bytes to send them as they
are, or raises `Cut`.
"""

import contextlib
import itertools
import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import rlp
from eth_account import Account

from anchors.core.encoding import keccak256
from scripts.anvil import Rpc

ANY = "*"
UPSTREAM_SECONDS = 60
COPY_SECONDS = 0.05
PRICE_BUMP_PERCENT = 10
_DYNAMIC_FEE = 2


class Cut(Exception):
    """Cut the client's connection instead of answering."""


@dataclass
class HttpAnswer:
    """An answer by HTTP status and body, sent `copies` times on one connection."""

    body: bytes
    status: int = 200
    copies: int = 1


@dataclass(frozen=True)
class Exchange:
    """One call on its way through the proxy."""

    proxy: "RpcProxy"
    request: dict[str, Any]

    @property
    def method(self) -> str:
        """The method's name."""
        return self.request["method"]

    @property
    def parameters(self) -> list[Any]:
        """The method's parameters."""
        return list(self.request.get("params", ()))

    def forward(self, url: str | None = None) -> dict[str, Any]:
        """The answer of the node behind the proxy, or of another one. Raises `Cut` where it does not answer."""
        sent = urllib.request.Request(
            url or self.proxy.upstream, json.dumps(self.request).encode(), {"content-type": "application/json"}
        )
        try:
            with _direct.open(sent, timeout=UPSTREAM_SECONDS) as response:
                return json.load(response)
        except (OSError, ValueError):
            raise Cut from None

    def answer(self, result: Any) -> dict[str, Any]:
        """An answer with this result."""
        return {"jsonrpc": "2.0", "id": self.request["id"], "result": result}

    def error(self, code: int, message: str, data: Any = None) -> dict[str, Any]:
        """An answer that refuses."""
        error = {"code": code, "message": message} | ({} if data is None else {"data": data})
        return {"jsonrpc": "2.0", "id": self.request["id"], "error": error}

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the proxy's end."""
        if self.proxy.closing.wait(seconds):
            raise Cut


Answer = dict[str, Any] | HttpAnswer
Fault = Callable[[Exchange], Answer]


@dataclass(eq=False)
class Rule:
    """A fault for a method. `fired` counts how often it was used."""

    proxy: "RpcProxy"
    method: str
    fault: Fault
    left: float
    where: Callable[[list[Any]], bool]
    fired: int = 0

    def fits(self, exchange: Exchange) -> bool:
        """Whether the call is one of those that the rule is for."""
        return self.left > 0 and self.method in (ANY, exchange.method) and self.where(exchange.parameters)

    def stop(self) -> None:
        """Let such calls through again."""
        self.left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(eq=False)
class RpcProxy:
    """See the module. `port` 0 takes a free one; `open` and `close` may follow each other, the port stays the same."""

    upstream: str
    port: int = 0
    down: bool = False
    closing: threading.Event = field(default_factory=threading.Event)
    connections: set[socket.socket] = field(default_factory=set)
    _rules: list[Rule] = field(default_factory=list)
    _calls: list[tuple[str, list[Any]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where the proxy answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def node(self) -> Rpc:
        """The node itself, past all rules: `proxy.node("anvil_dropTransaction", hash)`."""
        return Rpc(self.upstream)

    def on(
        self,
        method: str,
        fault: Fault,
        times: float = float("inf"),
        where: Callable[[list[Any]], bool] = lambda parameters: True,
    ) -> Rule:
        """From now on do `fault` to calls of `method` whose parameters fit, so many times."""
        rule = Rule(self, method, fault, times, where)
        with self._lock:
            self._rules.insert(0, rule)
        return rule

    def heal(self) -> None:
        """Forget all rules and be up."""
        with self._lock:
            self._rules.clear()
        self.down = False

    def asked(self, method: str) -> list[list[Any]]:
        """The parameters of all calls of a method so far, in order, whatever became of them."""
        with self._lock:
            return [parameters for name, parameters in self._calls if name == method]

    def open(self) -> Self:
        """Listen. Before it, and after `close`, connections are refused."""
        self.closing.clear()
        self._server = _Server(("127.0.0.1", self.port), _handler_of(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        """Stop listening and cut what is open."""
        self.closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self.connections):
            cut(connection)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def handle(self, body: bytes) -> HttpAnswer:
        """The answer to a request body: one call, or a batch of them. Raises `Cut`."""
        requests = json.loads(body)
        if isinstance(requests, dict):
            answer = self._answer(Exchange(self, requests))
            return answer if isinstance(answer, HttpAnswer) else HttpAnswer(json.dumps(answer).encode())
        answers = [self._answer(Exchange(self, request)) for request in requests]
        whole = next((answer for answer in answers if isinstance(answer, HttpAnswer)), None)
        return whole or HttpAnswer(json.dumps(answers).encode())

    def _answer(self, exchange: Exchange) -> Answer:
        with self._lock:
            self._calls.append((exchange.method, exchange.parameters))
            rule = next((rule for rule in self._rules if rule.fits(exchange)), None)
            if rule is not None:
                rule.left -= 1
                rule.fired += 1
        if self.down:
            raise Cut
        return rule.fault(exchange) if rule else exchange.forward()


def refuse(code: int, message: str, data: Any = None) -> Fault:
    """Answer with an error."""
    return lambda exchange: exchange.error(code, message, data)


def lose_request() -> Fault:
    """Cut the connection; the node hears nothing."""

    def fault(exchange: Exchange) -> Answer:
        raise Cut

    return fault


def lose_answer() -> Fault:
    """Let the node do it, and cut the connection."""

    def fault(exchange: Exchange) -> Answer:
        exchange.forward()
        raise Cut

    return fault


def late(seconds: float) -> Fault:
    """Let the node do it, and answer after a while."""

    def fault(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        exchange.wait(seconds)
        return answer

    return fault


def delayed(seconds: float) -> Fault:
    """Keep the call back for a while, then let the node do it whether or not somebody still waits."""

    def fault(exchange: Exchange) -> Answer:
        exchange.wait(seconds)
        return exchange.forward()

    return fault


def answer_twice() -> Fault:
    """Send the answer two times, so that a client that keeps its connection reads the second one as its next."""
    return lambda exchange: HttpAnswer(json.dumps(exchange.forward()).encode(), copies=2)


def stale() -> Fault:
    """Repeat the first answer to the same parameters for ever: a node that stands still, or a cache before it."""
    kept: dict[str, dict[str, Any]] = {}

    def fault(exchange: Exchange) -> Answer:
        name = json.dumps([exchange.method, exchange.parameters])
        kept.setdefault(name, exchange.forward())
        return kept[name] | {"id": exchange.request["id"]}

    return fault


def result(value: Any) -> Fault:
    """Let the node do it, and answer with `value`."""

    def fault(exchange: Exchange) -> Answer:
        exchange.forward()
        return exchange.answer(value)

    return fault


def hide() -> Fault:
    """Say that there is no such receipt, block or transaction."""
    return result(None)


def from_node(url: str) -> Fault:
    """Answer with what another node says."""
    return lambda exchange: exchange.forward(url)


def in_turn(*urls: str) -> Fault:
    """Answer with what these nodes say, one after the other: nodes behind a balancer that do not agree."""
    turns = itertools.cycle(urls)
    return lambda exchange: exchange.forward(next(turns))


def http_status(status: int, body: bytes = b"") -> Fault:
    """Answer with an HTTP status and a body that is no JSON-RPC."""
    return lambda exchange: HttpAnswer(body, status)


@dataclass(frozen=True)
class PoolRules:
    """A fault for `eth_sendRawTransaction`: what a pool does with a second transaction at one nonce of one sender.

    anvil takes replacements that other nodes refuse. geth wants at least `bump_percent` more on both tip and cap, and
    strictly more, so that at a fee of 0 nothing ever replaces (core/txpool/legacypool/list.go, `Add`). Besu without a
    minimum gas price takes the newer one at the same price (see `of_besu`), which then silently overwrites.
    """

    bump_percent: int = PRICE_BUMP_PERCENT
    equal_zero_replaces: bool = False

    @classmethod
    def of_besu(cls) -> "PoolRules":
        """Besu on a chain with no gas price."""
        return cls(equal_zero_replaces=True)

    def __call__(self, exchange: Exchange) -> Answer:
        raw = exchange.parameters[0]
        sender, new = Account.recover_transaction(raw), _fields(raw)
        waiting = _waiting(exchange.proxy.node, sender, new["nonce"])
        if waiting is None:
            return exchange.forward()
        if waiting["hash"] == new["hash"]:
            return exchange.error(-32000, "already known")
        if not self._replaces(new, _fees(waiting)):
            return exchange.error(-32000, "replacement transaction underpriced")
        exchange.proxy.node("anvil_dropTransaction", waiting["hash"])
        return exchange.forward()

    def _replaces(self, new: dict[str, Any], old: dict[str, int]) -> bool:
        if self.equal_zero_replaces and old["cap"] == new["cap"] == 0:
            return True
        enough = all(100 * new[fee] >= (100 + self.bump_percent) * old[fee] for fee in ("cap", "tip"))
        return enough and all(new[fee] > old[fee] for fee in ("cap", "tip"))


def _fields(raw: str) -> dict[str, Any]:
    """Hash, nonce, cap and tip of a signed transaction, an EIP-1559 or a legacy one."""
    octets = bytes.fromhex(raw.removeprefix("0x"))
    name = "0x" + keccak256(octets).hex()
    if octets[0] == _DYNAMIC_FEE:
        _, nonce, tip, cap, *_ = rlp.decode(octets[1:])
    else:
        nonce, cap, *_ = rlp.decode(octets)
        tip = cap
    number = lambda word: int.from_bytes(word, "big")  # noqa: E731
    return {"hash": name, "nonce": number(nonce), "cap": number(cap), "tip": number(tip)}


def _waiting(node: Rpc, sender: str, nonce: int) -> dict[str, Any] | None:
    """The transaction that waits in the node's pool at this place."""
    content = node("txpool_content")
    for state in ("pending", "queued"):
        for account, transactions in content[state].items():
            if account.lower() == sender.lower() and str(nonce) in transactions:
                return transactions[str(nonce)]
    return None


def _fees(wire: dict[str, Any]) -> dict[str, int]:
    price = wire.get("gasPrice")
    return {
        "cap": int(wire.get("maxFeePerGas") or price, 16),
        "tip": int(wire.get("maxPriorityFeePerGas") or price, 16),
    }


def cut(connection: socket.socket) -> None:
    """End a connection for both sides at once."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


def _handler_of(proxy: RpcProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait for the client's word

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                answer = proxy.handle(body)
                for copy in range(answer.copies):
                    if copy:  # or both would be in what the client reads ahead of the first
                        proxy.closing.wait(COPY_SECONDS)
                    self.send_response(answer.status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
            except (Cut, OSError):
                self._cut()
            if proxy.closing.is_set() or proxy.down:
                self.close_connection = True

        def setup(self) -> None:
            super().setup()
            proxy.connections.add(self.connection)

        def finish(self) -> None:
            proxy.connections.discard(self.connection)
            with contextlib.suppress(OSError):
                super().finish()

        def _cut(self) -> None:
            self.close_connection = True
            cut(self.connection)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


@contextlib.contextmanager
def proxies(*upstreams: str) -> Iterator[list[RpcProxy]]:
    """One proxy before each of these nodes."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(RpcProxy(url)) for url in upstreams]


# The nodes are on this machine: a proxy from the environment must not come between.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
