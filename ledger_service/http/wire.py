"""What the API answers, as it stands in JSON (docs/spec/api.md). Hashes, addresses and ids are 0x and hex."""

from collections.abc import Sequence
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from anchors.chain.port import WitnessEvent
from anchors.core.content import Content
from anchors.core.encoding import encode_base64, encode_hex
from anchors.core.registry import Change, Institution, Key
from ledger_service.usecases.look_up import Found, State
from ledger_service.usecases.outside_ports import StoredTimestamp
from ledger_service.usecases.ports import SignedCheckpoint, Stream
from ledger_service.usecases.readiness import Figures, Readiness

Item = TypeVar("Item")
Hex32 = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$")]
Address = Annotated[str, Field(pattern="^0x[0-9a-f]{40}$")]


class Wire(BaseModel):
    """Base of all answers: frozen, members in camel case."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Page(Wire, Generic[Item]):
    """Some items of a list; `next` goes into `after` or `before` for the rest, null at the end."""

    items: list[Item]
    next: int | str | None = None


class ProblemView(Wire):
    """RFC 9457, with `retry`: the same bytes may be accepted later. `instance` names the request."""

    type: str
    title: str
    status: int
    detail: str
    retry: bool
    instance: str | None = None


class HeadView(Wire):
    """A head that the contract holds or held: its event and where it stands."""

    witness_id: Hex32
    old_size: int
    new_size: int
    root: Hex32
    registry_head: Hex32
    registry_count: int
    block_number: int
    block_hash: Hex32
    transaction: Hex32
    final: bool

    @classmethod
    def of(cls, event: WitnessEvent, final_number: int) -> "HeadView":
        """The view of an event."""
        return cls(
            witness_id=encode_hex(event.witness_id),
            old_size=event.old_size,
            new_size=event.new_size,
            root=encode_hex(event.root),
            registry_head=encode_hex(event.registry_head),
            registry_count=event.registry_count,
            block_number=event.place.block_number,
            block_hash=encode_hex(event.place.block_hash),
            transaction=encode_hex(event.place.transaction),
            final=event.place.block_number <= final_number,
        )


class WithheldPart(Wire):
    """A part of which only the name and the leaf are shown."""

    leaf: str
    name: str


class StatementView(Wire):
    """A statement with its state. `parts` is null where nobody is signed in."""

    statement: Hex32
    index: int
    state: State
    overdue: bool
    kind: str
    institution: str
    subject: Hex32
    sequence: int
    issued_at: int
    observed: Hex32
    content: Hex32
    key: Address
    entry: str
    parts: list[str | WithheldPart] | None
    head: HeadView | None

    @classmethod
    def of(cls, found: Found, final_number: int, shown: Content | None) -> "StatementView":
        """The view of a statement, with its content as it may be shown."""
        statement, standing = found.statement, found.standing
        return cls(
            statement=encode_hex(found.stored.id),
            index=found.stored.index,
            state=standing.state,
            overdue=standing.overdue,
            kind=statement.kind,
            institution=statement.institution,
            subject=encode_hex(statement.subject),
            sequence=statement.sequence,
            issued_at=statement.issued_at,
            observed=encode_hex(statement.observed),
            content=encode_hex(statement.content),
            key=encode_hex(found.stored.key),
            entry=encode_base64(found.stored.entry),
            parts=shown.to_wire() if shown else None,
            head=HeadView.of(standing.head, final_number) if standing.head else None,
        )


class CheckpointView(Wire):
    """A signed checkpoint: `note` is the C2SP signed note. `signature`, the one for the contract, is null until a head
    covers the checkpoint: published before, it would let anybody get in front of the operator's own transaction."""

    size: int
    root: Hex32
    signed_at: int
    note: str
    signature: str | None

    @classmethod
    def of(cls, checkpoint: SignedCheckpoint, witnessed: int) -> "CheckpointView":
        """The view of a checkpoint; the newest head covers `witnessed` entries."""
        return cls(
            size=checkpoint.size,
            root=encode_hex(checkpoint.root),
            signed_at=checkpoint.signed_at,
            note=checkpoint.note.decode("utf-8"),
            signature=encode_hex(checkpoint.signature) if checkpoint.size <= witnessed else None,
        )


class TimestampView(Wire):
    """One token of a chain (docs/spec/timestamps.md): base64, and its times as it says them, Unix seconds."""

    authority: str
    token: str
    stamped_at: int
    expires_at: int


