"""How the verdict over an evidence package is shown, to people and as JSON members (docs/spec/evidence.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from anchors.core.encoding import encode_hex
from anchors.core.times import iso_time
from anchors.evidence import members as forms
from anchors.evidence.case import BlockTime, Told
from anchors.evidence.log import Digests, digests_of, documents_named
from anchors.evidence.report import Said
from ledger_service.cli.output import Output
from ledger_service.cli.words import kind_in_words, part_members
from ledger_service.usecases.judge_evidence import JudgedPackage, stated

NEVER_PROVED = (
    Said("检验检查结果在临床上是否正确", "that a result is clinically right"),
    Said("任何一方是否承担责任", "that anybody is liable"),
    Said("没有人签名的事情是否没有发生", "that what nobody signed did not happen"),
)
_ALWAYS = (
    Said("信任文件正确，且来源独立于本证据包", "the trust file is right, and came by another way than the package"),
    Said("登记册管理方没有登记虚假密钥", "the registry's administrator admitted no false key"),
    Said("签名之时密钥没有为他人所用", "nobody else had the use of a key when it signed"),
    Said(
        "运营方关于完整性的签名声明属实：没有略去关于本标识的陈述、其所链接的陈述和据以判断的规则",
        "the operator's signed word is true: no statement about the subject, none that these lead to and no rule of the"
        " case was left out",
    ),
    Said(
        "保管记录和导出时间如实：此项只凭导出方所述",
        "the custody log and the time of export are true: for these there is the exporter's word alone",
    ),
    Said(
        "SHA-256、Keccak-256、secp256k1与Ed25519未被攻破",
        "SHA-256, Keccak-256, secp256k1 and Ed25519 are not broken",
    ),
)
_BY_CHAIN = Said(
    "信任文件所列验证者未达法定数的合谋，或其所固定的区块属实",
    "fewer than a quorum of the trust file's validators collude, or the blocks that it fixes are right",
)
_BY_OPERATOR = Said(
    "区块未获证明，因此时间与链上见证均未证明",
    "no block was proved: neither the times nor that the chain witnessed the log",
)


@dataclass(frozen=True)
class CaseVerdict:
    """The verdict over one package."""

    file: str
    data: bytes
    judged: JudgedPackage

    @property
    def holds(self) -> bool:
        """Whether the package holds."""
        return self.judged.package.report.holds

    @property
    def why_not(self) -> str:
        """In one line, the first step that keeps it from holding."""
        step = self.judged.package.report.why_not()
        return f"step {step.number} ({step.claim}): {step.said.en}" if step is not None else ""

    def members(self) -> dict[str, Any]:
        """The JSON answer's members."""
        package = self.judged.package
        named = documents_named(package)
        return {
            "holds": self.holds,
            "package": self._package(),
            "steps": [
                {
                    "number": step.number,
                    "claim": step.claim,
                    "state": step.state.value,
                    **_said(step.said),
                    "items": [
                        {"about": item.about, "state": item.state.value, **_said(item.said)} for item in step.items
                    ],
                }
                for step in package.report.steps
            ],
            "counts": package.report.counts(),
            "statements": [self._statement(told) for told in sorted(package.statements, key=lambda told: told.index)],
            "documents": [_document(named, data) for data in package.under(forms.DOCUMENTS).values()],
            "facts": [
                {
                    "code": fact.code,
                    "says": fact.says,
                    "claim": fact.claim.value,
                    "zh": fact.zh,
                    "en": fact.en,
                    "statements": list(fact.statements),
                    "index": fact.index,
                    "institution": fact.institution,
                    "signedAfter": fact.signed_after,
                    "signedBefore": fact.signed_before,
                    "details": fact.details,
                }
                for fact in self.judged.facts
            ],
            "custody": self._custody(),
            "restsOn": [_said(said) for said in self._rests_on()],
            "neverProved": [_said(said) for said in NEVER_PROVED],
            "error": None if self.holds else f"{self.file}: {self.why_not}",
        }

    def _package(self) -> dict[str, Any] | None:
        manifest = self.judged.package.manifest
        if manifest is None:
            return None
        return {
            "bytes": len(self.data),
            "exportedAt": manifest.exportedAt,
            "exporter": manifest.exporter,
            "origin": manifest.origin,
            "sha256": sha256(self.data).hexdigest(),
            "size": manifest.size,
            "subject": manifest.subject,
            "tool": manifest.tool,
        }

    def _statement(self, told: Told) -> dict[str, Any]:
        statement, package = told.entry.statement, self.judged.package
        return {
            "index": told.index,
            "statement": encode_hex(told.id),
            "role": told.role,
            "kind": statement.kind,
            "institution": statement.institution,
            "key": encode_hex(told.key),
            "issuedAt": statement.issued_at,
            "signedAfter": _block(package.signed_after(told)),
            "signedBefore": _block(package.signed_before(told)),
            "parts": part_members(told.content),
            "links": dict(stated(told).links),
        }

    def _custody(self) -> list[dict[str, Any]]:
        package = self.judged.package
        if not package.report.verified("manifest"):
            return []
        return [
            {"at": act.at, "by": act.by, "did": act.did, "members": act.members, "tool": act.tool}
            for act in package.custody
        ]

    def _rests_on(self) -> tuple[Said, ...]:
        return (*_ALWAYS, _BY_CHAIN if self.judged.package.report.verified("blocks") else _BY_OPERATOR)

    def show(self, output: Output) -> None:
        """The verdict for people."""
        package = self.judged.package
        output.line(self.file, "bold")
        steps = [
            (step.number, step.claim, step.state.value, f"{step.said.zh} / {step.said.en}")
            for step in package.report.steps
        ]
        output.table(("#", "claim", "state", "why"), steps)
        if not self.holds:
            output.line("THE PACKAGE DOES NOT HOLD 证据包未通过核验", "bold red")
            return
        output.line("THE PACKAGE HOLDS 证据包通过核验", "bold green")
        rows = [
            (
                told.index,
                told.entry.statement.institution,
                kind_in_words(told.entry.statement.kind),
                _time(package.signed_after(told)),
                _time(package.signed_before(told)),
            )
            for told in sorted(package.statements, key=lambda told: told.index)
            if told.role == "timeline"
        ]
        output.table(("entry", "institution", "what it did", "signed after", "signed before"), rows)
        facts = [(fact.index, fact.claim.value, f"{fact.zh} / {fact.en}") for fact in self.judged.facts]
        output.table(("entry", "claim", "what the log says"), facts)
        output.line("It rests on 结论依赖于:", "dim")
        for said in self._rests_on():
            output.line(f"  {said.zh} / {said.en}", "dim")
        output.line("It never proves 不证明:", "dim")
        for said in NEVER_PROVED:
            output.line(f"  {said.zh} / {said.en}", "dim")


def _document(named: Mapping[Digests, Told], data: bytes) -> dict[str, Any]:
    length, sha256_hex, sm3_hex = digests = digests_of(data)
    told = named.get(digests)
    return {
        "sha256": sha256_hex,
        "sm3": sm3_hex,
        "bytes": length,
        "statement": encode_hex(told.id) if told else None,
    }


def _said(said: Said) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}


def _block(block: BlockTime | None) -> dict[str, int] | None:
    return {"block": block.number, "time": block.time} if block is not None else None


def _time(block: BlockTime | None) -> str:
    return iso_time(block.time) if block is not None else "not proved"
