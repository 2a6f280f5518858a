"""Asks a witness for its cosignature over HTTP (C2SP tlog-witness), within a deadline."""

import re
import time
from collections.abc import Sequence

from anchors.core.cosignature import Cosignature, open_cosignatures
from anchors.core.encoding import decode_decimal, encode_base64
from anchors.core.errors import Error
from anchors.core.quorum import Witness
from anchors.http_post import HttpPost, PostFailed

TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 65_536
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,19})\n")
_OK, _CONFLICT = 200, 409


class WitnessFailed(Error):
    """No cosignature that verifies was got; the message says why. Asking again later may help."""


class SizeConflict(Error):
    """The witness cosigned a checkpoint of another size last: a proof must begin there."""

    def __init__(self, size: int):
        super().__init__(f"the witness cosigned {size} entries last")
        self.size = size


class HttpWitness:
    """One witness at the submission prefix that a policy names."""

    def __init__(self, witness: Witness, timeout_seconds: float = TIMEOUT_SECONDS):
        self.key = witness.key
        url = f"{witness.url.rstrip('/')}/add-checkpoint"
        self._server = HttpPost(url, "text/plain; charset=utf-8", _MAX_ANSWER_BYTES)
        self._timeout_seconds = timeout_seconds

    def cosign(self, old_size: int, proof: Sequence[bytes], note: bytes) -> Cosignature:
        """Its cosignature on a signed checkpoint that extends the one of `old_size` by `proof`, verified. Raises
        `SizeConflict` or `WitnessFailed`."""
        lines = [f"old {old_size}", *map(encode_base64, proof), "", ""]
        try:
            status, body = self._server.post(
                "\n".join(lines).encode("ascii") + note, time.monotonic() + self._timeout_seconds
            )
        except TimeoutError:
            raise self._failed(f"no answer within {self._timeout_seconds:g} s") from None
        except PostFailed as error:
            raise self._failed(str(error)) from None
        if status == _CONFLICT and _SIZE.fullmatch(body):
            raise SizeConflict(decode_decimal(body[:-1].decode("ascii"), "size"))
        if status != _OK:
            raise self._failed(f"answers with status {status}: {body[:120].decode('utf-8', 'replace')!r}")
        # Others' lines are left out: what a witness may add is its own.
        text, separator, _ = note.rpartition(b"\n\n")
        try:
            found = open_cosignatures(text + separator + body, [self.key])
        except Error as error:
            raise self._failed(str(error)) from None
        if not found:
            raise self._failed("its answer holds no cosignature of its key")
        return found[0]

    def _failed(self, why: str) -> WitnessFailed:
        return WitnessFailed(f"witness {self.key.name} at {self._server.name}: {why}")
