"""What only a real node and its failures can show: spoofed events, forged transactions, bad answers, fee rules."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from anchors.chain import artifacts, events
from anchors.chain.account import PayingAccount
from anchors.chain.acts import Admit, OpenLog, Suspend, add_key
from anchors.chain.administration import Administrator, contract_address, deploy
from anchors.chain.call_data import call_data
from anchors.chain.endpoints import Endpoints
from anchors.chain.ethereum import EthereumChain
from anchors.chain.json_rpc import JsonRpc
from anchors.chain.port import ChainUnavailable, Fees, Head, TransactionRefused
from anchors.chain.sender import EthereumWitnessSender
from anchors.core.block.head import WITNESSED
from anchors.core.encoding import keccak256
from anchors.core.errors import MalformedInput
from scripts.anvil import Anvil
from tests.fixtures.chain import ScratchChain
from tests.ports.chain_world import OPERATOR, AnvilWorld, Leaves, SampleLog, secret, send

FORGED_GAS = 1_000_000


@pytest.fixture
def world(chain) -> AnvilWorld:
    return AnvilWorld(chain)


@pytest.fixture
def log(world) -> SampleLog:
    return SampleLog(world).set_up()


@contextmanager
def between(url: str, bend: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Iterator[str]:
    """A node's URL behind which `bend(request, honest answer)` gives the answer: JSON, or bytes to be sent as such."""
    honest = JsonRpc(url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            result = honest.call(request["method"], *request["params"])
            answer = bend(request, {"jsonrpc": "2.0", "id": request["id"], "result": result})
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_forged_head_that_is_mined_all_the_same_moves_nothing(world, log):
    log.witness(0, 20)
    forged = log.call(20, 33, Leaves([keccak256(b"rewritten"), *log.leaves.hashes[1:]]))
    account = PayingAccount(Endpoints(world.scratch.url), bytes(world.scratch.accounts[3].key))
    arguments = (forged.log, 20, 33, forged.new_root, list(forged.proof), forged.signature)
    data = call_data(artifacts.WITNESS, "witness", *arguments)
    signed = account.sign(world.witness, data, FORGED_GAS, account.next_nonce(), account.fees())
    account.broadcast(signed.raw)
    (receipt,) = account.wait([signed], 30)
    assert not receipt.succeeded
    assert world.chain.head(log.id) == Head(20, log.leaves.root(20))
    assert len(world.chain.witness_events(0, world.chain.tip().number)) == 1


def test_events_of_a_spoofing_copy_with_the_same_topics_are_not_read(world, log):
    log.witness(0, 5)
    mallory = bytes(world.scratch.accounts[5].key)
    copy = deploy(world.scratch.url, mallory)
    spoof = SampleLog(world, log.origin, secret("mallory"), secret("mallory's hospital"), Leaves.of_count(40, b"spoof"))
    spoof.domain = type(spoof.domain)(world.chain_id, copy.registry, spoof.id)
    Administrator(world.scratch.url, copy.registry, mallory).perform(
        Admit(OPERATOR, ("operator",)),
        OpenLog(spoof.origin, OPERATOR),
        add_key(spoof.domain, OPERATOR, "checkpoint", spoof.checkpoint_secret),
    )
    sender = EthereumWitnessSender(world.scratch.url, copy.witness, mallory)
    assert send(sender, spoof.call(0, 33)).succeeded
    tip = world.chain.tip().number
    everything = JsonRpc(world.scratch.url).call(
        "eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(tip), "topics": ["0x" + WITNESSED.hex()]}
    )
    assert len(everything) == 2, "the copy emitted the same topic"
    assert [event.new_size for event in world.chain.witness_events(0, tip)] == [5]
    assert len(world.chain.registry_events(0, tip)) == 7
    assert world.chain.head(log.id).size == 5


def test_the_topics_and_selectors_are_those_of_the_compiled_contracts():
    assert artifacts.load(artifacts.REGISTRY).topic("RegistryChanged") == events.REGISTRY_CHANGED
    assert artifacts.load(artifacts.WITNESS).topic("Witnessed") == WITNESSED


def test_a_contract_stands_where_its_nonce_says(world):
    deployer = world.administrator.address
    assert world.chain.code_hash(contract_address(deployer, 0)) == world.chain.code_hash(world.registry)
    # from the documentation of CREATE: sender 0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert contract_address(sender, 0).hex() == "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert contract_address(sender, 1).hex() == "343c43a37d37dff08ae8c4a11544c718abb4fcf8"


def test_an_act_that_is_refused_says_why_alone_and_in_a_row(world, log):
    stranger = Administrator(world.scratch.url, world.registry, bytes(world.scratch.accounts[4].key))
    with pytest.raises(TransactionRefused) as refused:
        stranger.perform(Suspend(OPERATOR))
    assert refused.value.reason == "AccessControlUnauthorizedAccount"
    height = world.scratch.height
    with pytest.raises(TransactionRefused) as refused:
        world.administrator.perform(Suspend("NOBODY"), Suspend(OPERATOR))
    assert refused.value.reason == "UnknownInstitution"
    assert world.scratch.height == height, "nothing was sent"
    with pytest.raises(TransactionRefused) as refused:
        world.administrator.perform(Suspend(OPERATOR), Suspend("NOBODY"), Admit("THIRD", ("hospital",)))
    assert refused.value.reason == "UnknownInstitution"
    assert "Suspend, transaction 0x" in str(refused.value)


def test_the_acts_of_one_batch_share_blocks_and_may_build_on_each_other(world, log):
    world.scratch.set_interval(1)
    acts = []
    for number in range(30):
        code = f"SAMPLE-HOSPITAL-{number}"
        acts.append(Admit(code, ("hospital",)))
        acts += [add_key(log.domain, code, "statement", secret(f"{code} {key}")) for key in range(2)]
    before = world.scratch.height
    receipts = world.administrator.perform(*acts)
    assert len(receipts) == 90
    assert len({receipt.block_number for receipt in receipts}) < 30
    assert len(world.chain.registry_events(before + 1, world.scratch.height)) == 90


def test_a_node_that_refuses_long_ranges_is_asked_for_short_ones(world, log):
    log.witness(0, 5)
    world.mine(70)
    log.witness(5, 8)
    asked: list[int] = []

    def refuse_long(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs":
            blocks = 1 + int(request["params"][0]["toBlock"], 16) - int(request["params"][0]["fromBlock"], 16)
            asked.append(blocks)
            if blocks > 10:
                return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32005, "message": "range too large"}}
        return answer

    with between(world.scratch.url, refuse_long) as url:
        chain = EthereumChain(url, world.registry, world.witness)
        tip = chain.tip().number
        assert chain.witness_events(0, tip) == world.chain.witness_events(0, tip)
        first_time = len(asked)
        assert chain.registry_events(0, tip) == world.chain.registry_events(0, tip)
        assert len(asked) - first_time < first_time, "what the node allows is remembered"
    assert max(asked) > 10 >= min(asked)


