"""Verdicts over evidence packages, written out by hand in the form of docs/spec/evidence.md. All of it is synthetic."""

import copy
from typing import Any

DIGEST = "5b0c7a1d9e3f24680b1c3d5e7f9081a2b3c4d5e6f708192a3b4c5d6e7f809102"
SUBJECT = "0x3a72003d6f6d74ee58f57a6cb225e09c399e372e35217996c932727d3efd63e1"
CLAIMS = (
    "archive", "manifest", "registry", "exporter", "checkpoint", "heads", "blocks", "content", "logged", "signed",
    "times", "rules", "decisions", "documents", "acceptance", "timestamps", "cosigned", "complete",
)  # fmt: skip
HOSPITAL, OTHER, COURT = "SYN-HOSPITAL-01", "SYN-HOSPITAL-02", "SYN-COURT"
EXPORTED_AT = 1_795_600_000
DOCUMENT = {
    "bytes": 982,
    "format": "hl7v2",
    "sha256": "bc6f8725b9004eccdfecabf3d86c0a8a1de60296776b7817714e2c8125903d9e",
    "sm3": "3b53d246af98bba8530a7cfe78c6a1a2490136d10c3a9161e47979b24c4402df",
}
FACTS = {
    "details": {"manufacturer": "SYN-MAKER", "model": "SYN-1000", "message": "ORU^R01"},
    "issuers": [
        {"role": "sending-facility", "name": "样例市第一示例医院检验系统"},
        {"role": "performer", "name": "样例市示例检验中心"},
        {"role": "interpreter", "name": "示例医师甲"},
    ],
    "status": ["F"],
    "times": [{"what": "collected", "at": "20261120081500+0800"}, {"what": "reported", "at": "20261120090200+0800"}],
}


def statement_id(number: int) -> str:
    """An id of the right form."""
    return "0x" + f"{number:02x}" * 32


def statement(
    index: int, kind: str, institution: str = HOSPITAL, role: str = "timeline", **more: Any
) -> dict[str, Any]:
    """One statement; `parts` maps names to values."""
    parts, withheld, links = more.pop("parts", {}), more.pop("withheld", []), more.pop("links", {})
    time = 1_795_513_000 + 600 * index
    return {
        "index": index,
        "statement": statement_id(index % 250 + 1),
        "role": role,
        "kind": kind,
        "institution": institution,
        "key": "0x477cbca974a13684d98f343cc9253ec2b7f0d1c6",
        "issuedAt": time,
        "signedAfter": {"block": 30 + index, "time": time - 4} if index else None,
        "signedBefore": {"block": 36 + index, "time": time + 8},
        "parts": [{"name": name, "value": value} for name, value in parts.items()]
        + [{"name": name, "withheld": "ab" * 32} for name in withheld],
        "links": links,
    } | more


def steps(**states: str) -> list[dict[str, Any]]:
    """All steps; VERIFIED but for those that are named, and `complete`."""
    states = {"complete": "NOT_PROVABLE"} | states
    return [
        {
            "number": number,
            "claim": claim,
            "state": states.get(claim, "VERIFIED"),
            "zh": f"（合成）第{number}步的理由",
            "en": f"synthetic: the reason of step {number}",
            "items": [],
        }
        for number, claim in enumerate(CLAIMS, 1)
    ]


def fact(code: str, says: str, claim: str, zh: str, en: str, index: int, institution: str = OTHER) -> dict[str, Any]:
    """One fact."""
    return {
        "code": code,
        "says": says,
        "claim": claim,
        "zh": zh,
        "en": en,
        "statements": [statement_id(index + 1)],
        "index": index,
        "institution": institution,
        "signedAfter": None,
        "signedBefore": 1_795_513_000,
        "details": {},
    }


