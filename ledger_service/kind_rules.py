"""Whether what a statement says fits its kind (docs/spec/kinds.md). The door, the audit and the sender all ask here."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from anchors.core.content import MAX_PART_BYTES, Part
from ledger_service import problems
from ledger_service.kinds import PART_FORMS, Digest, Kind, Link
from ledger_service.problems import Refused


def read_parts(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The shown parts that have a listed name, in their listed form, by name; `values` are all shown parts' values, as
    JSON or in their form already.

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


def read_listed_part(text: bytes) -> Part | None:
    """The part that `text` is, its value in the form that is listed for its name, where the text is exactly what
    encoding it again gives. None for every other text: reading it as any part is tells what it is, or what is wrong.

    One typed decoding stands for reading the part, walking through its value and converting that to its form."""
    decoder = _LISTED.get(text[len(_BEGIN) : text.find(b'"', len(_BEGIN))])
    if decoder is None or len(text) > MAX_PART_BYTES:
        return None
    try:
        listed = decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if _encoder.encode(listed) != text:
        return None
    return Part(text, listed.name, listed.value, sha256(b"\x00" + text).digest())


def _decoder(form: Any) -> msgspec.json.Decoder:
    members = [("name", str), ("salt", Digest), ("value", form)]
    return msgspec.json.Decoder(msgspec.defstruct("ListedPart", members, forbid_unknown_fields=True, gc=False))


_BEGIN = b'{"name":"'
_LISTED = {name.encode(): _decoder(form) for name, form in PART_FORMS.items()}
_encoder = msgspec.json.Encoder(order="sorted")


def _check_links(kind: Kind, links: list[Link]) -> None:
    given = [link.rel for link in links]
    if len(given) != len(kind.links) or kind.rels.symmetric_difference(given):
        wanted, got = ", ".join(sorted(kind.rels)) or "none", ", ".join(given) or "none"
        raise Refused(problems.INVALID_LINKS, f"{kind.name} needs exactly these links: {wanted}; got: {got}")
