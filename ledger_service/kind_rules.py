"""Whether what a statement says fits its kind (docs/spec/kinds.md). The door, the audit and the sender all ask here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import msgspec

from anchors.core import canonical
from anchors.core.content import MAX_PART_BYTES, Part
from anchors.core.errors import MalformedInput
from ledger_service import problems
from ledger_service.kinds import Kind
from ledger_service.parts import PART_FORMS, Access, Link, Policy
from ledger_service.problems import Refused
from ledger_service.recognition.policy import convert_policy, policy_digest

EMERGENCY = "access.emergency"
LATE_SECONDS = 3_600
"""An access in an emergency that is recorded later than this says so."""


def read_parts(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The shown parts that have a listed name, in their listed form, by name; `values` are all shown parts' values, as
    JSON or in their form already.

    Raises `Refused` where a required part is missing, a listed one has another form, the links are not the kind's, or
    rules have another digest than the policy says.
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
            forms[name] = value if type(value) is form or _is_list_of_forms(value) else msgspec.convert(value, form)
        except msgspec.ValidationError as error:
            raise Refused(problems.INVALID_PART, f"part {name!r}: {error}") from None
    _check_links(kind, forms.get("links", ()))
    if "rules" in values:
        _check_rules(forms.get("policy"), values["rules"])
    return forms


def check_late(kind: Kind, access: Access | None, issued_at: int) -> None:
    """An emergency never waits for the ledger; what is recorded long after says so. Raises `Refused`."""
    if kind.name != EMERGENCY or access is None or access.late:
        return
    seconds = issued_at - access.at
    if seconds > LATE_SECONDS:
        raise Refused(
            problems.NOT_SAID_LATE,
            f"recorded {seconds} s after the access; say so: 'late': true in 'access' 请注明补录",
        )


def policy_subject(policy: Policy) -> bytes:
    """The subject under which a policy is published: SHA-256("huzheng policy" || 0x00 || policy || 0x00 || version
    || 0x00 || digest in hex). It binds a decision that links to the publication to these very rules.

    Raises `Refused` where the digest is missing."""
    if policy.digest is None:
        raise Refused(
            problems.POLICY_DIFFERS,
            "the part 'policy' names no digest; give that of the rules as published 请给出政策摘要",
        )
    named = (b"huzheng policy", policy.policy.encode(), policy.version.encode(), policy.digest.encode())
    return sha256(b"\x00".join(named)).digest()


def read_listed_part(text: bytes) -> Part | None:
    """The part that `text` is, its value in the form that is listed for its name, where the text is exactly what
    encoding it again gives. None for every other text: reading it as any part is tells what it is, or what is wrong.

    One typed decoding stands for reading the part, walking through its value and converting that to its form."""
    found = _PART.fullmatch(text)
    if found is None or len(text) > MAX_PART_BYTES:
        return None
    name_text, value_text = found.groups()
    listed = _LISTED.get(name_text)
    if listed is None:
        return None
    name, decoder = listed
    try:
        value = decoder.decode(value_text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if _encoder.encode(value) != value_text:
        return None
    return Part(text, name, value, sha256(b"\x00" + text).digest())


def listed_forms(texts: Iterable[bytes]) -> dict[str, Any]:
    """The values of parts that have the form that is listed for their names, by name. Of each the text is given, which
    is known to be a part's: it is not checked again."""
    found: dict[str, Any] = {}
    for text in texts:
        part = _PART.fullmatch(text)
        listed = _FORMS.get(part[1]) if part is not None else None
        if listed is not None:
            name, decoder = listed
            with suppress(msgspec.ValidationError):  # what has another form is named by the audit
                found[name] = decoder.decode(part[2])
    return found


def _is_list_of_forms(value: Any) -> bool:
    """Whether typed decoding gave a list its form: JSON knows no such types."""
    return type(value) is list and value != [] and isinstance(value[0], msgspec.Struct)


_PART = re.compile(rb'\{"name":"([a-z]+)","salt":"[0-9a-f]{64}","value":(.+)\}', re.DOTALL)
"""A part's text; its name and its value's text."""
_FORMS = {name.encode(): (name, msgspec.json.Decoder(form)) for name, form in PART_FORMS.items()}
# Rules have a canonical text of their own, which typed decoding does not ask for.
_LISTED = {name: listed for name, listed in _FORMS.items() if name != b"rules"}
_encoder = msgspec.json.Encoder(order="sorted")


def _check_links(kind: Kind, links: Sequence[Link]) -> None:
    rels = {link.rel for link in links}
    if len(rels) != len(links) or not kind.required_rels <= rels <= kind.rels:
        wanted = ", ".join(sorted(kind.required_rels)) or "none"
        may = ", ".join(sorted(kind.rels - kind.required_rels))
        got = ", ".join(link.rel for link in links) or "none"
        raise Refused(
            problems.INVALID_LINKS,
            f"{kind.name} needs these links: {wanted}{f'; may have: {may}' if may else ''}; got: {got}",
        )
    foreign = kind.original.rel if kind.original is not None else None
    for link in links:
        if link.is_foreign is not (link.rel == foreign):
            raise Refused(
                problems.INVALID_LINKS,
                f"link {link.rel!r}: origin, index and witnessId belong, all of them, to the link 'original' alone",
            )


def _check_rules(named: Policy | None, rules: canonical.Json) -> None:
    """Whether rules make sense, and are those that the part `policy` names."""
    try:
        document = convert_policy(rules)
    except MalformedInput as error:
        raise Refused(problems.INVALID_PART, f"part 'rules': {error}") from None
    says = Policy(document.policy, document.version, policy_digest(document).hex())
    if named != says:
        raise Refused(
            problems.POLICY_DIFFERS,
            f"the rules are {says.policy!r}, version {says.version!r}, digest {says.digest}; the part 'policy' "
            "says otherwise 政策摘要不符",
        )
