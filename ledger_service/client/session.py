"""Signing in with a key (docs/spec/session.md)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from anchors.core.encoding import code_word, decode_hex, encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.signature import address_from_secret, sign
from anchors.core.typed_data import Domain
from ledger_service.client.api import Api
from ledger_service.client.errors import BrokenAnswer, ServiceProblem, ServiceUnavailable


def sign_in(api: Api, domain: Domain, institution: str, secret: bytes) -> None:
    """Have `api` read as the institution whose 32-byte secret key this is, for fifteen minutes.

    What is signed is bound to the log of `domain` and to nothing that the service chooses but a nonce and a time.
    Raises `ServiceProblem`, `ServiceUnavailable` or `BrokenAnswer`."""
    key, given = address_from_secret(secret), api.challenge()
    try:
        nonce, expires = decode_hex(given.get("nonce"), 32, "nonce"), int(given["expires"])
        digest = domain.session(nonce, expires, code_word(institution), key)
    except (MalformedInput, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BrokenAnswer(f"the service's challenge cannot be signed ({error}); is this the service?") from None
    if given.get("log") != encode_hex(domain.log):
        raise BrokenAnswer(f"the challenge is of the log {given.get('log')}, not of {encode_hex(domain.log)}")
    answer = api.open_session(
        {
            "key": encode_hex(key),
            "nonce": encode_hex(nonce),
            "expires": expires,
            "signature": encode_hex(sign(digest, secret)),
        }
    )
    api.use_token(str(answer.get("token", "")))


@contextmanager
def signed_in(api: Api, domain: Domain, institution: str, secret: bytes) -> Iterator[None]:
    """`sign_in`, and sign out at the end; a session that cannot be ended ends by itself. Raises as `sign_in`."""
    sign_in(api, domain, institution, secret)
    try:
        yield
    finally:
        with suppress(ServiceProblem, ServiceUnavailable):
            api.close_session()
