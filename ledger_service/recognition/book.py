"""The book of rules: what the log says of institutions, qualifications, policies, catalogues and code maps.

The book is a fold over the statements of `KINDS`, in log order. It is asked as of a moment, which is two things: a size
of the log (what was said among the first `size` entries) and a day (what that says of the day). So a decision is judged
by what could be known when it was made, and by the rules of its day; and what is added later changes no earlier answer.

    book = Book()
    for stated in statements: book.add(stated)
    book.as_of(size).qualification("H1", "laboratory", {"S-001"}, date(2026, 3, 1))

Whether a statement keeps the rules of its kind was judged when it was taken: the book is given only such as do. Whether
an institution is suspended in the registry is no matter of the book.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from itertools import combinations
from typing import Any, TypeVar

from msgspec import Struct

from anchors.core.errors import MalformedInput
from ledger_service.parts import Profile
from ledger_service.recognition import qualifications
from ledger_service.recognition.catalogue import (
    CatalogueVersion,
    CodeMapVersion,
    assemble_catalogue,
    assemble_codemap,
)
from ledger_service.recognition.policy import PolicyDocument, policy_digest
from ledger_service.recognition.prepared import Prepared, prepare
from ledger_service.recognition.publications import different, holding, newest_of_each, not_replaced
from ledger_service.recognition.qualifications import QualificationAnswer
from ledger_service.recognition.stated import Stated, corrected

T = TypeVar("T")

PROFILED, CORRECTED = "institution.profiled", "statement.corrected"
_POLICY, _CATALOGUE, _CODEMAP = "policy.published", "catalogue.published", "codemap.published"
KINDS = qualifications.KINDS | {PROFILED, _POLICY, _CATALOGUE, _CODEMAP, CORRECTED}
"""The kinds that the book is made of. Erasing changes nothing in it: it reads structural parts, and these stay."""
_SECTIONED = {_CATALOGUE: "catalogue", _CODEMAP: "codemap"}
ASSEMBLED = 64
"""How many versions of catalogues and code maps are kept put together."""
ANSWERS = 65_536
"""How many answers about the end of the book are remembered until it grows."""


class ProfileAnswer(Struct, frozen=True, gc=False):
    """An institution on a day. `candidates` are what holds, each different one once: none where nothing is known, more
    than one where publications contradict each other."""

    candidates: tuple[Profile, ...] = ()
    statements: tuple[str, ...] = ()

    @property
    def profile(self) -> Profile | None:
        """The profile, None where none is known or several contradict."""
        return self.candidates[0] if len(self.candidates) == 1 else None

    @property
    def contradictory(self) -> bool:
        """Whether what was said does not agree."""
        return len(self.candidates) > 1


class Publication(Struct, frozen=True, gc=False):
    """A policy as published (docs/spec/policy.md). Its rules stay what its digest says, also where it is corrected."""

    statement: str
    index: int
    institution: str
    policy: str
    version: str
    digest: str
    prepared: Prepared


class PolicyAnswer(Struct, frozen=True, gc=False):
    """Publications that answer a question, in log order. `contradictory`: they say different things of one policy and
    version, or of one area on one day; all of them are kept."""

    publications: tuple[Publication, ...] = ()
    contradictory: bool = False

    @property
    def only(self) -> Publication | None:
        """The publication, where all are of one and the same rules."""
        same = self.publications and not different([each.digest for each in self.publications])
        return self.publications[0] if same else None

    @property
    def statements(self) -> tuple[str, ...]:
        """Those that the answer rests on."""
        return tuple(publication.statement for publication in self.publications)


class Book:
    """One entry a statement; answers are made when asked. One thread at a time adds or asks."""

    def __init__(self) -> None:
        self._last = -1
        self._by_id: dict[str, Stated] = {}
        self._corrections: dict[str, list[Stated]] = {}
        self._by_name: dict[str, dict[str, list[Stated]]] = {}
        """By kind: profiles by institution, policies, catalogues and code maps by name."""
        self._chains: dict[bytes, list[Stated]] = {}
        """The statements about one qualification, by its subject."""
        self._chains_of: dict[str, dict[bytes, None]] = {}
        """Qualifications by the institution that they are about."""
        self._prepared: dict[str, Prepared] = {}
        self._answers: dict[tuple, Any] = {}
        self._assembled: dict[tuple[str, ...], Any] = {}

    def add(self, stated: Stated) -> None:
        """Add the next statement of one of the `KINDS`. One of another kind, one that lacks what its kind requires and
        one whose rules are not those that it names are left out. Raises `MalformedInput` unless it is behind the last.
        """
        if stated.index <= self._last:
            raise MalformedInput(f"statement {stated.index} comes after {self._last}: add them in log order")
        self._last = stated.index
        if stated.kind == CORRECTED:
            self._correct(stated)
        elif stated.kind in KINDS and not _has_other_rules(stated):
            self._file(stated, stated.parts)
            self._by_id[stated.id] = stated

    def as_of(self, size: int) -> "BookAsOf":
        """The book as of the first `size` entries of the log."""
        return BookAsOf(self, size)

    def remembered(self, size: int, key: tuple, make: Callable[[], T]) -> T:
        """An answer as of a size: what was asked about the end of the book before is given again until it grows."""
        if size <= self._last:
            return make()
        if key not in self._answers:
            if len(self._answers) >= ANSWERS:
                self._answers.clear()
            self._answers[key] = make()
        return self._answers[key]

    def _correct(self, correction: Stated) -> None:
        target = self._by_id.get(correction.links.get("corrects", ""))
        if target is not None:
            self._assembled.clear()
            self._corrections.setdefault(target.id, []).append(correction)
            self._file(target, correction.parts)

    def _file(self, stated: Stated, parts: Any) -> None:
        """Put a statement where it is looked for, by what it says or by what it is corrected to."""
        self._answers.clear()
        if stated.kind in qualifications.KINDS:
            chain = self._chains.setdefault(stated.subject, [])
            if stated.id not in self._by_id:
                chain.append(stated)
            if "qualification" in parts:
                self._chains_of.setdefault(parts["qualification"].institution, {})[stated.subject] = None
            return
        name = _name(stated.kind, parts)
        if name is not None:
            filed = self._by_name.setdefault(stated.kind, {}).setdefault(name, [])
            if stated not in filed:
                filed.append(stated)

    def named(self, kind: str, name: str, size: int) -> list[Stated]:
        """Statements of a kind about one name, as of a size and corrected, in log order."""
        filed = self._by_name.get(kind, {}).get(name, ())
        known = [self.corrected(stated, size) for stated in filed if stated.index < size]
        return sorted((each for each in known if _name(kind, each.parts) == name), key=_index)

    def index_of(self, id: str) -> int | None:
        """Where a statement of the book stands in the log."""
        return self._by_id[id].index if id in self._by_id else None

    def names(self, kind: str) -> list[str]:
        """The names that statements of a kind are about, sorted."""
        return sorted(self._by_name.get(kind, ()))

    def chains(self, institution: str, size: int) -> list[list[Stated]]:
        """The qualifications that were ever said to be an institution's, each as its statements."""
        subjects = list(self._chains_of.get(institution, ()))
        found = ([stated for stated in self._chains[subject] if stated.index < size] for subject in subjects)
        return [[self.corrected(stated, size) for stated in chain] for chain in found if chain]

    def corrected(self, stated: Stated, size: int) -> Stated:
        """A statement as corrected by then. A policy stays what its digest says, until another takes its place."""
        known = self._corrections.get(stated.id, ()) if stated.kind != _POLICY else ()
        return corrected(stated, [each for each in known if each.index < size]) if known else stated

    def prepared(self, digest: str, rules: PolicyDocument) -> Prepared:
        """A policy's rules ready for use, made once."""
        if digest not in self._prepared:
            self._prepared[digest] = prepare(rules)
        return self._prepared[digest]

    def assembled(self, sections: Sequence[Stated], part: str, size: int) -> Any:
        """A version of a catalogue or code map, put together from its sections as of a size; kept unless they have been
        corrected since."""
        assemble = assemble_catalogue if part == "catalogue" else assemble_codemap
        version = [(stated.id, stated.parts[part]) for stated in sections]
        key = tuple(id for id, _ in version)
        if size <= self._last and any(id in self._corrections for id in key):
            return assemble(version)
        if key not in self._assembled:
            if len(self._assembled) >= ASSEMBLED:
                self._assembled.pop(next(iter(self._assembled)))
            self._assembled[key] = assemble(version)
        return self._assembled[key]


