"""Give statements their places in the log: what the registry, the key's stream, the subject and the links allow.

Works on what one transaction read under the log's lock, and on the statements taken before in the same transaction.
"""

from collections.abc import Sequence

from anchors.core.encoding import ZERO_WORD, encode_hex
from ledger_service import problems
from ledger_service.kinds import Effect, LinkRule, Subject
from ledger_service.problems import Refused
from ledger_service.usecases.check import Checked
from ledger_service.usecases.ports import Logged, NewStatement, SequencingTransaction, Stream, SubjectState
from ledger_service.usecases.registry_view import DoorRegistry


class Sequencing:
    """The log's state during one transaction. `take` gives the next index or says why not."""

    def __init__(self, transaction: SequencingTransaction, registry: DoorRegistry, checked: Sequence[Checked]):
        self._registry = registry
        self._next_index = transaction.size
        self._logged = transaction.logged(
            {item.id for item in checked} | {target for item in checked for _, target in item.links}
        )
        self._streams = transaction.streams({item.key for item in checked})
        self._subjects = transaction.subjects({item.statement.subject for item in checked})
        self._final_heads = transaction.final_heads({item.statement.observed for item in checked} - {ZERO_WORD})
        self.taken: list[NewStatement] = []
        self.changed_streams: dict[bytes, Stream] = {}
        self.changed_subjects: dict[bytes, SubjectState] = {}

    def already_logged(self, id: bytes) -> int | None:
        """The index of a statement that is in the log."""
        logged = self._logged.get(id)
        return logged.index if logged else None

    def take(self, checked: Checked) -> int:
        """The index of the statement, from now on taken. Raises `Refused`, and then nothing has changed."""
        statement = checked.statement
        self._registry.check_signer(checked.key, statement.institution, checked.kind)
        stream = self._check_stream(checked)
        subject = self._check_subject(checked)
        links = self._check_links(checked, subject)
        return self._append(checked, stream, subject, links)

    def _check_stream(self, checked: Checked) -> Stream:
        """The key's stream after this statement."""
        stream = self._streams.get(checked.key, Stream())
        sequence, observed = checked.statement.sequence, checked.statement.observed
        if stream.frozen:
            raise Refused(problems.KEY_REVOKED, f"{encode_hex(checked.key)} is frozen; sign with a key in force")
        if sequence > stream.next_sequence:
            raise Refused(
                problems.SEQUENCE_GAP, f"the next number is {stream.next_sequence}, not {sequence}; send that first"
            )
        if sequence < stream.next_sequence:
            raise Refused(
                problems.SEQUENCE_FORK,
                f"another statement of this key has number {sequence}; the next is {stream.next_sequence}",
            )
        if observed == ZERO_WORD:
            size = 0
        elif observed in self._final_heads:
            size = self._final_heads[observed]
        else:
            raise Refused(problems.OBSERVED_UNKNOWN, f"head {encode_hex(observed)} is not final here; send again later")
        if size < stream.observed_size:
            raise Refused(
                problems.OBSERVED_BACKWARDS,
                f"observed has size {size}, the statement before saw {stream.observed_size}; never go back",
            )
        return Stream(sequence + 1, size)

    def _check_subject(self, checked: Checked) -> SubjectState | None:
        """The subject's state before this statement, None where it opens it."""
        statement, kind = checked.statement, checked.kind
        subject = self._subjects.get(statement.subject)
        if kind.subject is Subject.NEW:
            if subject is not None:
                raise Refused(problems.SUBJECT_TAKEN, "the subject exists; amend it, or name a new subject")
            return None
        if subject is None:
            raise Refused(problems.SUBJECT_UNKNOWN, "no report was issued under this subject; send again later")
        if kind.subject is Subject.OWNED and not self._registry.speaks_for(statement.institution, subject.owner):
            raise Refused(problems.NOT_OWNER, f"the report is of {subject.owner}; only it or its successor may do this")
        return subject

    def _check_links(self, checked: Checked, subject: SubjectState | None) -> dict[str, int]:
        targets: dict[str, Logged] = {}
        for rel, id in checked.links:
            target = self._logged.get(id)
            if target is None:
                raise Refused(
                    problems.LINK_UNKNOWN, f"link {rel!r}: {encode_hex(id)} is not in the log; send again later"
                )
            targets[rel] = target
        for rule in checked.kind.links:
            self._check_link(rule, targets, checked, subject)
        return {rel: target.index for rel, target in targets.items()}

    def _check_link(
        self, rule: LinkRule, targets: dict[str, Logged], checked: Checked, subject: SubjectState | None
    ) -> None:
        statement, target = checked.statement, targets[rule.rel]
        if target.kind not in rule.targets:
            raise Refused(
                problems.LINK_REFUSED,
                f"link {rule.rel!r} names a {target.kind}; expected {' or '.join(sorted(rule.targets))}",
            )
        if (target.subject == statement.subject) != rule.same_subject:
            which = "the same" if rule.same_subject else "another"
            raise Refused(problems.LINK_REFUSED, f"link {rule.rel!r} must be about {which} subject")
        if rule.own and not self._registry.speaks_for(statement.institution, target.institution):
            raise Refused(
                problems.LINK_REFUSED, f"link {rule.rel!r} names a statement of {target.institution}, not your own"
            )
        if rule.current and (subject is None or target.index != subject.current):
            raise Refused(problems.NOT_CURRENT, f"link {rule.rel!r} does not name the current version of the report")
        if rule.named_by:
            via, rel = rule.named_by
            if targets[via].links.get(rel) != target.index:
                raise Refused(problems.LINK_REFUSED, f"link {rule.rel!r} is not the version that your {via} opened")

    def _append(self, checked: Checked, stream: Stream, subject: SubjectState | None, links: dict[str, int]) -> int:
        statement, index = checked.statement, self._next_index
        logged = Logged(index, checked.id, statement.kind, statement.institution, statement.subject, links)
        self.taken.append(
            NewStatement(logged, checked.key, statement.sequence, checked.entry, checked.parts, checked.digests)
        )
        self._next_index += 1
        self._logged[checked.id] = logged
        self._streams[checked.key] = self.changed_streams[checked.key] = stream
        after = _subject_after(checked.kind.effect, subject, statement.institution, index)
        if after != subject:
            self._subjects[statement.subject] = self.changed_subjects[statement.subject] = after
        return index


def _subject_after(effect: Effect, before: SubjectState | None, institution: str, index: int) -> SubjectState | None:
    if effect is Effect.ISSUES:
        return SubjectState(institution, index)
    if effect is Effect.REPLACES:
        return SubjectState(before.owner, index)
    if effect is Effect.WITHDRAWS:
        return SubjectState(before.owner, None)
    return before
