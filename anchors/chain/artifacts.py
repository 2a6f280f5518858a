"""The contracts as they were compiled: ABI, bytecode, and the names of their errors, from the package's own data."""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from anchors.core.encoding import WORD_BYTES, keccak256

REGISTRY = "InstitutionRegistry"
WITNESS = "CheckpointWitness"

_SELECTOR_BYTES = 4


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. `bytecode` deploys it, with the constructor's arguments behind it."""

    name: str
    abi: tuple[dict[str, Any], ...] = field(repr=False)
    bytecode: bytes = field(repr=False)

    def selector(self, function: str) -> bytes:
        """The four bytes that call `function`."""
        return keccak256(self._signature("function", function))[:_SELECTOR_BYTES]

    def topic(self, event: str) -> bytes:
        """The first topic of `event`, 32 bytes."""
        return keccak256(self._signature("event", event))

    def error(self, revert_data: bytes) -> tuple[str, str] | None:
        """The name of the contract's error in `revert_data` and the same with its values; None for any other data.

        Every error of the contracts has only static values, so each is one word.
        """
        for item in self.abi:
            if (
                item["type"] == "error"
                and keccak256(_signature(item))[:_SELECTOR_BYTES] == revert_data[:_SELECTOR_BYTES]
            ):
                return item["name"], f"{item['name']}({_values(item['inputs'], revert_data[_SELECTOR_BYTES:])})"
        return None

    def _signature(self, kind: str, name: str) -> bytes:
        (item,) = [item for item in self.abi if item["type"] == kind and item["name"] == name]
        return _signature(item)


@cache
def load(name: str) -> Artifact:
    """The artifact of a contract, by its name."""
    text = resources.files("anchors.chain").joinpath("artifacts", f"{name}.json").read_text("utf-8")
    data = json.loads(text)
    return Artifact(name, tuple(data["abi"]), bytes.fromhex(data["bytecode"].removeprefix("0x")))


def _signature(item: dict[str, Any]) -> bytes:
    return f"{item['name']}({','.join(value['type'] for value in item['inputs'])})".encode("ascii")


def _values(inputs: list[dict[str, Any]], data: bytes) -> str:
    words = [data[start : start + WORD_BYTES] for start in range(0, len(data), WORD_BYTES)]
    pairs = zip(inputs, words, strict=False)  # a node may cut the data short
    return ", ".join(f"{value['name']}={_text(value['type'], word)}" for value, word in pairs)


def _text(kind: str, word: bytes) -> str:
    if kind.startswith("uint"):
        return str(int.from_bytes(word, "big"))
    return "0x" + (word[-20:] if kind == "address" else word).hex()