class BookAsOf:
    """The book as of the first `size` entries. Days are of the calendar of whoever asks, as a rule the policy's."""

    def __init__(self, book: Book, size: int):
        self._book = book
        self.size = size

    def profile(self, institution: str, day: date) -> ProfileAnswer:
        """An institution on a day."""
        return self._book.remembered(self.size, (PROFILED, institution, day), lambda: self._profile(institution, day))

    def _profile(self, institution: str, day: date) -> ProfileAnswer:
        known = self._book.named(PROFILED, institution, self.size)
        found = holding(known, lambda stated: stated.parts["profile"].since, day.isoformat())
        candidates: list[Profile] = []
        for stated in found:
            if stated.parts["profile"] not in candidates:
                candidates.append(stated.parts["profile"])
        return ProfileAnswer(tuple(candidates), _ids(found))

    def is_described(self, institution: str) -> bool:
        """Whether the log says anything of an institution: then its qualifications would stand here too."""
        return bool(self._book.named(PROFILED, institution, self.size) or self._chains(institution))

    def qualification(self, institution: str, category: str, items: Collection[str], day: date) -> QualificationAnswer:
        """The qualification of an institution on a day for an item, known by one or more codes."""
        chains = self._chains(institution)
        return qualifications.judge(chains, institution, category, items, day.isoformat())

    def policy(self, policy: str, version: str, digest: str | None = None) -> PolicyAnswer:
        """What was published as this version of a policy; with a digest, these very rules."""
        every = [each for each in self._publications(policy) if each.version == version]
        contradictory = different([each.digest for each in every])
        return PolicyAnswer(tuple(each for each in every if digest in (None, each.digest)), contradictory)

    def policies_in_force(self, places: Collection[str], day: date) -> PolicyAnswer:
        """The policies whose area has one of the places (codes of a city, its region, its district) and that are in
        force on a day. One that does not say from when is taken to be."""
        names = self._book.names(_POLICY)
        every = {each.statement: each for name in names for each in self._publications(name)}
        statements = [stated for name in names for stated in self._book.named(_POLICY, name, self.size)]
        begun = [stated for stated in statements if _is_in_force(every[stated.id].prepared, places, day)]
        left = not_replaced(begun, statements)
        found: list[Publication] = []
        for name in names:
            of_name = [stated for stated in left if stated.parts["policy"].policy == name]
            newest = newest_of_each(of_name, lambda stated: _first_day(every[stated.id].prepared))
            found += (every[stated.id] for stated in newest)
        found.sort(key=lambda publication: publication.index)
        return PolicyAnswer(tuple(found), any(_contradict(*pair) for pair in combinations(found, 2)))

    def catalogues(self, day: date) -> tuple[CatalogueVersion, ...]:
        """Every catalogue's versions that hold on a day: more than one of a name where they contradict each other."""
        return self._holding(_CATALOGUE, day)

    def codemaps(self, day: date) -> tuple[CodeMapVersion, ...]:
        """Every code map's versions that hold on a day: more than one of a name where they contradict each other."""
        return self._holding(_CODEMAP, day)

    def _chains(self, institution: str) -> list[list[Stated]]:
        book, size = self._book, self.size
        return book.remembered(size, ("chains", institution), lambda: book.chains(institution, size))

    def _publications(self, policy: str) -> list[Publication]:
        size = self.size
        return self._book.remembered(size, (_POLICY, policy), lambda: self._published(policy))

    def _published(self, policy: str) -> list[Publication]:
        book, size = self._book, self.size
        found = []
        for stated in book.named(_POLICY, policy, size):
            named = stated.parts["policy"]
            rules = book.prepared(named.digest, stated.parts["rules"])
            names = (named.policy, named.version, named.digest)
            found.append(Publication(stated.id, stated.index, stated.institution, *names, rules))
        return found

    def _holding(self, kind: str, day: date) -> tuple[Any, ...]:
        return self._book.remembered(self.size, (kind, day), lambda: tuple(self._versions(kind, day)))

    def _versions(self, kind: str, day: date) -> Iterable[Any]:
        part, on = _SECTIONED[kind], day.isoformat()

        def version_of(stated: Stated) -> str:
            return stated.parts[part].version

        def since(stated: Stated) -> str:
            return stated.parts[part].since

        for name in self._book.names(kind):
            sections = self._book.named(kind, name, self.size)
            begun = [stated for stated in sections if since(stated) <= on]
            # A version is replaced where another replaces any of its sections.
            of = {stated.id: version_of(stated) for stated in sections}
            links = ((version_of(stated), of.get(stated.links.get("replaces", ""))) for stated in begun)
            replaced = {target for version, target in links if target != version}
            found = newest_of_each([stated for stated in begun if version_of(stated) not in replaced], since)
            for version in dict.fromkeys(map(version_of, found)):
                yield self._assemble(sections, part, version)

    def _assemble(self, sections: Sequence[Stated], part: str, version: str) -> Any:
        own = [stated for stated in sections if stated.parts[part].version == version]
        return self._book.assembled(not_replaced(own, own), part, self.size)