def bent_log(change: dict[str, Any]) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    """A node whose logs have other members."""

    def bend(request: dict[str, Any], answer: dict[str, Any]) -> Any:
        if request["method"] == "eth_getLogs":
            answer["result"] = [{**line, **change} for line in answer["result"]]
        return answer

    return bend


@pytest.mark.parametrize(
    "change",
    [
        {"removed": True},
        {"address": "0x" + "11" * 20},
        {"topics": ["0x" + "11" * 32] * 3},
        {"topics": []},
        {"blockNumber": "0xffff"},
        {"blockNumber": None},
        {"blockHash": None},
        {"blockHash": "0x11"},
        {"logIndex": "-1"},
        {"data": "0x11"},
        {"data": "0x" + "ff" * 160},
        {"data": "0xzz"},
        {"data": 7},
    ],
)
def test_a_log_that_was_not_asked_for_or_cannot_be_read_is_no_answer(world, log, change):
    log.witness(0, 5)
    with between(world.scratch.url, bent_log(change)) as url:
        chain = EthereumChain(url, world.registry, world.witness)
        with pytest.raises(ChainUnavailable) as unavailable:
            chain.witness_events(0, world.chain.tip().number)
    assert "\n" not in str(unavailable.value)


def test_a_log_that_is_named_twice_is_no_answer(world, log):
    log.witness(0, 5)

    def twice(request: dict[str, Any], answer: dict[str, Any]) -> Any:
        if request["method"] == "eth_getLogs":
            answer["result"] *= 2
        return answer

    with between(world.scratch.url, twice) as url, pytest.raises(ChainUnavailable, match="two logs"):
        EthereumChain(url, world.registry, world.witness).witness_events(0, world.chain.tip().number)


