"""Facts about decisions: who decided what on which version, policy and reason, what the policy itself says, and whether
what should follow is there: the explanation, the repeated result, what experts found."""

from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins

from ledger_service.kinds import REFUSALS
from ledger_service.recognition.book import PolicyAnswer
from ledger_service.recognition.case import Case, Fact, Placed
from ledger_service.recognition.join import Situation
from ledger_service.recognition.replay import DECISIONS, check_reason, published_for, replay
from ledger_service.recognition.stated import Stated


def decisions(case: Case) -> Iterator[Fact]:
    """All about every decision, as it was made and by what the log said before it."""
    for placed in case.of_kind(*DECISIONS):
        stated = placed.stated
        version, policy = case.linked(stated, DECISIONS[stated.kind]), stated.parts.get("policy")
        reason = stated.parts["reason"].code if "reason" in stated.parts else None
        details = {
            "version": case.number(version.stated) if version is not None else None,
            "policy": policy.policy if policy is not None else None,
            "edition": policy.version if policy is not None else None,
            "digest": policy.digest if policy is not None else None,
            "reason": reason,
        }
        links = (stated.links.get(DECISIONS[stated.kind]), stated.links.get("access"), stated.links.get("reminder"))
        yield case.fact("decided", stated.kind, True, placed, *links, **details)
        if version is not None:
            yield _version(case, placed, stated, version.stated)
        published = published_for(stated, case.book.as_of(stated.index))
        yield _policy(case, placed, published, named_digest=details["digest"] is not None)
        if version is not None:
            yield _eligible(case, placed, stated, version.stated)
        if (insurance := stated.parts.get("insurance")) is not None:
            yield case.fact(
                "insured", insurance.of, True, placed, insurer=insurance.insurer, reference=insurance.reference
            )
        if stated.kind in REFUSALS:
            yield from _refusal(case, placed, reason, published)
        if stated.kind == "repeat.ordered":
            yield from _repeat(case, placed)


def _version(case: Case, placed: Placed, stated: Stated, version: Stated) -> Fact:
    state, by = case.replaced(version, stated.index)
    said = stated.parts["knowingly"].version if "knowingly" in stated.parts else None
    says = "current" if state == "current" else "knowingly" if said == state else "unsaid"
    others = (version.id, by.stated.id if by is not None else None)
    words = {"state": state, "state_zh": {"superseded": "已被更正", "withdrawn": "已撤回"}.get(state, "现行")}
    return case.fact("decided-version", says, says != "unsaid", placed, *others, version=case.number(version), **words)


def _policy(case: Case, placed: Placed, published: PolicyAnswer, *, named_digest: bool) -> Fact:
    if not published.publications:
        return case.fact("policy-published", "no", None, placed)
    if published.contradictory:
        says, holds = ("contradictory", True) if named_digest else ("several", None)
        return case.fact("policy-published", says, holds, placed, *published.statements)
    return case.fact("policy-published", "published", True, placed, *published.statements)


def _eligible(case: Case, placed: Placed, stated: Stated, version: Stated) -> Fact:
    """What the policy that was named says, by the facts that the log had then."""
    access = case.linked(stated, "access")
    situation = Situation(
        case.as_of(version, stated.index),
        stated,
        case.replaced(version, stated.index)[0],
        access.stated if access is not None else None,
    )
    replayed = replay(situation, case.book.as_of(stated.index))
    published, joined, answer = replayed.published, replayed.joined, replayed.decision
    if joined is None or answer is None:
        return case.fact("eligible", "no-policy", None, placed, *published.statements, checked=False)
    statements = (id for ids in joined.sources.values() for id in ids)
    details: dict[str, Any] = {
        "clauses": list(dict.fromkeys(found.clause for found in answer.findings if found.says == answer.recognisable)),
        "missing": list(answer.missing),
        "findings": list(to_builtins(answer.findings)),
        "warnings": list(to_builtins(answer.warnings)),
        "sources": {name: list(ids) for name, ids in joined.sources.items()},
        "contradictory": joined.contradictory,
    }
    holds = None if answer.recognisable == "unknown" else True
    return case.fact("eligible", answer.recognisable, holds, placed, *published.statements, *statements, **details)


def _refusal(case: Case, placed: Placed, reason: str | None, published: PolicyAnswer) -> Iterator[Fact]:
    check = check_reason(placed.stated, published)
    listed = check.listed if check is not None else None
    clause = check.clause if check is not None else None
    says = {True: "listed", False: "not-listed", None: "no-list"}[listed]
    yield case.fact("reason-listed", says, listed, placed, *published.statements, reason=reason, clause=clause)
    given = case.leading_to(placed.stated.id, "explains", "explanation.given")
    if given:
        said = [each.stated.parts["explanation"].of for each in given if "explanation" in each.stated.parts]
        of = list(dict.fromkeys(what for each in said for what in each))
        yield case.fact("explained", "given", True, placed, *(each.stated.id for each in given), of=of)
    elif check is not None and check.explanation_owed:
        yield case.fact("explained", "owed", None, placed, *published.statements, clause=clause)
    elif check is None or check.explanation_owed is None:
        yield case.fact("explained", "none", None, placed)


def _repeat(case: Case, placed: Placed) -> Iterator[Fact]:
    results = case.leading_to(placed.stated.id, "order", "repeat.resulted")
    for result in results:
        outcome = result.stated.parts.get("outcome")
        says = outcome.compared if outcome is not None else "unsaid"
        yield case.fact("resulted", says, True, result, placed.stated.id, result.stated.links.get("result"))
    if not results:
        yield case.fact("resulted", "none", None, placed)
    for review in case.leading_to(placed.stated.id, "reviews", "repeat.reviewed"):
        found = review.stated.parts.get("review")
        if found is not None:
            yield case.fact("reviewed", found.finding, True, review, placed.stated.id)
