"""Statements in plain words."""

from typing import Any

from anchors.core.content import Content, Part
from anchors.core.encoding import encode_hex
from anchors.core.statement import Statement
from ledger_service.cli.output import local_time

KIND_WORDS = {
    "report.issued": "issued a report 签发报告",
    "report.amended": "amended its report 更正报告",
    "report.withdrawn": "withdrew its report 撤回报告",
    "access.granted": "opened a report 调阅报告",
    "access.denied": "was refused a report 调阅被拒",
    "access.emergency": "opened a report in an emergency 紧急调阅",
    "recognition.accepted": "recognised a result 互认",
    "recognition.declined": "did not recognise a result 不予互认",
    "repeat.ordered": "ordered the test again 重复检查",
    "repeat.resulted": "has the result of the repeated test 重复检查结果",
}


def kind_in_words(kind: str) -> str:
    """What an institution did, after its name."""
    return KIND_WORDS.get(kind, f"made a statement of the kind {kind}, which is not known here")


def statement_members(statement: Statement, statement_id: bytes | None) -> dict[str, Any]:
    """A statement's fields as JSON members."""
    return {
        "statement": encode_hex(statement_id) if statement_id else None,
        "kind": statement.kind,
        "institution": statement.institution,
        "subject": encode_hex(statement.subject),
        "sequence": statement.sequence,
        "issuedAt": statement.issued_at,
        "issuedAtLocal": local_time(statement.issued_at),
        "observed": encode_hex(statement.observed),
        "content": encode_hex(statement.content),
    }


def part_members(content: Content) -> list[dict[str, Any]]:
    """Parts as JSON members: name and value, or the leaf of one that is withheld."""
    return [
        {"name": part.name, "value": part.value} if isinstance(part, Part) else {"withheld": part.leaf.hex()}
        for part in content.parts
    ]
