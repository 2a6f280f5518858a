"""Statements and their parts in plain words."""

from collections.abc import Iterator
from typing import Any

from anchors.core.content import Content, Part
from anchors.core.encoding import encode_hex
from anchors.core.statement import Statement
from anchors.core.times import iso_time
from ledger_service.kinds import KINDS
from ledger_service.shown import plain

FLAT_CHARACTERS = 400


def kind_in_words(kind: str) -> str:
    """What an institution did, after its name."""
    return KINDS[kind].words if kind in KINDS else f"made a statement of the kind {kind}, which is not known here"


def statement_members(statement: Statement, statement_id: bytes | None) -> dict[str, Any]:
    """A statement's fields as JSON members."""
    return {
        "statement": encode_hex(statement_id) if statement_id else None,
        "kind": statement.kind,
        "institution": statement.institution,
        "subject": encode_hex(statement.subject),
        "sequence": statement.sequence,
        "issuedAt": statement.issued_at,
        "issuedAtTime": iso_time(statement.issued_at),
        "observed": encode_hex(statement.observed),
        "content": encode_hex(statement.content),
    }


def readable(value: Any, lines: int = 24) -> str:
    """A JSON value as at most `lines` lines for people: members as `name: value`, an object in a list on one line."""
    found = list(_lines(value))
    if len(found) > lines:
        found = [*found[:lines], f"… and {len(found) - lines} lines more; --json shows all"]
    return "\n".join(found)


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if _is_empty(member):
                continue
            if isinstance(member, list) and any(isinstance(item, dict) for item in member):
                yield f"{name}:"
                yield from (f"  {_flat(item)}" for item in member)
            else:
                yield f"{name}: {_flat(member)}"
    elif isinstance(value, list):
        yield from (_flat(item) for item in value)
    else:
        yield _flat(value)


def _flat(value: Any) -> str:
    """A value on one line, at most `FLAT_CHARACTERS` long."""
    if isinstance(value, dict):
        text = ", ".join(f"{name} {_flat(member)}" for name, member in value.items() if not _is_empty(member))
    elif isinstance(value, list):
        text = ", ".join(_flat(item) for item in value)
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = plain("none" if value is None else value)
    return text if len(text) <= FLAT_CHARACTERS else f"{text[:FLAT_CHARACTERS]} … ({len(text)} characters)"


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def part_members(content: Content) -> list[dict[str, Any]]:
    """Parts as JSON members: name and value, or the leaf of one that is withheld."""
    return [
        {"name": part.name, "value": part.value}
        if isinstance(part, Part)
        else {"name": part.name, "withheld": part.leaf.hex()}
        for part in content.parts
    ]
