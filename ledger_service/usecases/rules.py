"""What a stream, a subject and links allow (docs/spec/kinds.md). The door asks before it accepts; the audit asks again.

Nothing here reads anything: the state before the statement comes in, and `Refused` comes out where a rule is broken.
"""

from collections.abc import Callable, Mapping

from anchors.core.encoding import ZERO_WORD, encode_hex
from anchors.core.statement import Statement
from ledger_service import problems
from ledger_service.kinds import IMPORTS, Effect, Kind, LinkRule, Subject
from ledger_service.originals import MARK, Original
from ledger_service.problems import Refused
from ledger_service.usecases.check import Said
from ledger_service.usecases.ports import Logged, Stream, SubjectState

ORIGINAL_REL = "original"

SpeaksFor = Callable[[str, str], bool]
"""Whether the first institution is the second or its registered successor."""


def check_sequence(stream: Stream, sequence: int) -> None:
    """Whether `sequence` is the stream's next number."""
    if sequence > stream.next_sequence:
        raise Refused(
            problems.SEQUENCE_GAP, f"the next number is {stream.next_sequence}, not {sequence}; send that first"
        )
    if sequence < stream.next_sequence:
        raise Refused(
            problems.SEQUENCE_FORK,
            f"another statement of this key has number {sequence}; the next is {stream.next_sequence}",
        )


def check_observed(stream: Stream, observed: bytes, heads: Mapping[bytes, int]) -> int:
    """The size of the head that was observed. `heads` are the sizes of the heads that may be named, by witness id."""
    if observed == ZERO_WORD:
        size = 0
    elif observed in heads:
        size = heads[observed]
    else:
        raise Refused(problems.OBSERVED_UNKNOWN, f"head {encode_hex(observed)} is not final here; send again later")
    if size < stream.observed_size:
        raise Refused(
            problems.OBSERVED_BACKWARDS,
            f"observed has size {size}, the statement before saw {stream.observed_size}; never go back",
        )
    return size


def check_subject(
    statement: Statement, kind: Kind, said: Said, subject: SubjectState | None, speaks_for: SpeaksFor
) -> None:
    """Whether the subject is the one that what is said leads to, and its state before the statement (None where it does
    not exist) allows the kind."""
    if kind.of_policy and statement.subject != said.policy:
        raise Refused(
            problems.POLICY_DIFFERS, f"the subject of these rules is {encode_hex(said.policy)}; publish them under it"
        )
    if said.original is not None:
        _check_import(statement, said.original, subject)
    elif kind.subject is Subject.NEW and statement.subject.endswith(MARK):
        raise Refused(
            problems.SUBJECT_RESERVED, "the subject ends as that of a report of another log; name another subject"
        )
    check_subject_state(statement, kind, subject, speaks_for)


def check_subject_state(statement: Statement, kind: Kind, subject: SubjectState | None, speaks_for: SpeaksFor) -> None:
    """The second half of it, for which the content is not needed."""
    if kind.subject is Subject.NEW:
        if subject is not None:
            raise Refused(problems.SUBJECT_TAKEN, "the subject exists; amend it, or name a new subject")
        return
    if subject is None:
        raise Refused(problems.SUBJECT_UNKNOWN, "nothing was issued under this subject; send again later")
    if kind.subject is Subject.OWNED and not speaks_for(statement.institution, subject.owner):
        raise Refused(problems.NOT_OWNER, f"the subject is of {subject.owner}; only it or its successor may do this")


def _check_import(statement: Statement, original: Original, subject: SubjectState | None) -> None:
    """Whether it stands under the subject that its original gives it."""
    institution = subject.owner if subject is not None else statement.institution
    expected = original.subject(institution)
    if statement.subject != expected:
        raise Refused(
            problems.LINK_REFUSED,
            f"{institution} brings this report of {original.origin} in under the subject {encode_hex(expected)}",
        )


def check_links(
    statement: Statement,
    kind: Kind,
    said: Said,
    targets: Mapping[str, Logged],
    subject: SubjectState | None,
    speaks_for: SpeaksFor,
) -> None:
    """Whether each link leads where the kind says. `targets` has a statement for every link of the statement."""
    for rule in kind.links:
        if rule.rel in targets:
            _check_link(rule, targets, statement, said, subject, speaks_for)
    if said.original is not None and "replaces" in targets:
        _check_later(targets["replaces"], said.original)
    if kind.knowingly and subject is not None:
        _check_version(targets[kind.knowingly], said, subject)


def _check_link(
    rule: LinkRule,
    targets: Mapping[str, Logged],
    statement: Statement,
    said: Said,
    subject: SubjectState | None,
    speaks_for: SpeaksFor,
) -> None:
    target = targets[rule.rel]
    if rule.targets is not None and target.kind not in rule.targets:
        raise Refused(
            problems.LINK_REFUSED,
            f"link {rule.rel!r} names a {target.kind}; expected {' or '.join(sorted(rule.targets))}",
        )
    if (target.subject == statement.subject) != rule.same_subject:
        which = "the same" if rule.same_subject else "another"
        raise Refused(problems.LINK_REFUSED, f"link {rule.rel!r} must be about {which} subject")
    own = rule.own or (target.kind in IMPORTS and rule.targets is not None)
    if own and not speaks_for(statement.institution, target.institution):
        raise Refused(
            problems.LINK_REFUSED, f"link {rule.rel!r} names a statement of {target.institution}, not your own"
        )
    if rule.current and (subject is None or target.index != subject.current):
        raise Refused(problems.NOT_CURRENT, f"link {rule.rel!r} does not name the current version of the subject")
    if rule.named_by:
        via, rel = rule.named_by
        if targets[via].links.get(rel) != target.index:
            raise Refused(problems.LINK_REFUSED, f"link {rule.rel!r} is not the version that your {via} opened")
    if rule.policy and target.subject != said.policy:
        raise Refused(problems.POLICY_DIFFERS, f"link {rule.rel!r} leads to rules other than the part 'policy' names")


def _check_later(replaced: Logged, original: Original) -> None:
    """What was said later in the other log takes the place of what was said before."""
    known = replaced.links.get(ORIGINAL_REL, -1)
    if original.index <= known:
        raise Refused(
            problems.NOT_CURRENT,
            f"entry {original.index} of {original.origin} is not later than entry {known}, which is known here",
        )


def positions(said: Said, targets: Mapping[str, Logged]) -> dict[str, int]:
    """The indexes behind a statement's links by rel; of an original its index in the other log."""
    found = {rel: target.index for rel, target in targets.items()}
    if said.original is not None:
        found[ORIGINAL_REL] = said.original.index
    return found


def _check_version(version: Logged, said: Said, subject: SubjectState) -> None:
    """What was replaced or withdrawn is relied on knowingly, or not at all."""
    if version.index == subject.current:
        return
    state = "withdrawn" if subject.current is None else "superseded"
    if said.knowingly != state:
        raise Refused(
            problems.NOT_SAID_KNOWINGLY,
            f"the version was {state}; open the current one, or say 'knowingly': {{'version': '{state}'}} "
            "请调阅现行版本，或注明知悉其状态",
        )


def subject_after(effect: Effect, before: SubjectState | None, institution: str, index: int) -> SubjectState | None:
    """The subject's state after a statement at `index` that the rules allow."""
    if effect is Effect.ISSUES:
        return SubjectState(institution, index, index)
    if effect is Effect.REPLACES:
        return SubjectState(before.owner, before.first, index)
    if effect is Effect.WITHDRAWS:
        return SubjectState(before.owner, before.first, None)
    return before
