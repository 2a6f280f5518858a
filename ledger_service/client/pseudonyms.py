"""Pseudonyms of patients, and of numbers that are as few, made on the hospital's own machine (docs/PRIVACY.md).

    p1.<key id>.<HMAC-SHA256(key, "huzheng pseudonym v1" || 0x00 || system || 0x00 || number), 64 hex digits>
    key id = the first 16 hex digits of SHA-256("huzheng pseudonym key v1" || 0x00 || key)

Numbers that identify people are few: all of one city are hashed in minutes, so without a key no hash hides anybody.
Keys are rotated; who holds several can tell from the number whether two pseudonyms are one patient's, and nobody else
can.
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

from anchors.core.encoding import WORD_BYTES, require_bytes
from ledger_service.client.errors import WrongInput

RESIDENT = "resident-id"
"""The system of the Chinese citizen identity number (GB 11643), whose check character is checked."""

_SYSTEM = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_RESIDENT_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_PSEUDONYM = re.compile(r"p1\.([0-9a-f]{16})\.([0-9a-f]{64})")
_WEIGHTS = tuple(2**place % 11 for place in range(17, 0, -1))
_CHECK_CHARACTERS = "10X98765432"
LONGEST_NUMBER = 128


def key_id(secret: bytes) -> str:
    """By what pseudonyms name the 32-byte key they were made with: 16 hex digits."""
    return sha256(b"huzheng pseudonym key v1\x00" + secret).hexdigest()[:16]


class PseudonymKeys:
    """Keys of one holder, the one in use first, then those that were in use before."""

    def __init__(self, secrets: Sequence[bytes]):
        """`secrets` are 32 bytes each, at least one. Raises `WrongInput`."""
        if not secrets:
            raise WrongInput("no key for pseudonyms; make one with 'huzheng keys new --purpose pseudonym'")
        self._keys = {key_id(require_bytes(secret, WORD_BYTES, "pseudonym key")): secret for secret in secrets}
        self.current = next(iter(self._keys))
        """The id of the key in use."""

    def __repr__(self) -> str:
        return f"PseudonymKeys({', '.join(self._keys)})"

    def pseudonym(self, system: str, number: str) -> str:
        """The pseudonym under the key in use of whom a system, such as `resident-id` or a hospital's own, knows by this
        number. Raises `WrongInput`."""
        return self._pseudonym(self.current, system, number)

    def all_pseudonyms(self, system: str, number: str) -> list[str]:
        """The pseudonyms under every key, the one in use first: by these a patient's older statements are found."""
        return [self._pseudonym(id, system, number) for id in self._keys]

    def is_of(self, pseudonym: str, system: str, number: str) -> bool:
        """Whether the pseudonym, under whichever key, is that of this number. Raises `WrongInput` without its key."""
        found = _PSEUDONYM.fullmatch(pseudonym)
        if found is None:
            raise WrongInput(f"{pseudonym[:100]!r} is no pseudonym; one is p1.KEY-ID.64 hex digits")
        if found[1] not in self._keys:
            raise WrongInput(f"the pseudonym was made with the key {found[1]}, which is not here; give that key too")
        return hmac.compare_digest(pseudonym, self._pseudonym(found[1], system, number))

    def _pseudonym(self, id: str, system: str, number: str) -> str:
        message = b"\x00".join((b"huzheng pseudonym v1", _system(system), _number(system, number)))
        return f"p1.{id}.{hmac.new(self._keys[id], message, sha256).hexdigest()}"


def _system(system: str) -> bytes:
    if not _SYSTEM.fullmatch(system):
        raise WrongInput(f"system {system[:64]!r}: expected a lower-case word such as {RESIDENT}")
    return system.encode("ascii")


def _number(system: str, number: str) -> bytes:
    """The number as it is hashed, so that one person has one pseudonym. An error never quotes it."""
    plain = "".join(number.split())
    if system == RESIDENT:
        plain = (
            plain.upper()
        )  # the check character is X, however it is written; elsewhere case may tell two people apart
    if not plain or len(plain) > LONGEST_NUMBER or not plain.isprintable():
        raise WrongInput(f"the number is empty, longer than {LONGEST_NUMBER} characters or not printable; give it")
    if system == RESIDENT and not _is_resident_number(plain):
        raise WrongInput("the number is no citizen identity number (18 characters with a right check character)")
    return plain.encode("utf-8")


def _is_resident_number(number: str) -> bool:
    """GB 11643 section 4.4: ISO 7064 MOD 11-2 over the first 17 digits."""
    if not _RESIDENT_NUMBER.fullmatch(number):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True))
    return number[17] == _CHECK_CHARACTERS[total % 11]
