"""Signing in: a challenge that an institution's key signs, and a token for some minutes (docs/spec/session.md).

A challenge is kept nowhere: half of its nonce is chance, half a code over chance and end that only this log's services
can make. Only its answer is, so that it is taken once; who holds no key can fill nothing. The token is the nonce with
another such code: who reads the database cannot make one. Whether the key is in force is asked at every request.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from anchors.core import signature as signatures
from anchors.core.encoding import MAX_UINT64, WORD_BYTES, code_word, encode_hex
from anchors.core.errors import Error
from anchors.core.typed_data import Domain
from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases import privacy_ports as ports
from ledger_service.usecases.registry_view import DoorRegistry
from ledger_service.usecases.viewer import Viewer

CHALLENGE_SECONDS = 120
TOKEN_SECONDS = 900
SESSIONS_PER_KEY = 64
_HALF = WORD_BYTES // 2
_TOKEN = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True)
class Challenge:
    """What is to be signed: a nonce of 32 bytes, and until when (Unix seconds) the signature is taken."""

    nonce: bytes
    expires: int


@dataclass(frozen=True)
class SignedIn:
    """A token, until when (Unix seconds) it is good, and whose it is."""

    token: str
    expires: int
    viewer: Viewer


class KnownRegistry:
    """The registry as of now, folded again only where it changed."""

    def __init__(self, domain: Domain, store: ports.RegistryStore):
        self._domain = domain
        self._store = store
        self._folded: DoorRegistry | None = None

    def viewer(self, key: bytes) -> Viewer:
        """Who asks by `key`. Raises `Refused` where it is not in force."""
        version, known = self._store.registry_version(), self._folded
        if known is None or known.version != version:
            known = self._folded = DoorRegistry(self._domain, self._store.registry_changes(), version)
        institution = known.holder(key)
        if self._store.is_frozen(key):
            raise Refused(problems.KEY_REVOKED, f"{encode_hex(key)} is frozen; sign in with a key in force")
        return Viewer(institution.code, key, institution.roles, known.predecessors(institution.code))


class SignIn:
    """Gives challenges and tokens for one log."""

    def __init__(
        self,
        domain: Domain,
        receipt_secret: bytes,
        sessions: ports.Sessions,
        registry: KnownRegistry,
        now: Callable[[], int],
    ):
        """`receipt_secret` is what all services of the log have; what signs here is derived from it."""
        self._domain = domain
        self._secret = hmac.digest(receipt_secret, b"huzheng sessions v1", sha256)
        self._sessions = sessions
        self._registry = registry
        self._now = now

    def challenge(self) -> Challenge:
        """A new challenge."""
        expires = self._now() + CHALLENGE_SECONDS
        chance = secrets.token_bytes(_HALF)
        return Challenge(chance + self._challenge_code(chance, expires), expires)

    def sign_in(self, key: bytes, challenge: Challenge, signature: bytes) -> SignedIn:
        """A token for the key that signed the challenge. Raises `Refused`."""
        now = self._now()
        self._check_challenge(challenge, now)
        viewer = self._registry.viewer(key)
        digest = self._domain.session(challenge.nonce, challenge.expires, code_word(viewer.institution), key)
        if _signer(digest, signature) != key:
            raise Refused(
                problems.WRONG_SIGNATURE,
                f"the session is not signed by {encode_hex(key)} for {viewer.institution}; check key, chain and origin",
            )
        expires = now + TOKEN_SECONDS
        if not self._sessions.open(challenge.nonce, key, expires, now, SESSIONS_PER_KEY):
            raise Refused(
                problems.CHALLENGE_REFUSED,
                f"the challenge was answered before, or the key has {SESSIONS_PER_KEY} sessions; ask for another",
            )
        token = challenge.nonce + self._token_code(challenge.nonce, key)
        return SignedIn(token.hex(), expires, viewer)

    def viewer(self, token: str) -> Viewer | None:
        """Who asks by a token; None where it is none, has ended, or its key is no longer in force."""
        if not _TOKEN.fullmatch(token):
            return None
        nonce, code = bytes.fromhex(token[:64]), bytes.fromhex(token[64:])
        key = self._sessions.key_of(nonce, self._now())
        if key is None or not hmac.compare_digest(code, self._token_code(nonce, key)):
            return None
        try:
            return self._registry.viewer(key)
        except Refused:
            return None

    def sign_out(self, token: str) -> None:
        """End a token's session. Its challenge is not taken again: it ends before what remembers it."""
        nonce, now = bytes.fromhex(token[:64]), self._now()
        key = self._sessions.key_of(nonce, now)
        if key is not None and self.viewer(token) is not None:
            self._sessions.end(nonce, key, now + CHALLENGE_SECONDS + 1)

    def _check_challenge(self, challenge: Challenge, now: int) -> None:
        chance, code = challenge.nonce[:_HALF], challenge.nonce[_HALF:]
        if not 0 <= challenge.expires <= MAX_UINT64 or not hmac.compare_digest(
            code, self._challenge_code(chance, challenge.expires)
        ):
            raise Refused(problems.CHALLENGE_REFUSED, "this log gave no such challenge; ask for one and sign that")
        if now > challenge.expires:
            raise Refused(
                problems.CHALLENGE_REFUSED, f"the challenge ended {now - challenge.expires} s ago; ask for another"
            )

    def _challenge_code(self, chance: bytes, expires: int) -> bytes:
        return self._code(b"challenge" + chance + expires.to_bytes(8, "big"))[:_HALF]

    def _token_code(self, nonce: bytes, key: bytes) -> bytes:
        return self._code(b"token" + nonce + key)

    def _code(self, text: bytes) -> bytes:
        return hmac.digest(self._secret, self._domain.log + text, sha256)


def _signer(digest: bytes, signature: bytes) -> bytes | None:
    try:
        return signatures.recover(digest, signature)
    except Error:
        return None
