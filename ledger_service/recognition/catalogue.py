"""Catalogues and code maps: their sections put together, and what becomes of a code.

A version is published in sections, each a statement of its own. What a section that is missing would say is not known,
and nothing is concluded from its absence.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from ledger_service.parts import Catalogue, CodeMap, Item

Listed = Literal["listed", "not-listed", "contradictory", "unknown"]
Mapped = Literal["same-system", "mapped", "ambiguous", "not-mapped", "sections-missing", "no-map"]


class Sections(Struct, frozen=True, gc=False):
    """Which sections of a version are there. `contradictory` are those of one number that say different things, those
    with a number that the version does not have, and all of them where they do not agree on how many there are, since
    when, or between which systems."""

    statements: tuple[str, ...]
    missing: tuple[int, ...]
    contradictory: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every section is there."""
        return not self.missing


class CatalogueVersion(Struct, frozen=True, gc=False):
    """One version of a catalogue. `items` by code: more than one where sections say different things of a code."""

    catalogue: str
    version: str
    since: str
    sections: Sections
    items: dict[str, tuple[Item, ...]]

    def find(self, item: str) -> Listed:
        """Whether a code is in the catalogue: `unknown` where a missing section might list it."""
        found = self.items.get(item, ())
        if len(found) > 1:
            return "contradictory"
        if found:
            return "listed"
        return "not-listed" if self.sections.complete else "unknown"


class CodeMapVersion(Struct, frozen=True, gc=False):
    """One version of a code map, to be read both ways: `tables` has codes by code, by (system, target)."""

    codemap: str
    version: str
    since: str
    sections: Sections
    tables: dict[tuple[str, str], dict[str, tuple[str, ...]]]

    def codes(self, system: str, code: str, target: str) -> tuple[str, ...] | None:
        """The codes of `target` for a code of `system`, sorted; None where the map is not between the two."""
        table = self.tables.get((system, target))
        return None if table is None else table.get(code, ())


class CodeAnswer(Struct, frozen=True, gc=False):
    """What became of a code. The original, `code` of `system`, is always kept; `codes` are those of `target`, none
    where nothing is known. `zh` and `en` say what that means and what to do."""

    system: str
    code: str
    target: str
    answer: Mapped
    codes: tuple[str, ...]
    statements: tuple[str, ...]

    @property
    def zh(self) -> str:
        """In Chinese."""
        return _TEXTS[self.answer][0]

    @property
    def en(self) -> str:
        """In English."""
        return _TEXTS[self.answer][1]


_TEXTS: dict[str, tuple[str, str]] = {
    "same-system": ("代码已属目标体系，无须对照", "the code is of this system already"),
    "mapped": ("已对照，并保留原始代码", "mapped; the original code is kept"),
    "ambiguous": (
        "一个代码对应多个目标代码；保留原始代码，由临床人员选定",
        "several codes stand for it; the original is kept: let a clinician choose",
    ),
    "not-mapped": (
        "现行代码对照均无此代码；保留原始代码；请核对代码，或请主管部门发布含该代码的对照",
        "no code map in force knows the code; the original is kept: check it, or have a map published that lists it",
    ),
    "sections-missing": (
        "代码对照尚缺分段，无法确定；保留原始代码；请补齐分段后再查",
        "the code map lacks sections that may list it; the original is kept: have them published, then ask again",
    ),
    "no-map": (
        "该日没有两个体系之间的代码对照；保留原始代码；请主管部门发布对照",
        "no code map between the two systems is in force that day; the original is kept: have one published",
    ),
}


def assemble_catalogue(sections: Sequence[tuple[str, Catalogue]]) -> CatalogueVersion:
    """A version from its sections (at least one), each with the id of its statement. It begins when its first does."""
    first = min((section for _, section in sections), key=_since)
    items: dict[str, tuple[Item, ...]] = {}
    for _, section in sections:
        for item in section.items:
            known = items.get(item.item, ())
            if item not in known:
                items[item.item] = (*known, item)
    return CatalogueVersion(first.catalogue, first.version, first.since, _put_together(sections), items)


def assemble_codemap(sections: Sequence[tuple[str, CodeMap]]) -> CodeMapVersion:
    """A version from its sections (at least one), each with the id of its statement. It begins when its first does."""
    first = min((section for _, section in sections), key=_since)
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for _, section in sections:
        forth = found.setdefault((section.source, section.target), {})
        back = found.setdefault((section.target, section.source), {})
        for source, target in section.pairs:
            forth.setdefault(source, set()).add(target)
            back.setdefault(target, set()).add(source)
    tables = {
        systems: {code: tuple(sorted(codes)) for code, codes in table.items()} for systems, table in found.items()
    }
    return CodeMapVersion(first.codemap, first.version, first.since, _put_together(sections), tables)


def translate(maps: Iterable[CodeMapVersion], system: str, code: str, target: str) -> CodeAnswer:
    """What `maps`, those in force, make of a code of `system`, for the system `target`. Maps that say different things
    all count: their codes stand side by side."""
    if system == target:
        return CodeAnswer(system, code, target, "same-system", (code,), ())
    between = [(one, codes) for one in maps if (codes := one.codes(system, code, target)) is not None]
    knowing = [one for one, codes in between if codes]
    found = tuple(sorted({each for _, codes in between for each in codes}))
    answer: Mapped
    if found:
        answer = "mapped" if len(found) == 1 else "ambiguous"
    elif not between:
        answer = "no-map"
    else:
        answer = "not-mapped" if all(one.sections.complete for one, _ in between) else "sections-missing"
    asked = knowing if found else [one for one, _ in between]
    statements = tuple(id for one in asked for id in one.sections.statements)
    return CodeAnswer(system, code, target, answer, found, statements)


def _put_together(sections: Sequence[tuple[str, Catalogue | CodeMap]]) -> Sections:
    count = max(section.sections for _, section in sections)
    agree = len({_frame(section) for _, section in sections}) == 1
    said: dict[int, list[Catalogue | CodeMap]] = {}
    for _, section in sections:
        said.setdefault(section.section, []).append(section)

    def is_contradicted(section: Catalogue | CodeMap) -> bool:
        alone = all(other == section for other in said[section.section])
        return not (agree and alone and 1 <= section.section <= section.sections)

    return Sections(
        tuple(id for id, _ in sections),
        tuple(number for number in range(1, min(count, MAX_SECTIONS) + 1) if number not in said),
        tuple(id for id, section in sections if is_contradicted(section)),
    )


MAX_SECTIONS = 10_000
"""How many sections are looked for, whatever a section says of their number."""


def _frame(section: Catalogue | CodeMap) -> tuple:
    systems = (section.source, section.target) if isinstance(section, CodeMap) else ()
    return (section.since, section.sections, *systems)


def _since(section: Catalogue | CodeMap) -> str:
    return section.since
