"""Asks a time-stamp authority over HTTP (RFC 3161 section 3.4), within a deadline."""

import time
from collections.abc import Sequence

from asn1crypto import cms, core, tsp
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from anchors.clocks.token import MAX_TOKEN_BYTES, Timestamp, read_nonce, verify_timestamp
from anchors.core.errors import Error
from anchors.core.trust import Authority
from anchors.http_post import HttpPost, PostFailed

TIMEOUT_SECONDS = 10.0
_HTTP_OK = 200
_MAX_ANSWER_BYTES = 2 * MAX_TOKEN_BYTES


class AuthorityFailed(Error):
    """No token that holds was got; the message says why. Asking again later may help."""


class _Answer(core.Sequence):
    """A TimeStampResp (RFC 3161 section 2.4.2)."""

    _fields = [("status", tsp.PKIStatusInfo), ("token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


class HttpAuthority:
    """One authority at a URL. What it gives must hold under one of the `roots`."""

    def __init__(self, url: str, roots: Sequence[Authority], timeout_seconds: float = TIMEOUT_SECONDS):
        self._server = HttpPost(url, "application/timestamp-query", _MAX_ANSWER_BYTES)
        self._roots = roots
        self._timeout_seconds = timeout_seconds

    @property
    def name(self) -> str:
        """Scheme, host and port, without anything that may be a credential."""
        return self._server.name

    def stamp(self, message: bytes, *, renews: bool = False) -> tuple[bytes, Timestamp]:
        """A token over SHA-256 of the message, SHA-512 where it `renews` others, with what it says. Raises
        `AuthorityFailed`."""
        algorithm = HashAlgorithm.SHA512 if renews else HashAlgorithm.SHA256
        asked = TimestampRequestBuilder(message, algorithm).build()
        try:
            status, body = self._server.post(asked.as_bytes(), time.monotonic() + self._timeout_seconds)
        except TimeoutError:
            raise self._failed(f"no answer within {self._timeout_seconds:g} s") from None
        except PostFailed as error:
            raise self._failed(str(error)) from None
        if status != _HTTP_OK:
            raise self._failed(f"answers with status {status}")
        token = self._granted(body)
        try:
            if read_nonce(token) != asked.nonce:
                raise self._failed("its token has another nonce than was asked for")
            return token, verify_timestamp(token, message, self._roots)
        except Error as error:
            raise error if isinstance(error, AuthorityFailed) else self._failed(str(error)) from None

    def _granted(self, body: bytes) -> bytes:
        try:
            answer = _Answer.load(body, strict=True)
            status, token = answer["status"]["status"].native, answer["token"]
            if status == "granted" and not isinstance(token, core.Void):
                return token.dump()
        except Exception as error:  # the parser of others behind this raises nearly anything
            raise self._failed(f"its answer is no TimeStampResp ({type(error).__name__})") from None
        raise self._failed(f"it does not grant a token: {status}")

    def _failed(self, why: str) -> AuthorityFailed:
        return AuthorityFailed(f"time-stamp authority {self.name}: {why}")
