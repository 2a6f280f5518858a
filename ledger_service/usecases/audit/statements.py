"""Steps 2, 5, 6 and 7 for what belongs to one entry: judged in log order, with the state of streams and subjects."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from anchors.core.statement import SUBJECT_FIELD
from anchors.core.tiles import TILE_WIDTH
from anchors.core.verify import State
from ledger_service import problems
from ledger_service.kinds import Kind
from ledger_service.originals import Original, TrustedOrigins
from ledger_service.parts import Readings
from ledger_service.problems import Refused
from ledger_service.recognition.book import KINDS as RULES
from ledger_service.usecases import rules
from ledger_service.usecases.audit.attribution import Attribution
from ledger_service.usecases.audit.decisions import DecisionReplay, lacks_withheld
from ledger_service.usecases.audit.figures import PublishedFigures
from ledger_service.usecases.audit.findings import Findings
from ledger_service.usecases.audit.history import ChainHistory
from ledger_service.usecases.audit.measures import Missing
from ledger_service.usecases.audit.rows import LogRows
from ledger_service.usecases.audit.scratch import Scratch, StateRefused
from ledger_service.usecases.audit.signing import SigningWalk
from ledger_service.usecases.audit.soundness import are_sound, is_sound, stored_leaves
from ledger_service.usecases.audit.stretches import Item, ReadStretch
from ledger_service.usecases.audit.tree import TreeWalk, hash_in
from ledger_service.usecases.check import known_kind
from ledger_service.usecases.ports import HOLDING_KINDS, HOLDING_REL, Logged, Stream, SubjectState, digest_prefixes

KNOWN_STATEMENTS = 65_536
"""How many are remembered for those that link to them; of others the index is asked."""
HEADING_KIND = "readings.headed"
RULE_KEPT = "the rule kept"
_ID_AND_KEY, _INDEX = ("id", "key"), ("links", "sha256", "sm3")
MAY_BE_LOST = frozenset({problems.SEQUENCE_GAP, problems.LINK_UNKNOWN, problems.SUBJECT_UNKNOWN})
"""Problems that an entry which cannot be read explains, where no index says what stood there."""


class SavedWalk(msgspec.Struct, frozen=True):
    """`position` is that of the next entry; `linked`: whether links were known below it."""

    position: int
    linked: bool
    streams: dict[bytes, Stream]
    headed: list[tuple[int, Readings]]
    rules: list[int]
    missing: Missing


class StatementWalk:
    """Judges the items of stretches in order.

    What is known to be damaged is not judged further, and neither is what rests on it.
    """

    def __init__(
        self,
        findings: Findings,
        history: ChainHistory,
        attribution: Attribution,
        tree: TreeWalk,
        rows: LogRows,
        scratch: Scratch,
        originals: TrustedOrigins,
        known: OrderedDict[bytes, Logged],
        report_of: Callable[[int], bytes | None],
    ):
        """`known` is filled with the statements that were judged lately, by id; `report_of` gives the stored parts at a
        position that was read."""
        self._findings = findings
        self._attribution = attribution
        self._tree = tree
        self._originals = originals
        self._indexed = rows.tables is not None
        self._linked = self._indexed or bool(scratch.given)
        """Whether links can be known at all: contents tell of them."""
        self.decisions = DecisionReplay(findings, rows, scratch, report_of, linked=self._linked)
        self.figures = PublishedFigures(findings)
        self.signing = SigningWalk(findings, history, attribution, self._break_rule)
        self.subjects = scratch.subjects
        self.holds = scratch.holds
        """What is named by those holds and disputes of which a row may stand in a table of their own."""
        self.damaged_subjects = scratch.members("damaged subjects")
        self.damaged_keys = scratch.members("damaged keys")
        self._damaged_ids = scratch.members("damaged ids")
        self.unknown_positions = scratch.members("unknown positions")
        """Where nothing is known of what stood there."""
        self._unread = scratch.members("unread contents")
        self._statements = scratch.statements
        """Those of which the index says something else, or all where there is none."""
        self._misfiled: dict[bytes, Logged] = {}
        self._true_ids = scratch.true_ids
        self.missing = Missing()
        self._next_position = 0
        self._known = known
        self.headed: list[tuple[int, Readings]] = []
        """Position and part of what closed a day of the reading log."""
        self.rules: list[int] = []
        """Where statements of the book of rules stand."""

    def judge(self, stretch: ReadStretch) -> None:
        """Judge one stretch."""
        own: dict[bytes, Logged] = {}
        self._come_to(stretch.items[0].position)
        self._next_position = stretch.items[-1].position + 1
        self.subjects.load({item.statement.subject for item in stretch.items if item.statement is not None})
        if self._indexed:
            self._misfiled = self._statements.find({id for item in stretch.items for _, id in item.said.links})
        stored = stored_leaves(stretch.rows, published=not self._indexed)
        for begin in range(0, len(stretch.items), TILE_WIDTH):
            items = stretch.items[begin : begin + TILE_WIDTH]
            number = items[0].position // TILE_WIDTH
            self._tree.extend(self._judge_tile(items, stored.get(number), stretch, own), stretch.rows.tiles.get(number))
        self.subjects.settle()
        self._statements.settle()

    def saved(self) -> SavedWalk:
        """What it knows that is not in the scratch file."""
        return SavedWalk(self._next_position, self._linked, self.signing.streams, self.headed, self.rules, self.missing)

    def resume(self, saved: SavedWalk) -> None:
        """Go on from there. Raises `StateRefused` where contents are given that were not before."""
        if self._linked and not saved.linked:
            raise StateRefused("the state was made without contents; leave --content out, or name a new file")
        self._next_position = saved.position
        self.signing.streams, self.headed, self.rules = saved.streams, saved.headed, saved.rules
        self.missing = saved.missing

    def end(self, extent: int) -> None:
        """The log ends here: what was not reached is missing."""
        self._come_to(extent)

    def _come_to(self, position: int) -> None:
        first = self._next_position
        if position > first:
            self._findings.fault(2, "entries", first, "row", "a well-formed entry", f"none below {position}")
            self.missing.add(first, position)
            self._tree.break_off()
            self._lose(first)

    def _judge_tile(
        self, items: Sequence[Item], stored: bytes | None, stretch: ReadStretch, own: dict[bytes, Logged]
    ) -> list[bytes]:
        """Steps 2 and 3, and what follows, for the entries of one tile. `stored` are the leaf hashes in the tile, None
        where it cannot be relied on.

        Returns the leaf hashes with which the tree grows, an empty one where none is known. That which was stored of an
        entry whose bytes are damaged shows whether everything else is as it was witnessed."""
        sound = are_sound(items, stored)
        leaves = []
        for item in items:
            self._findings.counts["entries"] += item.raw is not None
            known = None if sound or stored is None else hash_in(stored, item.position % TILE_WIDTH)
            if sound or is_sound(item, known, self._attribution, self._findings):
                leaves.append(item.leaf)
                self._judge_statement(item, stretch, own)
            else:
                leaves.append(item.leaf if known is None else known)
                self._remember_damage(item)
        return leaves

    def _remember_damage(self, item: Item) -> None:
        """Nothing is concluded from a damaged entry, nor from what rests on it. Its subject may be what was damaged:
        that of a statement that links to it is then learned from there."""
        self.unknown_positions.add(item.position)
        if item.raw is None:
            self.missing.add(item.position, item.position + 1)
        self._lose(item.position)
        if item.row is None:
            return
        self._damaged_ids.add(item.row.id)
        self._true_ids.add(item.position, item.id)
        self.damaged_subjects.add(item.raw[SUBJECT_FIELD])
        self.damaged_keys.add(item.row.key)
        self.signing.pass_over(item.row.key)

    def _lose(self, position: int) -> None:
        self.decisions.lose(position)
        self.figures.doubt(position)

    def _judge_statement(self, item: Item, stretch: ReadStretch, own: dict[bytes, Logged]) -> None:
        statement = item.statement
        self._findings.counts["statements"] += 1
        if statement.kind in RULES:
            self.rules.append(item.position)
        targets = self._find_targets(item, stretch, own) if item.said.links else {}
        if not self._indexed and lacks_withheld(item):
            item.take_away_content()  # whoever kept this copy did not have all of it
        effective = self.signing.check(item)
        if item.content_problem:
            self._name_content(item)
        effective = effective and self.signing.check_kind(item) and self._check_rules(item, targets)
        links, filed = {}, True
        if self._linked:
            links = rules.positions(item.said, targets)
            filed = self._check_filed(item, links)
            own[item.id] = self._remember(item, links, filed=filed)
        self._remember_said(item, links, effective)
        if not filed or not item.readable:
            self.figures.doubt(item.position)
        self.decisions.take(item, targets, self._state_of, effective=effective, filed=filed)
        if effective:
            self.figures.take(item, targets)

    def _remember(self, item: Item, links: dict[str, int], *, filed: bool) -> Logged:
        """For those that link to it. Returns what they see."""
        statement = item.statement
        logged = Logged(item.position, item.id, statement.kind, statement.institution, statement.subject, links)
        self._known[logged.id] = logged
        if len(self._known) > KNOWN_STATEMENTS:
            self._known.popitem(last=False)
        if not filed:
            self._true_ids.add(item.position, item.id)
        if not (filed and self._indexed):
            self._statements.add(logged)
        return logged

    def _remember_said(self, item: Item, links: dict[str, int], effective: bool) -> None:
        """What is compared at the end with tables of their own."""
        kind = item.statement.kind
        if kind in HOLDING_KINDS:
            self.holds.add(item.position, links.get(HOLDING_REL), effective)
        elif kind == HEADING_KIND and effective and item.readable:
            self.headed.append((item.position, item.forms["readings"]))

    def _state_of(self, subject: bytes) -> SubjectState | None:
        """The state of a subject of this stretch, None where it is not known."""
        return None if subject in self.damaged_subjects else self.subjects.get(subject)

    def _speaks_for(self, institution: str, owner: str) -> bool:
        return self._attribution.speaks_for(institution, owner, self.signing.count)

    def _find_targets(self, item: Item, stretch: ReadStretch, own: dict[bytes, Logged]) -> dict[str, Logged]:
        """The statements that are linked to, as far as they stand below. What the index says of those before this
        stretch was compared with their entries already (behind a resume, in the view of then); where it was wrong, the
        truth is kept."""
        targets = {}
        for rel, id in item.said.links:
            target = own.get(id) or self._misfiled.get(id) or stretch.targets.get(id)
            if target is not None and target.index < item.position:
                targets[rel] = target
        return targets

    def _check_rules(self, item: Item, targets: dict[str, Logged]) -> bool:
        """Step 6. False where the statement breaks a rule of its kind, and so has no effect."""
        statement, position = item.statement, item.position
        kind = known_kind(statement.kind)
        before = self.subjects.get(statement.subject)
        if self._damaged_ids and any(id in self._damaged_ids for _, id in item.said.links):
            self.damaged_subjects.add(statement.subject)
        try:
            if item.content_refused:
                raise item.content_refused
            if item.said.original is not None:
                self._check_original(position, item.said.original)
            if statement.subject not in self.damaged_subjects:
                if item.content_problem:
                    rules.check_subject_state(statement, kind, before, self._speaks_for)
                else:
                    rules.check_subject(statement, kind, item.said, before, self._speaks_for)
                told = not item.content_problem and self._all_found(item, targets)
                if told and self._links_are_told(item, kind, targets):
                    rules.check_links(statement, kind, item.said, targets, before, self._speaks_for)
        except Refused as refused:
            self._break_rule(6, item, refused)
            return False
        known = before or SubjectState(statement.institution, position, None)
        after = rules.subject_after(kind.effect, known, statement.institution, position)
        if after is not before:
            self.subjects.put(statement.subject, after)
        self._findings.counts["contents"] += not item.content_problem
        return True

    def _check_original(self, position: int, original: Original) -> None:
        """What an import brought in, by the trust file for its log. Raises `Refused` where the proof fails."""
        counts, verdict = self._findings.counts, self._originals.judge(original)
        failed = verdict is not None and State.FAILED in [claim.state for claim in verdict.claims]
        if verdict is not None and (failed or verdict.holds):
            self._originals.require(original, verdict)
            counts["originals"] += 1
            return
        counts["originals not checked"] += 1
        why = verdict.claim("logged").why if verdict else f"no trust file names {original.origin}"
        self._findings.leave(6, "contents", position, "original", f"a proof by the log {original.origin}", why)

    def _all_found(self, item: Item, targets: dict[str, Logged]) -> bool:
        """Whether every link leads to a statement. False where one leads to a damaged entry: not to be judged."""
        if len(targets) == len(item.said.links):
            return True
        missing = [(rel, id) for rel, id in item.said.links if rel not in targets]
        for rel, id in missing:
            if id not in self._damaged_ids:
                raise Refused(problems.LINK_UNKNOWN, f"link {rel!r}: 0x{id.hex()} is not in the log before it")
        return not missing

    def _links_are_told(self, item: Item, kind: Kind, targets: dict[str, Logged]) -> bool:
        """Whether it is known what those targets link to of which the rules ask that."""
        if not self._unread:
            return True
        asked = {rule.named_by[0] for rule in kind.links if rule.named_by and rule.rel in targets}
        if item.said.original is not None:
            asked.add("replaces")
        unread = sorted(targets[rel].index for rel in asked & targets.keys() if targets[rel].index in self._unread)
        if unread:
            why = f"the content of entry {unread[0]}, to which one leads, cannot be read"
            self._findings.leave(6, "entries", item.position, "links", "judged", why)
        return not unread

    def _name_content(self, item: Item) -> None:
        if self._linked:
            self._unread.add(item.position)
        what = "row" if item.content_problem == "none" else "parts"
        if what == "row" and not self._indexed:
            self._findings.counts["contents not given"] += 1
            self._findings.leave(6, "contents", item.position, "content", "given, by --content", "none")
            return
        expected = f"parts that hash to 0x{item.statement.content.hex()}"
        self._findings.fault(6, "contents", item.position, what, expected, item.content_problem)

    def _check_filed(self, item: Item, links: dict[str, int]) -> bool:
        """Steps 5 and 7: id, key, links and the digests that the document is found by. Whether they are right."""
        if not self._indexed:
            return True
        findings, row = self._findings, item.row
        filed = row.id == item.id and row.key == item.signer
        if not filed:
            findings.compare_row(5, "entries", item.position, _ID_AND_KEY, (item.id, item.signer), (row.id, row.key))
        if not item.readable:
            return filed
        expected, found = links, row.links
        if self._damaged_ids:
            damaged = {rel for rel, id in item.said.links if id in self._damaged_ids}
            expected = {rel: at for rel, at in expected.items() if rel not in damaged}
            found = found and {rel: at for rel, at in found.items() if rel not in damaged}
        findings.counts["links"] += len(expected)
        findings.counts["documents"] += item.said.digests is not None
        index = (expected, *digest_prefixes(item.said.digests))
        return findings.compare_row(7, "entries", item.position, _INDEX, index, (found, row.sha256, row.sm3)) and filed

    def _break_rule(self, step: int, item: Item, refused: Refused) -> None:
        if refused.problem in MAY_BE_LOST and not self._indexed and self.unknown_positions:
            why = f"{refused.detail}; an entry below that cannot be read may be it"
            self._findings.leave(step, "entries", item.position, refused.problem.code, RULE_KEPT, why)
            if step == 6:
                # What was lost may have changed the subject, and this statement too: its state is no longer known.
                self.damaged_subjects.add(item.statement.subject)
            return
        self._findings.fault(step, "entries", item.position, refused.problem.code, RULE_KEPT, refused.detail)
