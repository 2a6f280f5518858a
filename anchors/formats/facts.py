"""Facts of a document, bounded so that they always fit one content part.

Facts are a personal part: they may name items and results, but no patient by name, number, address or birth date. The
readers never ask for those fields; this module bounds what they did ask for.
"""

import json
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT_CHARACTERS = 200
MAX_VALUE_CHARACTERS = 2_000
MAX_RESULTS = 200
MAX_ITEMS = 20
MAX_FACTS_BYTES = 48 * 1024  # a content part holds 65,536 bytes (docs/spec/content.md); the rest is for its envelope


@dataclass
class Facts:
    """Collects facts while a reader walks through a document. All texts are as the source wrote them."""

    identifiers: list[dict[str, str]] = field(default_factory=list)
    examined: list[dict[str, str]] = field(default_factory=list)
    times: list[dict[str, str]] = field(default_factory=list)
    issuers: list[dict[str, str]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    results_total: int = 0
    status: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    cut: bool = False

    def text(self, value: object, limit: int = MAX_TEXT_CHARACTERS) -> str:
        """The text of a value, at most `limit` characters; remembers when it was cut."""
        text = "" if value is None else str(value)
        if len(text) > limit:
            self.cut = True
            return text[:limit]
        return text

    def identifier(self, what: str, value: object) -> None:
        self._add(self.identifiers, {"what": what, "value": self.text(value)}, "value")

    def examination(self, code: object, system: object, text: object) -> None:
        item = {"code": self.text(code), "system": self.text(system), "text": self.text(text)}
        self._add(self.examined, item, "code", "text")

    def time(self, what: str, value: object) -> None:
        self._add(self.times, {"what": what, "at": self.text(value)}, "at")

    def issuer(self, role: str, name: object) -> None:
        self._add(self.issuers, {"role": role, "name": self.text(name)}, "name")

    def state(self, value: object) -> None:
        text = self.text(value)
        if text and text not in self.status and len(self.status) < MAX_ITEMS:
            self.status.append(text)

    @property
    def full(self) -> bool:
        """True when no further result is kept, so that a reader need not read its value."""
        return len(self.results) >= MAX_RESULTS

    def result_left_out(self) -> None:
        """Counts a result that is not kept."""
        self.results_total += 1
        self.cut = True

    def result(
        self,
        *,
        code: object = "",
        system: object = "",
        text: object = "",
        value: object = "",
        unit: object = "",
        range_text: object = "",
        flag: object = "",
        status: object = "",
    ) -> None:
        """Counts a result and keeps it while there is room. A value that was cut carries `"cut": true`."""
        if self.full:
            self.result_left_out()
            return
        self.results_total += 1
        item: dict[str, Any] = {
            "code": self.text(code),
            "system": self.text(system),
            "text": self.text(text),
            "value": self.text(value, MAX_VALUE_CHARACTERS),
            "unit": self.text(unit),
            "range": self.text(range_text),
            "flag": self.text(flag),
            "status": self.text(status),
        }
        if value is not None and len(str(value)) > MAX_VALUE_CHARACTERS:
            item["cut"] = True
        self.results.append(item)

    def _add(self, items: list[dict[str, str]], item: dict[str, str], *needed: str) -> None:
        if item in items or not any(item[name].strip() for name in needed):
            return
        if len(items) >= MAX_ITEMS:
            self.cut = True
            return
        items.append(item)

    def value(self) -> dict[str, Any]:
        """The facts as a JSON value of at most `MAX_FACTS_BYTES`; `cut` says that something was left out.

        Raises UnicodeEncodeError when a text holds a lone surrogate.
        """
        lists = [list(x) for x in (self.results, self.examined, self.issuers, self.identifiers, self.times)]
        cut = self.cut
        for items in lists:
            while items and _size(self._assemble(lists, cut)) > MAX_FACTS_BYTES:
                del items[len(items) * 3 // 4 :]
                cut = True
        return self._assemble(lists, cut)

    def _assemble(self, lists: list[list[Any]], cut: bool) -> dict[str, Any]:
        results, examined, issuers, identifiers, times = lists
        return {
            "cut": cut,
            "details": self.details,
            "examined": examined,
            "identifiers": identifiers,
            "issuers": issuers,
            "results": results,
            "resultsTotal": self.results_total,
            "status": self.status,
            "times": times,
        }


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))
