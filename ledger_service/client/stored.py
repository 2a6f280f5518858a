"""The values of the sender's store: streams, stored statements, and how each was answered."""

from collections.abc import Callable
from dataclasses import dataclass

from anchors.core.content import Content, Part, Withheld
from anchors.core.encoding import encode_base64, encode_hex
from anchors.core.statement import Statement
from anchors.core.typed_data import Domain, log_id
from ledger_service.client.compose import Draft

UNSENT, ACCEPTED, REFUSED = "unsent", "accepted", "refused"


@dataclass(frozen=True)
class Observed:
    """A final head that a signer has seen: its witness id (32 bytes) and size."""

    witness_id: bytes
    size: int


@dataclass(frozen=True)
class Stream:
    """One key's stream: for which log it signs, for whom, its next number and the newest head it named."""

    key: bytes
    chain_id: int
    registry: bytes
    origin: str
    institution: str
    next_sequence: int
    observed: Observed

    @property
    def domain(self) -> Domain:
        """What the key's signatures are bound to."""
        return Domain(self.chain_id, self.registry, log_id(self.origin))


@dataclass(frozen=True)
class Stored:
    """One stored statement. `statement` is its id (32 bytes); `problem` the code of the last problem, if any."""

    statement: bytes
    key: bytes
    sequence: int
    place: int
    entry: bytes
    parts: tuple[str, ...]
    withheld: tuple[str, ...]
    state: str
    index: int | None = None
    problem: str | None = None
    detail: str | None = None
    source: str | None = None

    @property
    def content(self) -> Content:
        """All parts, also those that are withheld from the service."""
        return Content.of(Part.read(text.encode("utf-8")) for text in self.parts)

    def to_wire(self) -> dict[str, object]:
        """The item of `POST /v1/statements`."""
        return {
            "key": encode_hex(self.key),
            "entry": encode_base64(self.entry),
            "parts": _sent_parts(self.content, frozenset(self.withheld)).to_wire() if self.withheld else [*self.parts],
        }


@dataclass(frozen=True)
class Result:
    """How the service answered one statement: with an index, or with a problem."""

    statement: bytes
    index: int | None = None
    problem: str | None = None
    detail: str | None = None
    retry: bool = False


def _sent_parts(content: Content, withheld: frozenset[str]) -> Content:
    return Content.of(Withheld(part.name, part.leaf) if part.name in withheld else part for part in content.parts)


def sign_draft(
    stream: Stream,
    secret: bytes,
    draft: Draft,
    sequence: int,
    place: int,
    observed: bytes,
    now: Callable[[], float],
    source: str | None,
) -> Stored:
    """The draft signed as number `sequence` of a stream, at `place` in the order of sending; not stored yet."""
    statement = Statement(
        kind=draft.kind,
        institution=stream.institution,
        subject=draft.subject,
        sequence=sequence,
        issued_at=int(now()) if draft.issued_at is None else draft.issued_at,
        observed=observed,
        content=draft.content.hash,
    )
    return Stored(
        statement=statement.id(stream.domain),
        key=stream.key,
        sequence=sequence,
        place=place,
        entry=statement.sign(stream.domain, secret).to_bytes(),
        parts=tuple(part.text.decode("utf-8") for part in draft.content.parts),
        withheld=tuple(sorted(draft.withhold)),
        state=UNSENT,
        source=source,
    )
