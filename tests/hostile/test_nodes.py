"""A node that answers with anything at all: every call ends as a value or as `ChainUnavailable`, never otherwise."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchors.chain import hexadecimal
from anchors.chain.ethereum import EthereumChain
from anchors.chain.events import REGISTRY_CHANGED, read_log_line, read_registry_changed, read_witnessed
from anchors.chain.port import ChainUnavailable
from anchors.core.block.head import WITNESSED
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from tests.fixtures.examples import examples
from tests.hostile.mutations import anything

EXAMPLES = examples(120, thorough=1_200)
REGISTRY, WITNESS, LOG = b"\1" * 20, b"\2" * 20, b"\3" * 32
HASH = "0x" + "ab" * 32
BLOCK = {"number": "0x10", "hash": HASH, "parentHash": HASH, "timestamp": "0x68e7c780", "miner": "0x" + "00" * 20}


def log_line(emitter: bytes, topic: bytes, indexed: int, words: int) -> dict[str, Any]:
    """An element of `eth_getLogs` of the right form."""
    return {
        "address": encode_hex(emitter),
        "topics": [encode_hex(topic), *[HASH] * indexed],
        "data": "0x" + ("00" * 31 + "01") * words,
        "blockNumber": "0x10",
        "blockHash": HASH,
        "transactionHash": HASH,
        "logIndex": "0x0",
        "removed": False,
    }


CHANGED, MOVED = log_line(REGISTRY, REGISTRY_CHANGED, 3, 6), log_line(WITNESS, WITNESSED, 2, 5)
RESULTS = [json.dumps(result).encode() for result in ("0x7a69", BLOCK, [CHANGED], [MOVED], "0x" + "00" * 64, None, [])]
UNREADABLE = (ValueError, KeyError, TypeError, MalformedInput)
"""What `JsonRpc.ask` takes for an unusable answer."""

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from([HASH, "0x"])
)
anything_json = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
)


@st.composite
def spoilt_lines(draw: st.DrawFn) -> Any:
    """A log line in which some members are anything."""
    line = dict(draw(st.sampled_from([CHANGED, MOVED])))
    for member in draw(st.sets(st.sampled_from(sorted(line)), min_size=1, max_size=3)):
        if draw(st.booleans()):
            line[member] = draw(anything_json)
        else:
            del line[member]
    return line


@settings(max_examples=examples(400, thorough=4_000))
@given(st.one_of(spoilt_lines(), anything_json))
def test_log_lines_are_read_or_refused(wire: Any) -> None:
    for read in (read_witnessed, read_registry_changed):
        try:
            read(read_log_line(wire))
        except UNREADABLE:
            continue
        except AttributeError:
            assert not isinstance(wire, dict), "an element that is no object is refused by whoever reads the list"


@settings(max_examples=examples(400, thorough=4_000))
@given(st.one_of(anything_json, st.text("0123456789abcdefAB_ \n", max_size=12).map(lambda digits: "0x" + digits)))
def test_hex_is_read_or_refused(value: Any) -> None:
    for read in (hexadecimal.quantity, hexadecimal.octets):
        try:
            found = read(value)
        except ValueError:
            continue
        if read is hexadecimal.octets:
            assert value.lower() == "0x" + found.hex(), "two spellings of one byte string"


class _Node(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Callable[[Any], bytes] = staticmethod(lambda request: b"")

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = type(self).answer(request)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is written to the terminal."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A node that answers what `_Node.answer` says."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Node) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


CALLS: list[Callable[[EthereumChain], Any]] = [
    lambda chain: chain.identity(),
    lambda chain: chain.tip(),
    lambda chain: chain.finalized(),
    lambda chain: chain.block(16),
    lambda chain: chain.registry_events(0, 16),
    lambda chain: chain.witness_events(0, 16),
    lambda chain: chain.head(LOG),
    lambda chain: chain.code_hash(REGISTRY),
]


def _ask_all(url: str, answer: Callable[[int], bytes]) -> None:
    """Ask everything of a node that answers so; each time by an adapter that has no bad memories of it."""
    asked = 0

    def counted(request: Any) -> bytes:
        nonlocal asked
        asked += 1
        return answer(request["id"])

    _Node.answer = staticmethod(counted)
    for call in CALLS:
        before, chain = asked, EthereumChain(url, REGISTRY, WITNESS, timeout_seconds=5.0)
        try:
            call(chain)
        except ChainUnavailable as refused:
            assert str(refused) and "\n" not in str(refused)
        finally:
            chain.close()
        assert asked > before, "the node was asked"


@settings(max_examples=EXAMPLES)
@given(result=anything(RESULTS))
def test_any_result_is_read_or_unusable(url: str, result: bytes) -> None:
    _ask_all(url, lambda id: b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (id, result))


@settings(max_examples=EXAMPLES)
@given(error=anything([b'{"code":-32000,"message":"no"}', b'{"code":3,"data":"0x08c379a0"}']))
def test_any_error_is_read_or_unusable(url: str, error: bytes) -> None:
    _ask_all(url, lambda id: b'{"jsonrpc":"2.0","id":%d,"error":%b}' % (id, error))


@settings(max_examples=EXAMPLES)
@given(body=anything([b'{"jsonrpc":"2.0","id":1,"result":null}', b"[]", b""]))
def test_any_body_is_read_or_unusable(url: str, body: bytes) -> None:
    _ask_all(url, lambda id: body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("closing", [True, False])
def test_depth_is_unusable(url: str, opening: bytes, closing: bool) -> None:
    deep = opening * 200_000 + b"null" + (b"]" if opening == b"[" else b"}") * 200_000 * closing
    _ask_all(url, lambda id: b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (id, deep))
