"""C2SP tlog-witness `add-checkpoint`, in the steps of docs/spec/cosigning.md."""

from collections.abc import Callable
from dataclasses import dataclass

from anchors.core.checkpoint import Checkpoint
from anchors.core.cosignature import WitnessSecret
from anchors.core.encoding import WORD_BYTES, decode_base64, decode_decimal, require_bytes
from anchors.core.errors import Error, MalformedInput, VerificationFailed
from anchors.core.merkle import MAX_PROOF_HASHES, verify_consistency
from anchors.core.note import Note, VerifierKey, open_note, split_note
from anchors.core.quorum import Policy
from ledger_service.cosigner.state import Cosigned, CosignerState, Suspect

MAX_REQUEST_BYTES = 98_304
SIZE_TYPE = "text/x.tlog.size"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str
    content_type: str = _TEXT


@dataclass(frozen=True)
class AddCheckpoint:
    """A request: the old size, the consistency proof, and the note."""

    old_size: int
    proof: list[bytes]
    note: bytes

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint":
        """Read the body. Raises `MalformedInput`."""
        head, separator, note = body.partition(b"\n\n")
        try:
            first, *hashes = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise MalformedInput("a line before the checkpoint is not ASCII") from None
        if not separator or not first.startswith("old "):
            raise MalformedInput("expected 'old <size>', the proof's hashes, an empty line and a checkpoint")
        if len(hashes) > MAX_PROOF_HASHES:
            raise MalformedInput(f"{len(hashes)} hashes, at most {MAX_PROOF_HASHES} are possible")
        proof = [require_bytes(decode_base64(line, "proof hash"), WORD_BYTES, "proof hash") for line in hashes]
        return cls(decode_decimal(first.removeprefix("old "), "old size"), proof, note)


class Cosigner:
    """Cosigns the logs that a policy names, under one key. Safe to use from several threads."""

    def __init__(self, state: CosignerState, secret: WitnessSecret, logs: Policy, now: Callable[[], int]):
        self._state = state
        self._secret = secret
        self._keys: dict[str, list[VerifierKey]] = {}
        for key in logs.logs:
            self._keys.setdefault(key.name, []).append(key)
        self._now = now

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request."""
        try:
            request = AddCheckpoint.parse(body)  # step 1
            checkpoint = Checkpoint.from_text(split_note(request.note)[0])
        except MalformedInput as error:
            return Answer(400, f"{error}\n")
        keys = self._keys.get(checkpoint.origin)
        if keys is None:  # step 2
            return Answer(404, "this witness does not cosign that log\n")
        try:
            note = open_note(request.note, keys)  # step 3
        except VerificationFailed as error:
            return Answer(403, f"{error}\n")
        if request.old_size > checkpoint.size:  # step 4
            return Answer(400, f"the old size {request.old_size} is above the checkpoint's {checkpoint.size}\n")
        return self._extend(request, checkpoint, note)

    def _extend(self, request: AddCheckpoint, checkpoint: Checkpoint, note: Note) -> Answer:
        with self._state.turn(checkpoint.origin) as turn:
            last = turn.last()
            if request.old_size != last.size:  # step 5
                return Answer(409, f"{last.size}\n", SIZE_TYPE)
            if checkpoint.size == last.size and checkpoint.root != last.root:  # step 6
                turn.suspect(note.text, Suspect(self._now(), True, note.signed, last.note))
                return Answer(409, f"another root was cosigned at size {last.size}\n")
            try:
                verify_consistency(last.size, checkpoint.size, request.proof, last.root, checkpoint.root)  # step 7
            except Error as error:
                if checkpoint.size > last.size > 0:  # anything extends the empty tree, and every tree itself
                    turn.suspect(note.text, Suspect(self._now(), False, note.signed, last.note))
                return Answer(422, f"{error}\n")
            time = max(self._now(), last.time)
            turn.put(note.text, Cosigned(checkpoint.size, checkpoint.root, time, note.signed))
        return Answer(200, self._secret.cosign(note.text, time))  # step 8
