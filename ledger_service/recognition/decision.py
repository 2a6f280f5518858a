"""What an answer looks like (docs/spec/policy.md)."""

from typing import Literal

from msgspec import Struct

from ledger_service.recognition.warnings import CodedWarning

Answer = Literal["yes", "no", "unknown"]


class Finding(Struct, frozen=True, gc=False):
    """What one rule of the policy says, the clause that it comes from, and the facts that it waits for."""

    rule: str
    clause: str
    says: Answer
    missing: tuple[str, ...] = ()


class Decision(Struct, frozen=True, gc=False):
    """The answer, what each rule said, what to be warned of, and every fact that could still change any of these.

    `no` means that the policy does not call for recognition. Whether to recognise is the doctor's decision either way.
    """

    recognisable: Answer
    findings: tuple[Finding, ...]
    warnings: tuple[CodedWarning, ...]
    missing: tuple[str, ...]


class RefusalCheck(Struct, frozen=True, gc=False):
    """Whether a reason is on the policy's list and whether an explanation is owed to the patient; None where the policy
    does not say. `clause` is the reason's where it is listed, otherwise the duty's, "" where there is neither."""

    listed: bool | None
    explanation_owed: bool | None
    clause: str
