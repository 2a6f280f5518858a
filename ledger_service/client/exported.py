"""The statement that tells what left in an evidence package (docs/DISPUTES.md)."""

from collections.abc import Iterable
from hashlib import sha256

from anchors.core.canonical import Json
from anchors.core.content import Content, Part
from ledger_service.client.compose import Draft, Material, compose

EXPORTED = "evidence.exported"


def draft_of_export(
    subject: bytes,
    about: bytes,
    package: bytes,
    *,
    disclosed: Iterable[str],
    withheld: Iterable[str],
    dispute: bytes | None = None,
) -> Draft:
    """`evidence.exported` about the subject (32 bytes) of the package.

    `about` is the id (32 bytes) of the statement for whose sake it was exported, one about that subject; `dispute` that
    of the `dispute.opened` in which it is used. `package` are the bytes of the file. `disclosed` and `withheld` are the
    names of the parts that it shows and of those that it holds back, in whichever statements: a name may be in both.
    Raises `WrongInput`.
    """
    links = {"about": about} if dispute is None else {"about": about, "dispute": dispute}
    return compose(EXPORTED, subject, Material(links=links, more={"export": export_part(package, disclosed, withheld)}))


def part_names(contents: Iterable[Content]) -> tuple[set[str], set[str]]:
    """The names of the parts that are shown in any of these, and of those that are withheld in any."""
    parts = [part for content in contents for part in content.parts]
    shown = {part.name for part in parts if isinstance(part, Part)}
    return shown, {part.name for part in parts if not isinstance(part, Part)}


def export_part(package: bytes, disclosed: Iterable[str], withheld: Iterable[str]) -> dict[str, Json]:
    """The value of the part `export`."""
    return {
        "bytes": len(package),
        "disclosed": sorted(set(disclosed)),
        "sha256": sha256(package).hexdigest(),
        "withheld": sorted(set(withheld)),
    }
