"""One statement to be made, before its links have ids."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ledger_service.client.bringing_in import BroughtIn
from ledger_service.client.compose import Draft, Material, compose
from scripts.city.documents import Report
from scripts.city.founding import Institution

ZONE = timezone(timedelta(hours=8))
NOW = object()
"""Stands in a part for the time at which the statement is made: Unix seconds, or a moment where it was days before."""


@dataclass(frozen=True)
class DaysBefore:
    """The moment so many days before the statement is made."""

    days: int


@dataclass
class Act:
    """By whom, in which round, and from what it is composed once its links have ids. `parts` are values by name;
    `original` is what an import brings in."""

    name: str
    round: int
    by: Institution
    kind: str
    subject: bytes
    links: dict[str, str] = field(default_factory=dict)
    report: Report | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    original: BroughtIn | None = None

    def draft(self, id_of: Callable[[str], bytes], now: int) -> Draft:
        """The statement's draft; `id_of` gives the id of an earlier act by its name."""
        facts = {"facts": dict(self.report.document.facts)} if self.report and self.report.document.parsed else {}
        parts = {name: _timed(value, now) for name, value in self.parts.items()}
        material = Material(
            document=self.report.document.part_value() if self.report else None,
            access=parts.pop("access", None),
            reason=parts.pop("reason", None),
            policy=parts.pop("policy", None),
            links={rel: id_of(name) for rel, name in self.links.items()},
            original=self.original,
            more=facts | parts,
        )
        # What was read out of a document stays in the hospital: the ledger gets its hash.
        return compose(self.kind, self.subject, material, withhold=frozenset(facts))


def _timed(value: Any, now: int) -> Any:
    if value is NOW:
        return now
    if isinstance(value, DaysBefore):
        return (datetime.fromtimestamp(now, ZONE) - timedelta(days=value.days)).isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {name: _timed(inner, now) for name, inner in value.items()}
    return value
