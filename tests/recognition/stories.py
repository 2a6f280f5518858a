"""Statements for stories about the book of rules and about responsibility. All of it is synthetic."""

from hashlib import sha256
from typing import Any

import msgspec

from ledger_service.kind_rules import policy_subject
from ledger_service.kinds import KINDS
from ledger_service.parts import PART_FORMS, Policy
from ledger_service.recognition.book import Book
from ledger_service.recognition.stated import Stated
from tests.fixtures.parts import rules_digest

QUALITY, BUREAU, OTHER_BUREAU = "SYN-QUALITY", "SYN-BUREAU", "SYN-BUREAU-2"


def stated(index: int, kind: str, by: str, subject: str, *, issued_at: int = 0, id: str = "", **parts: Any) -> Stated:
    """The statement at `index`. `subject` is any word; a part given as text stands for a link of that name to the
    statement of this id, any other for the part's value. Its id is `s` and its index, unless given."""
    assert kind in KINDS, kind
    links = {rel: target for rel, target in parts.items() if isinstance(target, str)}
    forms = {name: msgspec.convert(value, PART_FORMS[name]) for name, value in parts.items() if name not in links}
    digest = sha256(subject.encode()).digest()
    return Stated(index, id or f"s{index}", kind, by, digest, issued_at, forms, links)


def book_of(*statements: Stated) -> Book:
    """A book of these."""
    book = Book()
    for statement in statements:
        book.add(statement)
    return book


def profile(institution: str, since: str, **members: Any) -> dict[str, Any]:
    """The part `profile`: a public hospital of tier 3 in Wuchuan, Zhanjiang."""
    places = {"district": "440883", "city": "440800", "region": "440000"}
    base = {"institution": institution, "name": f"（合成）{institution}", "since": since, "tier": 3}
    return base | {"ownership": "public"} | places | members


def qualification(institution: str, since: str, until: str, **members: Any) -> dict[str, Any]:
    """The part `qualification`: laboratory tests, all items, recognised in Zhanjiang under its mark."""
    base = {"institution": institution, "category": "laboratory", "since": since, "until": until}
    return base | {"scope": ["440800"], "marks": ["湛江市 HR"]} | members


def published(index: int, by: str, rules: dict[str, Any], **more: Any) -> Stated:
    """A policy as published under the subject of its rules."""
    named = {"policy": rules["policy"], "version": rules["version"], "digest": rules_digest(rules)}
    subject = policy_subject(Policy(**named)).hex()
    return stated(index, "policy.published", by, subject, policy=named, rules=rules, **more)


def section(of: int, number: int, items: list[tuple[str, str]], **members: Any) -> dict[str, Any]:
    """The part `catalogue`: section `number` of `of`, with (code, name) of laboratory items."""
    listed = [{"item": code, "category": "laboratory", "name": name} for code, name in items]
    frame = {"catalogue": "SYN-local", "version": "2026", "since": "2026-01-01"}
    return frame | {"section": number, "sections": of, "items": listed} | members


def codemap(pairs: list[tuple[str, str]], **members: Any) -> dict[str, Any]:
    """The part `codemap`: national codes and local ones, in one section."""
    frame = {"codemap": "SYN-map", "version": "2026", "since": "2026-01-01", "section": 1, "sections": 1}
    return frame | {"source": "SYN-national", "target": "SYN-local", "pairs": [list(pair) for pair in pairs]} | members
