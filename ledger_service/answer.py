"""The answer to a submission as it stands in JSON (docs/spec/api.md): written by the service, read by senders."""

import msgspec
from msgspec import UNSET, UnsetType


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The signed promise over everything in the answer that has an index."""

    log: str
    accepted: str
    acceptedAt: int
    witnessBy: int
    key: str
    signature: str


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A signed refusal: a rightly signed statement was not taken, and why."""

    log: str
    statement: str
    reason: str
    refusedAt: int
    key: str
    signature: str


class Problem(msgspec.Struct, frozen=True, gc=False):
    """RFC 9457, with `retry`: the same bytes may be accepted later. `instance` names the request where the problem is
    the whole answer."""

    type: str
    title: str
    status: int
    detail: str
    retry: bool
    instance: str | UnsetType = UNSET


class Result(msgspec.Struct, frozen=True, gc=False):
    """One statement's result: an index and a state, or a problem with the refusal that was signed or null."""

    statement: str | None
    index: int | UnsetType = UNSET
    state: str | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET
    refusal: Refusal | UnsetType | None = UNSET


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One result for each statement sent, in order; a receipt unless nothing was accepted."""

    receipt: Receipt | None
    results: list[Result]


def schema(form: type) -> dict:
    """The JSON Schema of one of these, without references, for an API description."""
    described = msgspec.json.schema(form)
    return _inlined(described, described["$defs"])


def _inlined(node: object, definitions: dict) -> object:
    if isinstance(node, dict):
        if "$ref" in node:
            return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {name: _inlined(member, definitions) for name, member in node.items() if name != "$defs"}
    return [_inlined(item, definitions) for item in node] if isinstance(node, list) else node
