"""The proxy does to a real node's answers what its table says."""

import time

import pytest

from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.chain.port import ChainUnavailable
from scripts.local_chain import CHAIN_ID
from tests.faults.rpc_proxy import (
    COPY_SECONDS,
    PoolRules,
    RpcProxy,
    answer_twice,
    delayed,
    from_node,
    hide,
    http_status,
    in_turn,
    late,
    lose_answer,
    lose_request,
    refuse,
    result,
    stale,
)

FEES = {"gas": 21_000, "chainId": 31337, "value": 1}


@pytest.fixture
def proxy(module_chain):
    with RpcProxy(module_chain.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy):
    return JsonRpc(proxy.url, timeout_seconds=5)


def signed(chain, number: int, nonce: int, **fees: int) -> str:
    fields = {**FEES, **fees, "nonce": nonce, "to": chain.accounts[9].address}
    return "0x" + chain.accounts[number].sign_transaction(fields).raw_transaction.hex().removeprefix("0x")


def height(client: JsonRpc) -> int:
    return int(client.call("eth_blockNumber"), 16)


def test_everything_goes_through_until_told_otherwise(proxy, client, module_chain):
    assert height(client) == module_chain.height
    assert client.call("eth_getBlockByNumber", "0x0", False)["hash"] == module_chain.block_hash(0)
    assert proxy.asked("eth_getBlockByNumber") == [["0x0", False]]


def test_a_rule_holds_so_often_and_for_what_it_is_for(proxy, client):
    rule = proxy.on("eth_getBlockByNumber", refuse(-32000, "busy"), times=1, where=lambda given: given[0] == "0x0")
    assert client.call("eth_getBlockByNumber", "latest", False)
    with pytest.raises(RpcRefused, match="busy"):
        client.call("eth_getBlockByNumber", "0x0", False)
    assert client.call("eth_getBlockByNumber", "0x0", False) and rule.fired == 1
    with proxy.on("*", refuse(-1, "all")), pytest.raises(RpcRefused):
        client.call("eth_chainId")
    assert client.call("eth_chainId")


def test_requests_and_answers_are_lost_apart(proxy, client, module_chain):
    before = module_chain.height
    with proxy.on("evm_mine", lose_request()), pytest.raises(ChainUnavailable):
        client.call("evm_mine")
    assert module_chain.height == before
    with proxy.on("evm_mine", lose_answer()), pytest.raises(ChainUnavailable):
        JsonRpc(proxy.url).call("evm_mine")
    assert module_chain.height == before + 1


def test_late_answers_were_done_at_once_and_delayed_calls_arrive_when_nobody_waits(proxy, module_chain):
    impatient, before = JsonRpc(proxy.url, timeout_seconds=0.2), module_chain.height
    with proxy.on("evm_mine", late(0.6)), pytest.raises(ChainUnavailable):
        impatient.call("evm_mine")
    assert module_chain.height == before + 1
    with proxy.on("evm_mine", delayed(0.6)), pytest.raises(ChainUnavailable):
        impatient.call("evm_mine")
    assert module_chain.height == before + 1
    deadline = time.monotonic() + 20
    while module_chain.height < before + 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_stale_hidden_and_made_up_answers(proxy, client, module_chain):
    with proxy.on("eth_blockNumber", stale()):
        first = height(client)
        module_chain.mine(2)
        assert height(client) == first == module_chain.height - 2
    with proxy.on("eth_getBlockByNumber", hide()):
        assert client.call("eth_getBlockByNumber", "0x0", False) is None
    with proxy.on("eth_chainId", result("0x7")):
        assert client.call("eth_chainId") == "0x7"
    with proxy.on("eth_chainId", http_status(503, b"<html>")), pytest.raises(ChainUnavailable, match="503"):
        client.call("eth_chainId")


def test_an_answer_that_comes_twice_does_not_answer_the_next_question(proxy, client):
    with proxy.on("eth_blockNumber", answer_twice()):
        height(client)
        time.sleep(2 * COPY_SECONDS)
        assert client.call("eth_chainId") == hex(CHAIN_ID), "a connection with an answer too many is not used again"


def test_answers_of_another_node(proxy, client, module_chain):
    with RpcProxy(module_chain.url) as other:
        other.on("eth_chainId", result("0x9"))
        with proxy.on("eth_chainId", from_node(other.url)):
            assert client.call("eth_chainId") == "0x9"
        with proxy.on("eth_chainId", in_turn(module_chain.url, other.url)):
            assert [client.call("eth_chainId") for _ in range(3)] == ["0x7a69", "0x9", "0x7a69"]


def test_a_proxy_that_is_down_or_closed_answers_nothing_and_comes_back(proxy, client):
    proxy.down = True
    with pytest.raises(ChainUnavailable):
        height(client)
    proxy.heal()
    assert height(client) >= 0
    proxy.close()
    with pytest.raises(ChainUnavailable):
        height(client)
    proxy.open()
    assert height(client) >= 0


def test_the_pool_rules_are_those_of_geth(proxy, client, chain):
    chain.set_automine(False)
    proxy.upstream = chain.url
    proxy.on("eth_sendRawTransaction", PoolRules())
    send = lambda raw: client.call("eth_sendRawTransaction", raw)  # noqa: E731
    first = signed(chain, 0, 0, maxFeePerGas=10**10, maxPriorityFeePerGas=10**9)
    name = send(first)
    with pytest.raises(RpcRefused, match="already known"):
        send(first)
    for cap, tip in ((11 * 10**9 - 1, 11 * 10**8), (11 * 10**9, 11 * 10**8 - 1)):
        with pytest.raises(RpcRefused, match="replacement transaction underpriced"):
            send(signed(chain, 0, 0, maxFeePerGas=cap, maxPriorityFeePerGas=tip))
    second = send(signed(chain, 0, 0, maxFeePerGas=11 * 10**9, maxPriorityFeePerGas=11 * 10**8))
    assert send(signed(chain, 0, 1, gasPrice=10**10))
    chain.mine()
    assert chain.rpc("eth_getTransactionReceipt", name) is None
    assert chain.receipt(second)["status"] == "0x1"


@pytest.mark.parametrize("rules", [PoolRules(), PoolRules.of_besu()])
def test_at_a_fee_of_zero_geth_never_replaces_and_besu_does(proxy, client, zero_gas_chain, rules):
    chain = zero_gas_chain
    proxy.upstream = chain.url
    proxy.on("eth_sendRawTransaction", rules)
    chain.set_automine(False)
    raws = [signed(chain, 0, 0, gasPrice=0, value=value) for value in (1, 2)]
    first = client.call("eth_sendRawTransaction", raws[0])
    if rules.equal_zero_replaces:
        second = client.call("eth_sendRawTransaction", raws[1])
        chain.mine()
        assert chain.receipt(second)["status"] == "0x1"
        assert chain.rpc("eth_getTransactionReceipt", first) is None
    else:
        with pytest.raises(RpcRefused, match="replacement transaction underpriced"):
            client.call("eth_sendRawTransaction", raws[1])
        chain.mine()
        assert chain.receipt(first)["status"] == "0x1"
