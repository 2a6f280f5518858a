"""Who is party to the case: what a person gives beside the package, in a small JSON file."""

from typing import Annotated

import msgspec

from anchors.core.errors import MalformedInput

MAX_PARTIES_BYTES = 64 * 1024
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A party: what it is in the case (原告, applicant, …) and its name."""

    role: _Text
    name: _Text
    note: _Text | None = None


class Parties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The case as people name it. What is missing is left blank, to be filled in by hand."""

    court: _Text | None = None
    case: _Text | None = None
    purpose: _Text | None = None
    parties: Annotated[list[Party], msgspec.Meta(max_length=50)] = []


def read_parties(data: bytes) -> Parties:
    """The parties in a JSON text. Raises `MalformedInput`."""
    try:
        return msgspec.json.decode(data, type=Parties)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"{error}; see 'certificate' in docs/COMMANDS.md for the form") from None
