"""Reading a contract's logs from a node that may refuse long ranges, and believing only what was asked for."""

from typing import Any

from anchors.chain.events import LogLine, read_log_line
from anchors.chain.json_rpc import JsonRpc, RpcRefused
from anchors.core.encoding import encode_hex

LONGEST_RANGE_BLOCKS = 1_000_000


class LogReader:
    """Reads logs in as long ranges as the node allows, which it finds out and remembers."""

    def __init__(self, rpc: JsonRpc):
        self._rpc = rpc
        self._range_blocks = LONGEST_RANGE_BLOCKS

    def read(self, emitter: bytes, topic: bytes, first_block: int, last_block: int, deadline: float) -> list[LogLine]:
        """All logs of `emitter` under `topic` in these blocks (inclusive), in chain order.

        Raises `ChainUnavailable`, also where the node has not reached `last_block`: its answer would leave out what it
        does not know.
        """
        if first_block > last_block:
            return []
        last = self._rpc.ask(_is_there, "eth_getBlockByNumber", hex(last_block), False, deadline=deadline)
        if not last:
            raise self._rpc.unavailable(f"the node has not reached block {last_block}, of which logs were asked")
        lines: list[LogLine] = []
        begin = first_block
        while begin <= last_block:
            end = min(last_block, begin + self._range_blocks - 1)
            found = self._read_range(emitter, topic, begin, end, deadline)
            if found is not None:
                lines += found
                begin = end + 1
        return lines

    def _read_range(self, emitter: bytes, topic: bytes, begin: int, end: int, deadline: float) -> list[LogLine] | None:
        """None where the node refused, and the range is shorter from now on. Nodes have no common way to say that a
        range is too long, so any refusal is taken for that until a single block is refused."""
        asked = {
            "address": encode_hex(emitter),
            "topics": [encode_hex(topic)],
            "fromBlock": hex(begin),
            "toBlock": hex(end),
        }
        try:
            answer = self._rpc.call("eth_getLogs", asked, deadline=deadline)
        except RpcRefused as refused:
            if begin == end:
                self._range_blocks = LONGEST_RANGE_BLOCKS
                raise self._rpc.unavailable(str(refused)) from None
            self._range_blocks = (end - begin + 1) // 2
            return None
        try:
            return _check(answer, emitter, topic, begin, end)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._rpc.unavailable(f"eth_getLogs was answered with something unusable: {error}") from None


def _check(answer: Any, emitter: bytes, topic: bytes, begin: int, end: int) -> list[LogLine]:
    if not isinstance(answer, list):
        raise TypeError("not a list")
    lines = sorted((read_log_line(wire) for wire in answer), key=_order)
    for line in lines:
        if line.emitter != emitter or line.topic != topic:
            raise ValueError(f"a log of {encode_hex(line.emitter)} that was not asked for")
        if not begin <= line.place.block_number <= end:
            raise ValueError(f"a log of block {line.place.block_number}, asked were {begin} to {end}")
    if len({_order(line) for line in lines}) != len(lines):
        raise ValueError("two logs at one place")
    return lines


def _order(line: LogLine) -> tuple[int, int]:
    return line.place.block_number, line.place.position


def _is_there(block: Any) -> bool:
    return block is not None