def _statements() -> list[dict[str, Any]]:
    examination = {
        "at": "2026-11-20T08:15:00+08:00",
        "category": "laboratory",
        "item": "58410-2",
        "system": "LN",
        "performer": "SYN-LABORATORY-01",
    }
    timeline = [
        statement(
            0,
            "report.issued",
            parts={"document": DOCUMENT, "examination": examination, "facts": FACTS},
            withheld=["result"],
        ),
        statement(
            1,
            "access.granted",
            OTHER,
            parts={"access": {"at": 1_795_513_590, "basis": "outpatient-visit"}},
            links={"report": statement_id(1)},
        ),
        statement(
            2,
            "recognition.declined",
            OTHER,
            parts={"policy": {"policy": "sample-city", "version": "2026-01"}, "reason": {"code": "condition-changed"}},
            withheld=["note"],
            links={"access": statement_id(2), "report": statement_id(1)},
        ),
        statement(
            3,
            "explanation.given",
            OTHER,
            parts={"explanation": {"at": 1_795_514_800, "of": ["refusal"]}},
            links={"explains": statement_id(3)},
        ),
    ]
    rules = statement(
        4,
        "policy.published",
        "SYN-COMMISSION",
        "rules",
        parts={"policy": {"policy": "sample-city", "version": "2026-01"}},
    )
    linked = statement(
        5, "consent.given", OTHER, "linked", parts={"consent": {"at": 1_795_510_000, "scope": "treatment"}}
    )
    return [*timeline, rules, linked]


_FACTS_SEEN = [
    fact(
        "issued",
        "issued",
        "VERIFIED",
        f"{HOSPITAL}签发报告（第1版）",
        f"{HOSPITAL} issued the report (version 1)",
        0,
        HOSPITAL,
    ),
    fact(
        "qualified",
        "granted",
        "VERIFIED",
        "SYN-LABORATORY-01于2026-11-20具有项目“58410-2”的互认资质",
        "SYN-LABORATORY-01 was qualified for the item '58410-2' on 2026-11-20",
        0,
        HOSPITAL,
    ),
    fact(
        "opened-current",
        "current",
        "VERIFIED",
        f"{OTHER}调阅的第1版当时为现行版本",
        f"version 1 was the current one when {OTHER} opened it",
        1,
    ),
    fact(
        "reason-listed",
        "not-listed",
        "FAILED",
        "原因代码“condition-changed”不在政策所列之中",
        "the reason 'condition-changed' is not on the policy's list",
        2,
    ),
    fact(
        "explained",
        "none",
        "NOT_PROVABLE",
        "账本中没有向患者说明的记录",
        "the log has no explanation to the patient",
        2,
    ),
]
_CUSTODY = [
    {
        "at": EXPORTED_AT,
        "by": COURT,
        "did": "assembled",
        "members": [f"statements/{number:012d}.tlog-proof" for number in range(6)],
        "tool": "huzheng 0.1.0",
    },
    {
        "at": EXPORTED_AT + 600,
        "by": HOSPITAL,
        "did": "added",
        "members": [f"documents/{DOCUMENT['sha256']}"],
        "tool": "huzheng 0.1.0",
    },
]


def a_verdict(**changes: Any) -> dict[str, Any]:
    """A verdict over a small package: a report, its opening, a refusal, an explanation; rules; a consent."""
    verdict = {
        "holds": True,
        "package": {
            "bytes": 48_213,
            "exportedAt": EXPORTED_AT,
            "exporter": COURT,
            "origin": "ledger.example/command",
            "sha256": DIGEST,
            "size": 304,
            "subject": SUBJECT,
            "tool": "huzheng 0.1.0",
        },
        "steps": steps(acceptance="NOT_CHECKED", timestamps="NOT_CHECKED", cosigned="NOT_CHECKED"),
        "counts": {"VERIFIED": 14, "FAILED": 0, "NOT_CHECKED": 3, "NOT_PROVABLE": 1},
        "statements": _statements(),
        "documents": [
            {"sha256": DOCUMENT["sha256"], "sm3": DOCUMENT["sm3"], "bytes": 982, "statement": statement_id(1)}
        ],
        "facts": _FACTS_SEEN,
        "custody": _CUSTODY,
        "restsOn": [
            {"zh": "信任文件正确", "en": "the trust file is right"},
            {"zh": "少于法定多数的验证者串通", "en": "fewer than a quorum of the validators collude"},
        ],
        "neverProved": [
            {"zh": "结果在医学上是否正确", "en": "that a result is clinically right"},
            {"zh": "谁应承担责任", "en": "that somebody is liable"},
        ],
        "error": None,
    }
    return copy.deepcopy(verdict | changes)
