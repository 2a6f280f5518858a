"""The way to the node: connections that stay open, close, or never end an answer; and the wording of refusals."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from anchors.chain import artifacts
from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.chain.port import ChainUnavailable
from anchors.chain.refusals import refused_by_contract
from anchors.core.encoding import keccak256, uint_word

ANSWER = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x1"}).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"


@contextmanager
def server(serve: Callable[[socket.socket, int], None]) -> Iterator[str]:
    """A server's URL; `serve(connection, number)` handles each connection, counted from 1, and it is closed then."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        number = 0
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=handle, args=(connection, number), daemon=True).start()

    def handle(connection: socket.socket, number: int) -> None:
        with connection:
            try:
                serve(connection, number)
            except OSError:
                return  # the client left, as some tests want it to

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def read_request(connection: socket.socket) -> int:
    """The id of the request."""
    received = b""
    while b"}" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("closed")
        received += piece
    return json.loads(received.partition(b"\r\n\r\n")[2])["id"]


def answer(connection: socket.socket, number: int) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": number, "result": hex(number)}).encode()
    connection.sendall(HEAD % len(body) + body)


def test_one_connection_serves_many_calls():
    connections = []

    def serve(connection: socket.socket, number: int) -> None:
        connections.append(number)
        while True:
            answer(connection, read_request(connection))

    with server(serve) as url:
        rpc = JsonRpc(url)
        assert [rpc.call("eth_chainId") for _ in range(5)] == ["0x1", "0x2", "0x3", "0x4", "0x5"]
    assert connections == [1]


def test_a_connection_that_the_node_closed_meanwhile_is_no_failure():
    def serve(connection: socket.socket, number: int) -> None:
        answer(connection, read_request(connection))

    with server(serve) as url:
        rpc = JsonRpc(url)
        assert [rpc.call("eth_chainId") for _ in range(3)] == ["0x1", "0x2", "0x3"]


def test_a_node_that_always_hangs_up_is_unavailable():
    with (
        server(lambda connection, number: (read_request(connection), None)[1]) as url,
        pytest.raises(ChainUnavailable, match="RemoteDisconnected"),
    ):
        JsonRpc(url).call("eth_chainId")


def test_an_answer_that_comes_drop_by_drop_ends_at_the_deadline():
    def serve(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(HEAD % 1_000_000)
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    with server(serve) as url, pytest.raises(ChainUnavailable, match=r"no answer within 0\.3 s"):
        JsonRpc(url, timeout_seconds=0.3).call("eth_chainId")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD % (len(ANSWER) + 1) + ANSWER, id="cut short"),
        pytest.param(HEAD % len(ANSWER) + ANSWER[:-1], id="cut inside"),
        pytest.param(b"no HTTP at all\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="bad chunk"),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1\r\ncontent-length: 0\r\n\r\n", id="elsewhere"
        ),
    ],
)
def test_half_an_answer_is_none(sent):
    def serve(connection: socket.socket, number: int) -> None:
        read_request(connection)
        connection.sendall(sent)

    with server(serve) as url, pytest.raises(ChainUnavailable):
        JsonRpc(url).call("eth_chainId")


def test_an_answer_to_another_question_is_none():
    def serve(connection: socket.socket, number: int) -> None:
        answer(connection, read_request(connection) + 1)

    with server(serve) as url, pytest.raises(ChainUnavailable):
        JsonRpc(url).call("eth_chainId")


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with server(lambda connection, number: answer(connection, read_request(connection))) as url:
        assert JsonRpc(url).call("eth_chainId") == "0x1"


@pytest.mark.parametrize("data", ["{}", "Reverted {}", {"data": "{}"}])
def test_the_contract_s_error_is_found_however_the_node_wraps_it(data):
    contract = artifacts.load(artifacts.WITNESS)
    revert = "0x" + (keccak256(b"StaleHead(uint64)")[:4] + uint_word(8)).hex()
    wrapped = {"data": revert} if isinstance(data, dict) else data.format(revert)
    refused = refused_by_contract(RpcRefused("eth_call", 3, "execution reverted", wrapped), contract)
    assert refused.reason == "StaleHead"
    assert "StaleHead(storedSize=8)" in str(refused)


@pytest.mark.parametrize(
    ("code", "text", "data", "reason"),
    [
        (3, "execution reverted", None, "reverted"),
        (3, "execution reverted: text", "0x08c379a0" + "00" * 96, "reverted"),
        (-32000, "Execution reverted", "0x", "reverted"),
        (3, "execution reverted", "0xdeadbeef", "reverted"),
        (-32000, "insufficient funds for transfer", None, "insufficient-funds"),
        (-32601, "method not found", None, "other"),
    ],
)
def test_a_refusal_without_an_error_of_ours_is_sorted_too(code, text, data, reason):
    contract = artifacts.load(artifacts.WITNESS)
    assert refused_by_contract(RpcRefused("eth_estimateGas", code, text, data), contract).reason == reason
