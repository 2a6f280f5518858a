"""A fault of `rpc_proxy`: a node that has not seen the newest blocks, in all that it answers."""

from collections.abc import Callable

from tests.faults.rpc_proxy import Answer, Exchange, Fault

_AT_A_BLOCK = {"eth_call": 1, "eth_getCode": 1, "eth_estimateGas": 1, "eth_getTransactionCount": 1}
"""Which parameter names the block."""


def at_block(number: Callable[[], int]) -> Fault:
    """A node whose newest block is `number()`."""

    def fault(exchange: Exchange) -> Answer:
        newest, parameters = number(), exchange.parameters
        if exchange.method == "eth_blockNumber":
            return exchange.answer(hex(newest))
        if exchange.method == "eth_getBlockByNumber":
            asked = newest if parameters[0] == "latest" else int(parameters[0], 16)
            if asked > newest:
                return exchange.answer(None)
            parameters[0] = hex(asked)
        elif exchange.method == "eth_getLogs":
            parameters[0] = parameters[0] | {"toBlock": hex(min(newest, int(parameters[0]["toBlock"], 16)))}
        elif exchange.method in _AT_A_BLOCK:
            parameters[_AT_A_BLOCK[exchange.method]] = hex(newest)
        exchange.request["params"] = parameters
        answer = exchange.forward()
        if exchange.method == "eth_getTransactionReceipt" and answer.get("result"):
            return answer if int(answer["result"]["blockNumber"], 16) <= newest else exchange.answer(None)
        return answer

    return fault
