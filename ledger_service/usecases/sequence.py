"""Give statements their places in the log: what the registry, the key's stream, the subject and the links allow.

Works on what one transaction read under the log's lock, and on the statements taken before in the same transaction.
"""

from collections.abc import Mapping, Sequence, Set

from anchors.core.encoding import ZERO_WORD, encode_hex
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases import rules
from ledger_service.usecases.check import Checked
from ledger_service.usecases.ports import Logged, NewStatement, SequencingTransaction, Stream, SubjectState
from ledger_service.usecases.registry_view import DoorRegistry


class Sequencing:
    """The log's state during one transaction. `take` gives the next index or says why not."""

    def __init__(
        self,
        transaction: SequencingTransaction,
        registry: DoorRegistry,
        checked: Sequence[Checked],
        rejected: Set[bytes] = frozenset(),
    ):
        """`rejected` are ids of rightly signed statements that were refused before: they may be in the log already."""
        self._registry = registry
        self._next_index = transaction.size
        keys = {code: registry.keys_of(code) for code in {item.statement.institution for item in checked}}
        self._streams = transaction.streams({item.key for item in checked}.union(*keys.values()))
        asked = {item.id for item in checked} | {target for item in checked for _, target in item.said.links}
        self._logged = transaction.logged(rejected | (asked - self._new(checked, keys)))
        self._subjects = transaction.subjects({item.statement.subject for item in checked})
        self._final_heads = transaction.final_heads({item.statement.observed for item in checked} - {ZERO_WORD})
        self.taken: list[NewStatement] = []
        self.changed_streams: dict[bytes, Stream] = {}
        self.changed_subjects: dict[bytes, SubjectState] = {}

    def _new(self, checked: Sequence[Checked], keys: Mapping[str, Sequence[bytes]]) -> set[bytes]:
        """Ids of statements that the log cannot have: no key of their institution used their number yet. Each would be
        looked for in vain where ids are scattered, among all there are."""
        first_unused = {
            code: max((self._streams[key].next_sequence for key in owned if key in self._streams), default=0)
            for code, owned in keys.items()
        }
        return {item.id for item in checked if item.statement.sequence >= first_unused[item.statement.institution]}

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
        rules.check_sequence(stream, sequence)
        size = rules.check_observed(stream, observed, self._final_heads)
        return Stream(sequence + 1, size)

    def _check_subject(self, checked: Checked) -> SubjectState | None:
        """The subject's state before this statement, None where the subject is new."""
        subject = self._subjects.get(checked.statement.subject)
        rules.check_subject(checked.statement, checked.kind, checked.said, subject, self._registry.speaks_for)
        return subject

    def _check_links(self, checked: Checked, subject: SubjectState | None) -> dict[str, int]:
        targets: dict[str, Logged] = {}
        for rel, id in checked.said.links:
            target = self._logged.get(id)
            if target is None:
                raise Refused(
                    problems.LINK_UNKNOWN, f"link {rel!r}: {encode_hex(id)} is not in the log; send again later"
                )
            targets[rel] = target
        rules.check_links(checked.statement, checked.kind, checked.said, targets, subject, self._registry.speaks_for)
        return rules.positions(checked.said, targets)

    def _append(self, checked: Checked, stream: Stream, subject: SubjectState | None, links: dict[str, int]) -> int:
        statement, index = checked.statement, self._next_index
        logged = Logged(index, checked.id, statement.kind, statement.institution, statement.subject, links)
        self.taken.append(NewStatement(logged, checked.key, checked.entry, checked.parts, checked.said.digests))
        self._next_index += 1
        self._logged[checked.id] = logged
        self._streams[checked.key] = self.changed_streams[checked.key] = stream
        after = rules.subject_after(checked.kind.effect, subject, statement.institution, index)
        if after != subject:
            self._subjects[statement.subject] = self.changed_subjects[statement.subject] = after
        return index
