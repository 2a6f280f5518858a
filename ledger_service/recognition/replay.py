"""What the policy that a decision names said of it, by what the log knew then.

    replayed = replay(Situation(...), book.as_of(decision.index))

Whoever has the log computes the same: the view of responsibility, and the audit.
"""

from msgspec import Struct

from ledger_service.recognition.book import BookAsOf, PolicyAnswer
from ledger_service.recognition.decision import Decision, RefusalCheck
from ledger_service.recognition.engine import check_refusal, decide
from ledger_service.recognition.join import Joined, Situation, join
from ledger_service.recognition.stated import Stated

DECISIONS = {"recognition.accepted": "report", "recognition.declined": "report", "repeat.ordered": "repeats"}
"""The kinds of decision, and what their link to the version is called."""


class Replayed(Struct, frozen=True, gc=False):
    """The answer about one decision, and the facts behind it; None where not one set of rules is known to be meant.
    `published` are the publications that the decision may mean."""

    published: PolicyAnswer
    joined: Joined | None = None
    decision: Decision | None = None


def published_for(stated: Stated, book: BookAsOf) -> PolicyAnswer:
    """The publications that a decision may mean."""
    policy = stated.parts.get("policy")
    return PolicyAnswer() if policy is None else book.policy(policy.policy, policy.version, policy.digest)


def replay(situation: Situation, book: BookAsOf) -> Replayed:
    """What the policy says that the decision names, with the book as of then."""
    published = published_for(situation.decision, book)
    if published.only is None:
        return Replayed(published)
    prepared = published.only.prepared
    joined = join(situation, book, prepared)
    return Replayed(published, joined, decide(prepared, joined.facts))


def check_reason(stated: Stated, published: PolicyAnswer) -> RefusalCheck | None:
    """What the policy says of the reason that is given; None where not one set of rules is known to be meant."""
    if published.only is None:
        return None
    reason = stated.parts.get("reason")
    return check_refusal(published.only.prepared, reason.code if reason is not None else "")
