"""The service's answer to a submission: read, and held against what was sent before anything of it is believed."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from anchors.core import signature as signatures
from anchors.core.encoding import MAX_UINT64, decode_hex, encode_hex
from anchors.core.errors import Error
from anchors.core.promise import Receipt, Refusal, accepted_hash
from anchors.core.registry import Purpose, Registry
from anchors.core.typed_data import Domain
from ledger_service import answer as wire_form
from ledger_service.client.errors import BrokenAnswer
from ledger_service.client.stored import Result
from ledger_service.problems import TYPE_PREFIX


@dataclass(frozen=True)
class ReceiptKeys:
    """Whose receipts count: the addresses of the log's receipt keys, or None where no registry was given."""

    addresses: frozenset[bytes] | None

    @classmethod
    def of(cls, registry: Registry, log: bytes) -> "ReceiptKeys":
        """The receipt keys of a log (its 32-byte id) that are in force."""
        keys = registry.keys.values()
        return cls(
            frozenset(
                key.address
                for key in keys
                if key.purpose == Purpose.RECEIPT and key.log == log and key.revoked_by is None
            )
        )

    def check(self, signer: bytes, claimed: str, what: str) -> None:
        """Raise `BrokenAnswer` unless `signer` is the claimed key and one of these."""
        if encode_hex(signer) != claimed:
            raise BrokenAnswer(
                f"{what}: signed by {encode_hex(signer)}, not by {claimed}; keep it and ask the operator"
            )
        if self.addresses is not None and signer not in self.addresses:
            raise BrokenAnswer(
                f"{what}: {claimed} is no receipt key of this log by the registry that was read; make a trust "
                "file again with 'huzheng chain trust', or ask the operator"
            )


@dataclass(frozen=True)
class Answer:
    """An answer that holds: one result for each statement sent, in order, and the promise over the accepted ones.

    `accepted_at` and `witness_by` are in Unix seconds, None where nothing was accepted.
    """

    results: tuple[Result, ...]
    accepted_at: int | None
    witness_by: int | None


def read_kept_answer(body: bytes, domain: Domain, keys: ReceiptKeys) -> Answer:
    """An answer of which nobody knows any more what was sent: to the statements that it names. One that was refused
    without a name has the id 0. Raises `BrokenAnswer`."""
    wire = _decode(body)
    try:
        sent = [
            decode_hex(result.statement, 32, "statement") if result.statement else bytes(32) for result in wire.results
        ]
    except Error as error:
        raise BrokenAnswer(f"the answer names no statement: {error}") from None
    return _check(wire, sent, domain, keys)


def read_answer(body: bytes, sent: Sequence[bytes], domain: Domain, keys: ReceiptKeys) -> Answer:
    """The answer to a submission of the statements `sent` (ids, in order). Raises `BrokenAnswer`."""
    return _check(_decode(body), sent, domain, keys)


def _decode(body: bytes) -> wire_form.Answer:
    try:
        return msgspec.json.decode(body, type=wire_form.Answer)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BrokenAnswer(f"the answer is not of the form in docs/spec/api.md: {error}") from None


def _check(wire: wire_form.Answer, sent: Sequence[bytes], domain: Domain, keys: ReceiptKeys) -> Answer:
    if len(wire.results) != len(sent):
        raise BrokenAnswer(f"{len(sent)} statements were sent and {len(wire.results)} answered; ask the operator")
    results = tuple(_read_result(result, statement) for result, statement in zip(wire.results, sent, strict=True))
    accepted = [(result.statement, result.index) for result in results if result.index is not None]
    try:
        _check_receipt(wire.receipt, accepted, domain, keys)
        for result in wire.results:
            if result.refusal:
                _check_refusal(result, domain, keys)
    except BrokenAnswer:
        raise
    except Error as error:  # wrong hex, a signature of the wrong form, a signature that no key fits
        raise BrokenAnswer(f"the answer's signatures cannot be read: {error}") from None
    return Answer(
        results,
        wire.receipt.acceptedAt if wire.receipt else None,
        wire.receipt.witnessBy if wire.receipt else None,
    )


def _read_result(wire: wire_form.Result, statement: bytes) -> Result:
    if wire.index is not UNSET:
        if wire.statement != encode_hex(statement) or not 0 <= wire.index <= MAX_UINT64 or wire.problem is not UNSET:
            raise BrokenAnswer(f"the answer gives an index to something else than {encode_hex(statement)}")
        return Result(statement, index=wire.index)
    if wire.problem is UNSET:
        raise BrokenAnswer(f"the answer gives neither an index nor a problem for {encode_hex(statement)}")
    if wire.statement not in (None, encode_hex(statement)):
        raise BrokenAnswer(f"the answer has a problem for something else than {encode_hex(statement)}")
    return Result(statement, problem=_code(wire.problem), detail=wire.problem.detail, retry=wire.problem.retry)


def _check_receipt(
    wire: wire_form.Receipt | None, accepted: list[tuple[bytes, int]], domain: Domain, keys: ReceiptKeys
) -> None:
    if wire is None:
        if accepted:
            raise BrokenAnswer("indexes without a receipt; send again, and ask the operator if it stays so")
        return
    receipt = Receipt(decode_hex(wire.accepted, 32, "receipt: accepted"), wire.acceptedAt, wire.witnessBy)
    if decode_hex(wire.log, 32, "receipt: log") != domain.log:
        raise BrokenAnswer("the receipt is for another log; ask the operator")
    if not 0 <= receipt.accepted_at < receipt.witness_by <= MAX_UINT64:
        raise BrokenAnswer("the receipt promises a time before its own; ask the operator")
    if receipt.accepted != accepted_hash(accepted):
        raise BrokenAnswer("the receipt is over other indexes than those answered; keep it and ask the operator")
    indexes = [index for _, index in accepted]
    owners = dict(zip(indexes, (statement for statement, _ in accepted), strict=True))
    if any(owners[index] != statement for statement, index in accepted):
        raise BrokenAnswer("the answer gives one index to two statements; keep it and ask the operator")
    signer = signatures.recover(receipt.digest(domain), decode_hex(wire.signature, 65, "receipt: signature"))
    keys.check(signer, wire.key, "receipt")


def _check_refusal(result: wire_form.Result, domain: Domain, keys: ReceiptKeys) -> None:
    wire = result.refusal
    if result.problem is UNSET or wire.reason != _code(result.problem) or wire.statement != result.statement:
        raise BrokenAnswer("a refusal names another statement or reason than its problem; ask the operator")
    if decode_hex(wire.log, 32, "refusal: log") != domain.log:
        raise BrokenAnswer("a refusal is for another log; ask the operator")
    if not 0 <= wire.refusedAt <= MAX_UINT64:
        raise BrokenAnswer("a refusal was made at a time that there is not; ask the operator")
    refusal = Refusal(decode_hex(wire.statement, 32, "refusal: statement"), wire.reason, wire.refusedAt)
    signer = signatures.recover(refusal.digest(domain), decode_hex(wire.signature, 65, "refusal: signature"))
    keys.check(signer, wire.key, "refusal")


def _code(problem: wire_form.Problem) -> str:
    return problem.type.removeprefix(TYPE_PREFIX)