def _name(kind: str, parts: Any) -> str | None:
    """By what name a statement is looked for; None where it lacks what its kind requires."""
    if kind == PROFILED:
        return parts["profile"].institution if "profile" in parts else None
    if kind == _POLICY:
        return parts["policy"].policy if "policy" in parts and "rules" in parts else None
    part = _SECTIONED[kind]
    return getattr(parts[part], part) if part in parts else None


def _has_other_rules(stated: Stated) -> bool:
    """Whether a policy is published with rules other than those of the digest that it names."""
    rules, named = stated.parts.get("rules"), stated.parts.get("policy")
    return rules is not None and (named is None or policy_digest(rules).hex() != named.digest)


def _is_in_force(prepared: Prepared, places: Collection[str], day: date) -> bool:
    if prepared.place[1].isdisjoint(places):
        return False
    return prepared.document.in_force is None or day.toordinal() in prepared.days_in_force


def _first_day(prepared: Prepared) -> str:
    in_force = prepared.document.in_force
    return in_force.first.isoformat() if in_force is not None else ""


def _contradict(one: Publication, other: Publication) -> bool:
    """Two that are in force on one day, of different rules: of one policy, or for one and the same area."""
    return one.digest != other.digest and (one.policy == other.policy or one.prepared.place == other.prepared.place)


def _ids(statements: Iterable[Stated]) -> tuple[str, ...]:
    return tuple(stated.id for stated in statements)


def _index(stated: Stated) -> int:
    return stated.index
