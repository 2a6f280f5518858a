"""Whether what a statement says fits its kind (docs/spec/kinds.md). The door, the audit and the sender all ask here."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ledger_service import problems
from ledger_service.kinds import PART_FORMS, Kind, Link
from ledger_service.problems import Refused


def read_parts(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The shown parts that have a listed name, in their listed form, by name; `values` are all shown parts' values.

    Raises `Refused` where a required part is missing, a listed one has another form, or the links are not the kind's.
    """
    for name in kind.parts:
        if name not in values:
            raise Refused(problems.MISSING_PART, f"{kind.name} needs the part {name!r}, shown")
    forms = {}
    for name, value in values.items():
        form = PART_FORMS.get(name)
        if form is None:
            continue
        try:
            forms[name] = msgspec.convert(value, form)
        except msgspec.ValidationError as error:
            raise Refused(problems.INVALID_PART, f"part {name!r}: {error}") from None
    _check_links(kind, forms.get("links", []))
    return forms


def _check_links(kind: Kind, links: list[Link]) -> None:
    given = [link.rel for link in links]
    if len(given) != len(kind.links) or kind.rels.symmetric_difference(given):
        wanted, got = ", ".join(sorted(kind.rels)) or "none", ", ".join(given) or "none"
        raise Refused(problems.INVALID_LINKS, f"{kind.name} needs exactly these links: {wanted}; got: {got}")
