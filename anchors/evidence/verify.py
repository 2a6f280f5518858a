"""Judge an evidence package by a trust file, step by numbered step (docs/spec/evidence.md, Steps)."""

from collections.abc import Callable, Mapping

from anchors.core.errors import Error
from anchors.core.trust import Trust
from anchors.core.verify import State
from anchors.evidence import form, log, outside
from anchors.evidence.case import Case
from anchors.evidence.outcome import Outcome, failed
from anchors.evidence.report import Said, Step

CLAIMS = (
    "archive",
    "manifest",
    "registry",
    "exporter",
    "checkpoint",
    "heads",
    "blocks",
    "content",
    "logged",
    "signed",
    "times",
    "rules",
    "decisions",
    "documents",
    "acceptance",
    "timestamps",
    "cosigned",
    "complete",
)
"""The steps' claims, in their order: the first has number 1."""

Check = Callable[[Case], Outcome]
"""Takes a step. Raises an `Error` where the one thing that it looks at does not verify."""

_NEEDS: dict[str, tuple[str, ...]] = {
    "manifest": ("members",),
    "registry": ("members",),
    "exporter": ("manifest", "registry"),
    "checkpoint": ("manifest",),
    "heads": ("checkpoint", "registry"),
    "blocks": ("heads", "manifest"),
    "content": ("manifest",),
    "logged": ("checkpoint", "statements"),
    "signed": ("registry", "statements"),
    "times": ("heads", "statements"),
    "rules": ("registry", "statements"),
    "decisions": ("statements",),
    "documents": ("statements",),
    "acceptance": ("registry", "statements"),
    "timestamps": ("heads",),
    "cosigned": ("checkpoint",),
    "complete": ("manifest", "registry", "statements"),
}
"""What of the case must have been read before a step can be taken."""

_LATE = frozenset({"exporter"})
"""Taken behind all others: its key may stand in a change of the registry that only step 7 shows to be the chain's."""

_READ_BY = {"members": 1, "manifest": 2, "registry": 3, "checkpoint": 5, "heads": 6, "statements": 8}
_CHECKS: dict[str, Check] = {
    "archive": form.check_archive,
    "manifest": form.check_manifest,
    "registry": form.check_registry,
    "exporter": form.check_exporter,
    "checkpoint": log.check_checkpoint,
    "heads": log.check_heads,
    "blocks": log.check_blocks,
    "content": log.check_content,
    "logged": log.check_logged,
    "signed": log.check_signed,
    "times": log.check_times,
    "documents": log.check_documents,
    "timestamps": outside.check_timestamps,
    "cosigned": outside.check_cosigned,
    "complete": form.check_complete,
}


def verify_package(data: bytes, trust: Trust, checks: Mapping[str, Check] | None = None) -> Case:
    """Take all steps. `checks` are those for claims that are not of this package's own knowledge, by claim.

    Nothing is raised for what is in `data`: the case's report says it."""
    case = Case(data, trust)
    known = _CHECKS | dict(checks or {})
    for number, claim in sorted(enumerate(CLAIMS, 1), key=lambda step: step[1] in _LATE):
        outcome = _take(case, claim, known.get(claim))
        case.report.steps.append(Step(number, claim, outcome.state, outcome.said, outcome.items))
    case.report.steps.sort(key=lambda step: step.number)
    return case


def _take(case: Case, claim: str, check: Check | None) -> Outcome:
    if check is None:
        return Outcome(State.NOT_CHECKED, Said("本核验程序不核验此项", "this verifier does not look at it"))
    for needed in _NEEDS.get(claim, ()):
        if not getattr(case, needed):
            number = _READ_BY[needed]
            return Outcome(
                State.NOT_CHECKED,
                Said(f"第{number}步未能读出所需内容", f"step {number} did not give what this one needs"),
            )
    try:
        return check(case)
    except Error as error:
        return failed(error)
