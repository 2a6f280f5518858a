"""What `record` and `stream` share: the sender's store, opened for one key, and sending from it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.registry import Purpose
from anchors.core.statement import Entry
from anchors.core.trust import Trust, TrustedLog
from ledger_service.cli.options import choose_log, passphrase, read_trust
from ledger_service.cli.output import Output
from ledger_service.cli.words import kind_in_words
from ledger_service.client.answers import Answer, ReceiptKeys
from ledger_service.client.api import Api
from ledger_service.client.compose import Draft
from ledger_service.client.errors import ClientError, ServiceProblem, ServiceUnavailable, WrongInput
from ledger_service.client.keystore import read_key_file
from ledger_service.client.sender import Outcome, Sender
from ledger_service.client.store import Store
from ledger_service.client.stored import ACCEPTED, Observed, Stored, Stream

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Signer:
    """A key that is unlocked, with its stream in an open store."""

    store: Store
    stream: Stream
    secret: bytes


def open_signer(
    store: Store,
    api: Api,
    key_path: Path,
    trust: Trust,
    log: TrustedLog,
    *,
    institution: str | None = None,
    first_sequence: int | None = None,
) -> Signer:
    """Unlock a key and open its stream; a new stream starts where the service says that the key stands."""
    key_file = read_key_file(key_path)
    if key_file.purpose != Purpose.STATEMENT:
        raise WrongInput(f"{key_path} is of purpose {key_file.purpose}; statements are signed with a statement key")
    known = trust.registry.keys.get(key_file.address)
    if institution is None and known is None:
        raise WrongInput(
            f"{key_file.public} is not in the trust file; make the file again with 'huzheng chain trust', "
            "or say for whom it signs with --institution"
        )
    if known is not None and (known.log != log.id or institution not in (None, known.institution)):
        raise WrongInput(
            f"{key_file.public} was admitted for {known.institution}, perhaps in another log; see --origin"
        )
    if key_file.address not in {stream.key for stream in store.streams()} and first_sequence is None:
        first_sequence = _next_at_service(api, key_file.address)
    stream = store.open_stream(
        key_file.address,
        chain_id=trust.chain_id,
        registry=trust.registry_contract.address,
        origin=log.origin,
        institution=institution or known.institution,
        first_sequence=first_sequence or 0,
    )
    return Signer(store, stream, key_file.unlock(passphrase()))


def open_log(trust_path: Path, origin: str | None) -> tuple[Trust, TrustedLog]:
    """The trust file and the log that is meant."""
    trust = read_trust(trust_path)
    return trust, choose_log(trust, origin)


def final_head(api: Api) -> Observed | None:
    """The newest final head by the service; None where it cannot be asked, for signing must not wait for it."""
    try:
        head = api.final_head()
    except (ServiceUnavailable, ServiceProblem):
        return None
    return (
        Observed(decode_hex(head["witnessId"], 32, "the service's final head"), int(head["newSize"])) if head else None
    )


def send(
    output: Output,
    store: Store,
    api: Api,
    trust: Trust,
    log: TrustedLog,
    keys: list[bytes],
    patience_seconds: float = PATIENCE_SECONDS,
) -> Outcome:
    """Send what is unsent of these keys, with a progress bar; receipts count by the trust file."""
    total = sum(len(store.waiting(key)) for key in keys)
    with output.progress("Sending", total) as advance:
        sender = Sender(
            store,
            api,
            ReceiptKeys.of(trust.registry, log.id),
            patience_seconds=patience_seconds,
            on_answer=_advance_by_accepted(advance),
        )
        return sender.send(keys)


def try_send(
    output: Output, store: Store, api: Api, trust: Trust, log: TrustedLog, key: bytes
) -> tuple[Outcome | None, ClientError | None]:
    """`send` for one key, or why it could not be done: what is signed is stored all the same, and is told."""
    try:
        return send(output, store, api, trust, log, [key]), None
    except ClientError as error:
        return None, error


def stored_members(stored: Stored) -> dict[str, Any]:
    """A stored statement as JSON members."""
    return {
        "statement": encode_hex(stored.statement),
        "subject": encode_hex(Entry.from_bytes(stored.entry).statement.subject),
        "sequence": stored.sequence,
        "state": stored.state,
        "index": stored.index,
        "problem": stored.problem,
        "detail": stored.detail,
    }


def outcome_members(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON members."""
    return {
        "accepted": len(outcome.accepted),
        "refused": [stored_members(stored) for stored in outcome.refused],
        "waiting": len(outcome.waiting),
        "requests": outcome.requests,
    }


def sign_and_send(
    output: Output,
    key_path: Path,
    trust_path: Path,
    origin: str | None,
    store_path: Path,
    url: str,
    draft_of: Callable[[Api], Draft],
) -> int:
    """Sign one statement, store it, send it and show it; 1 where it is stored and not accepted. `draft_of` may look up
    what it links to."""
    trusted, log = open_log(trust_path, origin)
    with Store(store_path) as opened, Api(url) as api:
        signer = open_signer(opened, api, key_path, trusted, log)
        draft = draft_of(api)
        signed = opened.sign(signer.stream.key, signer.secret, draft, observed=final_head(api))
        _, failure = try_send(output, opened, api, trusted, log, signer.stream.key)
        signed = opened.statement(signed.statement)
        accepted = signed.state == ACCEPTED
        output.result(stored_members(signed) | {"accepted": accepted})
        output.line(f"{signed.state}: {kind_in_words(draft.kind)}", "bold")
        place = f"entry {signed.index}" if signed.index is not None else "not in the log yet"
        named = [("statement", encode_hex(signed.statement)), ("subject", encode_hex(draft.subject)), ("place", place)]
        output.pairs(named)
        if not accepted:
            why = signed.detail or failure or "send it with 'huzheng stream send'"
            output.note(f"huzheng: {draft.kind} is stored and not accepted: {why}")
            show_open(output, opened.blocked(signer.stream.key), opened.waiting(signer.stream.key))
    return 0 if accepted else 1


def show_open(output: Output, refused: list[Stored], waiting: list[Stored]) -> None:
    """What is not in the log yet, and what to do."""
    rows = [
        (stored.sequence, stored.state, stored.problem or "not sent yet", stored.detail or "")
        for stored in [*refused, *waiting][:20]
    ]
    if rows:
        output.table(("number", "state", "problem", "what to do"), rows)
    if refused:
        output.line(f"Mend number {refused[0].sequence} with 'huzheng record … --mend {refused[0].sequence}'.", "bold")
    elif waiting:
        output.line("They are stored. Send them again with 'huzheng stream send'.", "bold")


def _next_at_service(api: Api, address: bytes) -> int:
    """The key's next number by the service, so that a new store never signs a number twice."""
    try:
        return int(api.key(address)["nextSequence"])
    except ServiceProblem as problem:
        if problem.status == 404:  # not in the registry that the service follows: nothing can be in its log
            return 0
        raise
    except ServiceUnavailable as error:
        raise ServiceUnavailable(
            f"{error} A new store must know where the key stands: start the service, or give --first-sequence 0 "
            "for a key that never signed"
        ) from None


def _advance_by_accepted(advance: Callable[[int], None]) -> Callable[[Answer], None]:
    return lambda answer: advance(sum(result.index is not None for result in answer.results))
