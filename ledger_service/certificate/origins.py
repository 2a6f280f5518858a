"""What the statements say of a report before the chain: from where, by what and whom, when, how controlled."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ledger_service.certificate.verdict import StatementSeen, Verdict
from ledger_service.shown import Words

SOURCES = frozenset({"sending-facility", "sending-application", "institution", "custodian"})
OPERATORS = frozenset({"performer", "author", "technician", "operator"})
REVIEWERS = frozenset({"interpreter", "verifier", "authenticator", "legal-authenticator"})
DEVICE = ("manufacturer", "model", "station", "modality")
CAPTURED = frozenset({"collected", "acquired", "examined", "examined-from", "examined-to", "study"})


@dataclass(frozen=True)
class Origin:
    """One report's version: what its statement says in answer to each question. An empty answer: it says nothing."""

    statement: StatementSeen
    answers: list[tuple[Words, str]]


def origins(verdict: Verdict) -> list[Origin]:
    """Of every statement about the subject that commits to a document."""
    return [
        Origin(statement, list(_answers(verdict, statement)))
        for statement in verdict.of_role("timeline")
        if isinstance(statement.value("document"), dict)
    ]


def _answers(verdict: Verdict, statement: StatementSeen) -> Iterator[tuple[Words, str]]:
    document, examination = _object(statement.value("document")), _object(statement.value("examination"))
    facts, signed = _object(statement.value("facts")), statement.value("signatures")
    people = [(str(each.get("role")), str(each.get("name"))) for each in _objects(facts.get("issuers"))]
    times = [(str(each.get("what")), str(each.get("at"))) for each in _objects(facts.get("times"))]
    details = _object(facts.get("details"))
    performer = examination.get("performer") or statement.institution
    yield (
        Words("来源系统", "Source system"),
        _joined(_named(people, SOURCES), _labelled("code system", examination.get("system"))),
    )
    yield (
        Words("数据格式", "Format"),
        _joined([str(document.get("format", ""))], _labelled("channel", examination.get("channel"))),
    )
    yield Words("设备", "Device"), _joined(*(_labelled(name, details.get(name)) for name in DEVICE))
    yield Words("检查机构", "Who examined"), str(performer)
    yield Words("操作人员或机构", "Operator"), _joined(_named(people, OPERATORS))
    yield Words("审核人员", "Reviewer"), _joined(_named(people, REVIEWERS), _named(people, _others(people)))
    yield (
        Words("采集或检查时间", "Captured at"),
        _joined(_labelled("examination", examination.get("at")), _named(times, CAPTURED)),
    )
    yield (
        Words("报告时间与状态", "Reported, status"),
        _joined(_named(times, _others(times, CAPTURED)), _strings(facts.get("status"))),
    )
    yield Words("源系统签名", "Signature of the source"), "见陈述内容 see the part signatures" if signed else ""
    yield Words("质量控制状态", "Quality control"), _joined(_qualified(verdict, statement))


def _qualified(verdict: Verdict, statement: StatementSeen) -> list[str]:
    return [
        f"{fact.zh} / {fact.en} ({fact.claim})"
        for fact in verdict.facts
        if fact.code == "qualified" and fact.index == statement.index
    ]


def _others(pairs: Iterable[tuple[str, str]], *known: frozenset[str]) -> frozenset[str]:
    """The names that no other question asks for."""
    asked = frozenset().union(*(known or (SOURCES, OPERATORS, REVIEWERS)))
    return frozenset(name for name, _ in pairs) - asked


def _named(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> list[str]:
    wanted = frozenset(names)
    return [f"{value} ({name})" for name, value in pairs if name in wanted]


def _labelled(name: str, value: Any) -> list[str]:
    return [f"{value} ({name})"] if isinstance(value, str) and value else []


def _joined(*found: list[str]) -> str:
    return "；".join(text for texts in found for text in texts if text)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
