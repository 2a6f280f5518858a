"""Step 5: whether each entry speaks for its institution, and whether its key went on where it had been."""

from collections.abc import Callable

from anchors.core.errors import VerificationFailed
from anchors.core.merkle import MAX_SIZE
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases import rules
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.stretches import Item
from ledger_service.usecases.check import known_kind
from ledger_service.usecases.ports import Stream

STEP = 5


class SigningWalk:
    """Takes entries in log order. Each is judged by the registry as of the first head that covers it, or the present
    one where none does: `count` is the number of its last change."""

    def __init__(
        self,
        findings: Findings,
        history: ChainHistory,
        attribution: Attribution,
        break_rule: Callable[[int, Item, Refused], None],
    ):
        """`break_rule` is told of step, entry and rule."""
        self._findings = findings
        self._history = history
        self._attribution = attribution
        self._break_rule = break_rule
        self.streams: dict[bytes, Stream] = {}
        self.count = self._covered = 0
        self._pending = False
        self._entitled: set[tuple[bytes | None, str, str]] = set()
        """(signer, institution, kind) that were found to go together as of `count`, whatever the entry's number."""

    def check(self, item: Item) -> bool:
        """Whether it speaks for its institution, and is the key's next. False where it has no effect."""
        if item.position >= self._covered:
            self._come_under_next_head(item.position)
        self._findings.counts["pending"] += self._pending
        statement = item.statement
        entitled = (item.signer, statement.institution, statement.kind) in self._entitled
        attributable = entitled or self._check_attribution(item)
        self._findings.counts["attributable"] += attributable
        return attributable and self._check_stream(item)

    def check_kind(self, item: Item) -> bool:
        """Whether its kind is known, and one that the institution may sign; of an entry that was checked."""
        statement = item.statement
        asked = item.signer, statement.institution, statement.kind
        if asked in self._entitled:
            return True
        try:
            kind = known_kind(statement.kind)
            if not self._attribution.has_role(statement.institution, kind.roles, self.count):
                raise Refused(problems.ROLE_MISSING, f"{statement.institution} had no role that signs {kind.name}")
        except Refused as refused:
            self._break_rule(STEP, item, refused)
            return False
        if not self._attribution.ends(item.signer):
            self._entitled.add(asked)
        return True

    def pass_over(self, key: bytes) -> None:
        """An entry of a key is damaged: it had the key's next number."""
        stream = self.streams.get(key, Stream())
        self.streams[key] = Stream(stream.next_sequence + 1, stream.observed_size)

    def _come_under_next_head(self, position: int) -> None:
        self._entitled.clear()
        covering = self._history.covering(position)
        self._pending = covering is None
        if covering is None:
            self.count, self._covered = self._history.registry.count, MAX_SIZE
        else:
            head = self._history.heads[covering]
            self.count, self._covered = head.registry_count, head.new_size

    def _check_attribution(self, item: Item) -> bool:
        statement, position = item.statement, item.position
        try:
            if item.signer is None:
                raise VerificationFailed("no key can have made the signature")
            self._attribution.check(item.signer, statement.institution, statement.sequence, self.count)
        except VerificationFailed as error:
            self._findings.fault(STEP, "entries", position, "attribution", f"a key of {statement.institution}", error)
            return False
        return True

    def _check_stream(self, item: Item) -> bool:
        """The key's numbers and what it observed. False where the number was used before."""
        statement, key = item.statement, item.signer
        stream = self.streams.get(key, Stream())
        try:
            rules.check_sequence(stream, statement.sequence)
        except Refused as refused:
            self._break_rule(STEP, item, refused)
            if refused.problem is problems.SEQUENCE_FORK:
                return False
        size = stream.observed_size
        try:
            size = rules.check_observed(stream, statement.observed, self._history.observable)
            if size > item.position:
                raise Refused(problems.OBSERVED_UNKNOWN, f"the head of {size} entries came after this one")
        except Refused as refused:
            self._break_rule(STEP, item, refused)
        self.streams[key] = Stream(statement.sequence + 1, size)
        return True
