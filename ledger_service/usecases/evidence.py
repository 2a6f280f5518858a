"""Put together what a court needs about one subject: its timeline, what that leads to, the rules, and all proofs
(docs/spec/evidence.md)."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anchors.chain.port import WitnessEvent
from anchors.core import canonical
from anchors.core.content import Content, Part, Withheld
from anchors.core.encoding import ZERO_WORD, decode_hex, encode_hex
from anchors.core.merkle import consistency_proof, inclusion_proof
from anchors.core.registry import Registry
from anchors.core.statement import Entry, Statement
from anchors.core.tiles import TileNodes
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import write_changes
from anchors.core.typed_data import Domain
from anchors.evidence import members as forms
from anchors.evidence.build import Carried, Exporter, Matter, complete, seal
from ledger_service import problems
from ledger_service.parts import PART_FORMS
from ledger_service.problems import Refused
from ledger_service.recognition.book import KINDS as RULES
from ledger_service.recognition.stated import Stated
from ledger_service.usecases.log_tiles import LogTiles
from ledger_service.usecases.look_up import Read
from ledger_service.usecases.method import METHOD
from ledger_service.usecases.outside_ports import StoredTimestamp, Timestamps
from ledger_service.usecases.ports import ChainView, Reader, SignedCheckpoint, StoredStatement, Tree
from ledger_service.usecases.rule_book import RULES_AT_ONCE, Rules, stated_of
from ledger_service.usecases.submission import content_of, decode_parts
from ledger_service.usecases.timelines import LEADS_ELSEWHERE, MOST_STATEMENTS, TooLong, read_timeline

MOST_PART_BYTES = 64 * 2**20
_ALWAYS = frozenset({"catalogue.published", "codemap.published"})

Show = Callable[[Sequence[Read]], Sequence[Content]]
"""What whoever asks may see of each statement. Asking it is reading."""
BlockProofs = Callable[[Collection[int]], dict[int, dict[str, Any]]]
"""The block proofs of heads, by their sizes, as far as they were captured (docs/spec/block.md)."""


@dataclass(frozen=True)
class Asked:
    """What is to be exported: everything about a subject; of its personal parts those of these names."""

    subject: bytes
    personal: frozenset[str] = frozenset()


class ExportEvidence:
    """Makes packages of one log, signed with its receipt key (a 32-byte secret)."""

    def __init__(
        self,
        domain: Domain,
        origin: str,
        secret: bytes,
        reader: Reader,
        tree: Tree,
        tiles: LogTiles,
        view: ChainView,
        rules: Rules,
        block_proofs: BlockProofs,
        timestamps: Timestamps,
        now: Callable[[], int],
        tool: str,
    ):
        self._domain = domain
        self._origin = origin
        self._secret = secret
        self._reader = reader
        self._tree = tree
        self._tiles = tiles
        self._view = view
        self._rules = rules
        self._block_proofs = block_proofs
        self._timestamps = timestamps
        self._now = now
        self._tool = tool

    def package(self, asked: Asked, show: Show) -> bytes:
        """The package as of the newest final head, with the parts that `show` gives.

        Raises `Refused` (`not-found`, `too-large`)."""
        checkpoint = self._checkpoint()
        found = self._collect(asked.subject, checkpoint.size)
        contents = show([Read(read.stored, _chosen(read.content, asked.personal)) for _, read in found])
        nodes = self._tiles.nodes(checkpoint.size)
        members = {
            forms.CHECKPOINT: checkpoint.note,
            forms.METHOD: canonical.encode(METHOD),
        }
        carried = []
        for (role, read), content in zip(found, contents, strict=True):
            proof = _proof(read.stored, content, checkpoint, nodes)
            members[forms.statement_path(read.stored.index)] = proof
            carried.append(Carried(role, read.stored.id, content))
        members[forms.COMPLETENESS] = complete(asked.subject, checkpoint.size, carried, self._domain, self._secret)
        stamped = self._stamped(found, checkpoint.size)
        members |= _tokens(stamped)
        members |= self._heads(found, [chain[0].size for chain in stamped], checkpoint, nodes)
        registry, members[forms.REGISTRY] = self._registry()
        exporter = Exporter(registry.operators.get(self._domain.log, ""), self._secret, self._now(), self._tool)
        assembled = forms.Act(exporter.at, exporter.code, "assembled", sorted(members), exporter.tool)
        members[forms.CUSTODY] = forms.write_acts([assembled])
        roles = {role: [read.stored.index for one, read in found if one == role] for role in forms.ROLES}
        matter = Matter(self._origin, asked.subject, checkpoint.size, forms.Roles(**roles))
        return seal(members, matter, self._domain, exporter)

    def _checkpoint(self) -> SignedCheckpoint:
        head = self._view.newest_head(final=True)
        checkpoint = self._tree.checkpoint_at(head.new_size) if head is not None else None
        if checkpoint is None:
            raise Refused(problems.NOT_FOUND, "no head is final yet, so nothing is proved; ask again in some minutes")
        return checkpoint

    def _collect(self, subject: bytes, size: int) -> list[tuple[str, Read]]:
        """The statements of the case with their roles, in log order. Bounded in number and bytes."""
        found: dict[int, tuple[str, Read]] = {}
        bytes_read = 0

        def take(role: str, statements: Iterable[StoredStatement]) -> None:
            nonlocal bytes_read
            for stored in statements:
                if stored.index >= size or stored.index in found:
                    continue
                bytes_read += len(stored.parts)
                if len(found) >= MOST_STATEMENTS or bytes_read > MOST_PART_BYTES:
                    raise TooLong
                found[stored.index] = (role, Read(stored, content_of(decode_parts(stored.parts))))

        try:
            take("timeline", self._timeline(subject, size))
            if not found:
                raise Refused(problems.NOT_FOUND, "nothing about this subject is under a final head; check it, or wait")
            linked = self._linked([stated_of(read.stored, read.content) for _, read in found.values()])
            take("linked", (stored for _, stored in linked if _statement(stored).kind not in RULES))
            for other in dict.fromkeys(_statement(stored).subject for rel, stored in linked if rel in LEADS_ELSEWHERE):
                take("linked", self._timeline(other, size))
            case = [stated_of(read.stored, read.content) for _, read in found.values()]
            take("rules", (stored for _, stored in linked if _statement(stored).kind in RULES))
            take("rules", self._rules_of(case, size))
        except TooLong:
            raise Refused(
                problems.TOO_LARGE,
                f"the case has more than {MOST_STATEMENTS} statements or {MOST_PART_BYTES} bytes of parts; "
                "fetch the proofs of its statements one by one",
            ) from None
        return [found[index] for index in sorted(found)]

    def _timeline(self, subject: bytes, size: int) -> Iterator[StoredStatement]:
        for piece in read_timeline(self._reader, subject, size):
            yield from piece

    def _linked(self, timeline: Sequence[Stated]) -> list[tuple[str, StoredStatement]]:
        """The statements to which links lead, each by the name of its link; each is read once."""
        links = dict.fromkeys(link for stated in timeline for link in stated.links.items())
        known = {id: self._reader.statement(decode_hex(id, 32, "link")) for id in dict.fromkeys(id for _, id in links)}
        return [(rel, stored) for rel, id in links if (stored := known[id]) is not None]

    def _rules_of(self, case: Sequence[Stated], size: int) -> list[StoredStatement]:
        """Statements of the book of rules by which the case is judged: the policies that it names, all catalogues and
        code maps, profiles and qualifications of the institutions in it, and what corrects any of these."""
        codes, policies = _institutions(case), _policies(case)
        chosen: list[StoredStatement] = []
        ids: set[str] = set()
        subjects: set[bytes] = set()
        for stored in self._all_rules(size):
            stated = stated_of(stored, content_of(decode_parts(stored.parts)))
            if (
                stated.kind in _ALWAYS
                or stated.subject in subjects
                or stated.links.get("corrects") in ids
                or _about(stated) & codes
                or _policy_of(stated) in policies
            ):
                chosen.append(stored)
                ids.add(stated.id)
                if stated.kind.startswith("qualification."):
                    subjects.add(stated.subject)
        return chosen

    def _all_rules(self, size: int) -> Iterator[StoredStatement]:
        last = -1
        while found := self._rules.rules(last, RULES_AT_ONCE):
            for stored in found:
                if stored.index >= size:
                    return
                yield stored
            last = found[-1].index

    def _stamped(self, found: Sequence[tuple[str, Read]], size: int) -> list[Sequence[StoredTimestamp]]:
        """The time-stamps of each authority that first cover a statement of the timeline, each chain once."""
        chains = {}
        for role, read in found:
            for chain in self._timestamps.covering(read.stored.index) if role == "timeline" else ():
                if chain[0].size <= size:
                    chains[chain[0].number] = chain
        return [chains[number] for number in sorted(chains)]

    def _heads(
        self,
        found: Sequence[tuple[str, Read]],
        stamped: Iterable[int],
        checkpoint: SignedCheckpoint,
        nodes: TileNodes,
    ) -> dict[str, bytes]:
        events: dict[int, WitnessEvent] = {}
        for role, read in found:
            observed = read.statement.observed if role == "timeline" else ZERO_WORD
            for event in (self._view.covering_head(read.stored.index), self._view.head_of(observed)):
                if event is not None:
                    events[event.new_size] = event
        for size in (checkpoint.size, *stamped):
            if (head := self._view.covering_head(size - 1)) is not None:
                events[head.new_size] = head
        proofs = self._block_proofs(events.keys())
        return {
            forms.head_path(size): _head(event, checkpoint.size, nodes, proofs.get(size))
            for size, event in events.items()
        }

    def _registry(self) -> tuple[Registry, bytes]:
        final = self._view.status().final_number
        changes = [event.change for event in self._view.registry_events() if event.place.block_number <= final]
        registry = Registry.fold(self._domain.chain_id, self._domain.registry, changes)
        return registry, write_changes(registry, changes)


def _tokens(stamped: Iterable[Sequence[StoredTimestamp]]) -> dict[str, bytes]:
    """The tokens by their paths."""
    members: dict[str, bytes] = {}
    chains: Counter[int] = Counter()
    for chain in stamped:
        size = chain[0].size
        for number, row in enumerate(chain):
            members[forms.timestamp_path(size, chains[size], number)] = row.token
        chains[size] += 1
    return members


def _proof(stored: StoredStatement, content: Content, checkpoint: SignedCheckpoint, nodes: TileNodes) -> bytes:
    hashes = inclusion_proof(stored.index, checkpoint.size, nodes)
    return TlogProof(stored.index, hashes, checkpoint.note, Extra(stored.key, stored.entry, content).encode()).format()


def _chosen(content: Content, personal: frozenset[str]) -> Content:
    """The content with its structural parts and those personal ones that the case needs."""
    return Content.of(
        Withheld(part.name, part.leaf)
        if isinstance(part, Part) and part.name not in PART_FORMS and part.name not in personal
        else part
        for part in content.parts
    )


def _head(event: WitnessEvent, size: int, nodes: TileNodes, block: dict[str, Any] | None) -> bytes:
    return forms.Head(
        block=block,
        consistency=forms.hex_of(consistency_proof(event.new_size, size, nodes)),
        event=forms.HeadEvent(
            newSize=event.new_size,
            oldSize=event.old_size,
            registryCount=event.registry_count,
            registryHead=encode_hex(event.registry_head),
            root=encode_hex(event.root),
            witnessId=encode_hex(event.witness_id),
        ),
    ).write()


def _statement(stored: StoredStatement) -> Statement:
    return Entry.from_bytes(stored.entry).statement


def _institutions(case: Sequence[Stated]) -> set[str]:
    """Who signed, examined or keeps anything in the case."""
    examinations = [stated.parts["examination"] for stated in case if "examination" in stated.parts]
    others = {code for each in examinations for code in (each.performer, each.custodian) if code is not None}
    return others | {stated.institution for stated in case}


def _policies(case: Sequence[Stated]) -> set[tuple[str, str]]:
    named = [stated.parts["policy"] for stated in case if "policy" in stated.parts]
    return {(each.policy, each.version) for each in named}


def _policy_of(stated: Stated) -> tuple[str, str] | None:
    policy = stated.parts.get("policy") if stated.kind == "policy.published" else None
    return (policy.policy, policy.version) if policy is not None else None


def _about(stated: Stated) -> set[str]:
    """The institutions that a profile or a qualification is about."""
    parts = (stated.parts.get(name) for name in ("profile", "qualification"))
    return {part.institution for part in parts if part is not None}