class TimestampsView(Wire):
    """A chain of tokens: the first is over the text of the note of the checkpoint of `size` entries, each of the others
    renews those before it."""

    size: int
    text: str
    tokens: list[TimestampView]

    @classmethod
    def of(cls, chain: Sequence[StoredTimestamp], text: str) -> "TimestampsView":
        """The view of a chain and what it is about."""
        tokens = [
            TimestampView(
                authority=stored.authority,
                token=encode_base64(stored.token),
                stamped_at=stored.stamped_at,
                expires_at=stored.expires_at,
            )
            for stored in chain
        ]
        return cls(size=chain[0].size, text=text, tokens=tokens)


class KeyView(Wire):
    """A key: the changes that added and revoked it, and its stream here."""

    key: Address
    institution: str
    log: Hex32
    purpose: str
    added_by: int
    revoked_by: int | None
    end_sequence: int | None
    final: bool
    next_sequence: int
    frozen: bool

    @classmethod
    def of(cls, key: Key, final_count: int, stream: Stream | None) -> "KeyView":
        """The view of a key; `final_count` changes of the registry are final."""
        return cls(
            key=encode_hex(key.address),
            institution=key.institution,
            log=encode_hex(key.log),
            purpose=key.purpose,
            added_by=key.added_by,
            revoked_by=key.revoked_by,
            end_sequence=key.end_sequence,
            final=key.added_by <= final_count,
            next_sequence=stream.next_sequence if stream else 0,
            frozen=bool(stream and stream.frozen),
        )


class FreezeView(Wire):
    """A frozen key, and the number to submit as `endSequence` of its revocation."""

    key: Address
    end_sequence: int


class InstitutionView(Wire):
    """An institution as the followed registry has it."""

    code: str
    roles: list[str]
    standing: Literal["admitted", "suspended", "exited"]
    successor: str
    keys: list[KeyView]

    @classmethod
    def of(cls, institution: Institution, keys: list[KeyView]) -> "InstitutionView":
        """The view of an institution with its keys."""
        standing = "exited" if institution.exited else "suspended" if institution.suspended else "admitted"
        return cls(
            code=institution.code,
            roles=sorted(institution.roles),
            standing=standing,
            successor=institution.successor,
            keys=keys,
        )


class ChangeView(Wire):
    """A change of the registry, as in the trust file."""

    number: int
    time: int
    action: str
    institution: str
    role: str
    log: Hex32
    key: Address
    data: Hex32

    @classmethod
    def of(cls, change: Change) -> "ChangeView":
        """The view of a change."""
        return cls(
            number=change.number,
            time=change.time,
            action=change.action.text,
            institution=change.institution,
            role=change.role,
            log=encode_hex(change.log),
            key=encode_hex(change.key),
            data=encode_hex(change.data),
        )


class RegistryView(Wire):
    """The registry as followed."""

    count: int
    final_count: int
    head: Hex32
    changes: list[ChangeView]


class ProgressView(Wire):
    """How far one promise has come, how many entries wait for it, the oldest of these, and since when."""

    entries: int
    waiting: int
    oldest: int | None
    seconds: int


class FiguresView(Wire):
    """Progress by state, how long the oldest promise is broken, the newest block followed and its age."""

    accepted: ProgressView
    integrated: ProgressView
    witnessed: ProgressView
    final: ProgressView
    overdue_seconds: int
    block: int | None
    block_age_seconds: int

    @classmethod
    def of(cls, figures: Figures) -> "FiguresView":
        """The view of what was read."""
        progress = {
            state.value: ProgressView(entries=one.entries, waiting=one.waiting, oldest=one.oldest, seconds=one.seconds)
            for state, one in figures.progress.items()
        }
        return cls(
            **progress,
            overdue_seconds=figures.overdue_seconds,
            block=figures.block,
            block_age_seconds=figures.block_age_seconds,
        )


class ReadyView(Wire):
    """Whether statements can be accepted and witnessed, with reasons if not; notes on what does no harm yet."""

    ready: bool
    reasons: list[str]
    notes: list[str]
    figures: FiguresView | None

    @classmethod
    def of(cls, readiness: Readiness) -> "ReadyView":
        """The view of a readiness."""
        figures = FiguresView.of(readiness.figures) if readiness.figures else None
        return cls(ready=readiness.ready, reasons=list(readiness.reasons), notes=list(readiness.notes), figures=figures)
