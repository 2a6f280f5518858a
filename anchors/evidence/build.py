"""Making packages: the manifest over what is in one, signed, and the archive (docs/spec/evidence.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from msgspec import structs

from anchors.core import signature as signatures
from anchors.core.content import Content
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.typed_data import Domain
from anchors.evidence import members as forms
from anchors.evidence.archive import read_archive, write_archive
from anchors.evidence.links import linked_ids


@dataclass(frozen=True)
class Exporter:
    """Who exports: its code, its 32-byte secret key, when (Unix seconds), with which tool."""

    code: str
    secret: bytes
    at: int
    tool: str


@dataclass(frozen=True)
class Matter:
    """What a package is about: log, subject (32 bytes), size of the checkpoint, and the statements by their roles."""

    origin: str
    subject: bytes
    size: int
    roles: forms.Roles


def seal(members: Mapping[str, bytes], matter: Matter, domain: Domain, exporter: Exporter) -> bytes:
    """The package of `members`: with their manifest, signed, in one archive."""
    listed = forms.list_members(dict(members))
    written = forms.Manifest(
        bytes=sum(item.bytes for item in listed),
        exportedAt=exporter.at,
        exporter=exporter.code,
        members=listed,
        origin=matter.origin,
        roles=matter.roles,
        size=matter.size,
        subject=encode_hex(matter.subject),
        tool=exporter.tool,
        version=1,
    ).write()
    digest = domain.evidence(sha256(written).digest())
    signed = forms.Signed(
        encode_hex(signatures.address_from_secret(exporter.secret)),
        encode_hex(signatures.sign(digest, exporter.secret)),
    )
    return write_archive({**members, forms.MANIFEST: written, forms.SIGNATURE: signed.write()})


def add_members(package: bytes, added: Mapping[str, bytes], domain: Domain, exporter: Exporter) -> bytes:
    """The package with more members, in the name of who adds them; the custody log tells of it.

    Raises `MalformedInput` or `VerificationFailed` where `package` is none."""
    members = read_archive(package)
    manifest = forms.Manifest.read(members.get(forms.MANIFEST, b""))
    acts = forms.read_acts(members.get(forms.CUSTODY, b""))
    acts.append(forms.Act(exporter.at, exporter.code, "added", sorted(added), exporter.tool))
    matter = Matter(manifest.origin, decode_hex(manifest.subject, 32, "subject"), manifest.size, manifest.roles)
    return seal({**members, **added, forms.CUSTODY: forms.write_acts(acts)}, matter, domain, exporter)


@dataclass(frozen=True)
class Carried:
    """A statement as a package has it: its role, its 32-byte id, its content as it is shown."""

    role: str
    id: bytes
    content: Content


def complete(subject: bytes, size: int, carried: Sequence[Carried], domain: Domain, secret: bytes) -> bytes:
    """The operator's word that the statements in a package, in log order, are all of the case among the first `size`
    entries; it names those to which their links lead on."""
    named = {role: [encode_hex(one.id) for one in carried if one.role == role] for role in forms.ROLES}
    leading_on = {id for one in carried for id in linked_ids(one.content)} - {encode_hex(one.id) for one in carried}
    word = forms.Completeness(
        key=encode_hex(signatures.address_from_secret(secret)),
        notCarried=sorted(leading_on),
        signature="",
        size=size,
        subject=encode_hex(subject),
        **named,
    )
    return structs.replace(word, signature=encode_hex(signatures.sign(word.digest(domain), secret))).write()