@pytest.mark.parametrize(
    "answer", [b"", b"null", b"[]", b"{}", b"<html>", b'{"result": null}', b'{"error": 7}', b'{"error": {}}', b"\xff"]
)
def test_an_answer_that_is_no_json_rpc_is_unavailable(world, answer):
    with between(world.scratch.url, lambda request, honest: answer) as url:
        chain = EthereumChain(url, world.registry, world.witness)
        for ask in (chain.identity, chain.tip, lambda: chain.head(bytes(32)), lambda: chain.witness_events(0, 1)):
            with pytest.raises(ChainUnavailable):
                ask()


def test_where_there_is_no_contract_there_is_no_head(world):
    nobody = keccak256(b"nobody")[12:]
    with pytest.raises(ChainUnavailable):
        EthereumChain(world.scratch.url, nobody, nobody).head(bytes(32))


def test_a_node_that_is_gone_or_silent_is_unavailable_and_no_credential_is_shown(world):
    silent = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # listens, and never answers
    try:
        port = silent.server_port
        for url in (f"http://user:hunter2@127.0.0.1:{port}/token3", "http://user:hunter2@127.0.0.1:1/token3?key=4"):
            chain = EthereumChain(url, world.registry, world.witness, timeout_seconds=0.2)
            with pytest.raises(ChainUnavailable) as unavailable:
                chain.tip()
            message = str(unavailable.value)
            assert "http://127.0.0.1:" in message
            assert "\n" not in message
            assert not any(word in message for word in ("hunter2", "user", "token3", "key=4"))
    finally:
        silent.server_close()


def test_credentials_are_sent_as_basic_authorization(world):
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers["authorization"])
            self.send_response(401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://Aladdin:open%20sesame@127.0.0.1:{server.server_port}"
        with pytest.raises(ChainUnavailable, match="HTTP 401"):
            EthereumChain(url, world.registry, world.witness).tip()
    finally:
        server.shutdown()
        server.server_close()
    assert seen == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]  # RFC 7617 section 2


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ftp://host", "ws://127.0.0.1:8545", "http://"])
def test_a_url_that_is_none_says_what_is_expected(url):
    with pytest.raises(MalformedInput, match="expected http://host:port"):
        EthereumChain(url, bytes(20), bytes(20))


FREE = ["--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee"]


@pytest.mark.parametrize(
    ("options", "transaction_type"),
    [
        pytest.param(["--hardfork", "berlin", "--gas-price", "1000000000"], 0, id="legacy"),
        pytest.param([*FREE, "--hardfork", "london"], 0, id="free of charge"),
        pytest.param(["--hardfork", "cancun"], 2, id="EIP-1559"),
    ],
)
def test_heads_are_witnessed_whatever_the_chain_charges(tmp_path, options, transaction_type):
    anvil = Anvil(tmp_path / "anvil.log", options=["--chain-id", "31337", *options]).start()
    try:
        world = AnvilWorld(ScratchChain(anvil))
        log = SampleLog(world).set_up()
        receipt = log.witness(0, 5)
        assert receipt.succeeded
        sent = anvil.rpc("eth_getTransactionByHash", "0x" + receipt.transaction.hex())
        assert int(sent["type"], 16) == transaction_type
        fees = world.sender().fees()
        assert (fees.cap == fees.tip) == (transaction_type == 0)
        if "london" in options:
            assert fees == Fees(0, 0)
    finally:
        anvil.kill()
