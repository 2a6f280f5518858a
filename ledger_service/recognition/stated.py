"""A statement as the log has it, for those who judge what it says: its fields, and those of its shown parts that have a
listed form (`ledger_service.parts`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ledger_service.originals import Original


class Stated(Struct, frozen=True, gc=False):
    """A statement at its place in the log.

    `id` is 0x and 64 hex digits; `subject` 32 bytes; `issued_at` Unix seconds as the signer claims them; `parts` the
    listed forms by name: one that is withheld, erased or of another form is not there; `links` statement ids by rel.
    Of an import, `original` is what it brings in, and what that says stands among its parts.
    """

    index: int
    id: str
    kind: str
    institution: str
    subject: bytes
    issued_at: int
    parts: Mapping[str, Any] = {}
    links: Mapping[str, str] = {}
    original: Original | None = None

    @property
    def issuer(self) -> str:
        """Who issued a version of a report, here or in another log."""
        return self.institution if self.original is None else self.original.statement.institution


_NOT_CORRECTED = frozenset({"correction", "links"})


def corrected(stated: Stated, corrections: Iterable[Stated]) -> Stated:
    """The statement with what `corrections` (in log order) put right: a part that one of them names is replaced by the
    part of that name beside it, and is not known any more where there is none. Links are never corrected: what a
    statement leads to was checked when it was taken. Nor is an import: what another log said is not this log's to mend.
    """
    if stated.original is not None:
        return stated
    for correction in corrections:
        said = correction.parts.get("correction")
        wrong = frozenset(said.parts) - _NOT_CORRECTED if said is not None else frozenset()
        if wrong:
            kept = {name: value for name, value in stated.parts.items() if name not in wrong}
            right = {name: value for name, value in correction.parts.items() if name in wrong}
            stated = replace(stated, parts=kept | right)
    return stated
