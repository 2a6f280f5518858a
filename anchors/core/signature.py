"""secp256k1 signatures over 32-byte digests, 65 bytes r || s || v with low s (docs/spec/statement.md)."""

from functools import lru_cache

from coincurve import PrivateKey, PublicKey, ecdsa

from anchors.core.encoding import WORD_BYTES, keccak256, require_bytes
from anchors.core.errors import MalformedInput, VerificationFailed

SIGNATURE_BYTES = 65
KEYS_REMEMBERED = 4_096

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_ZERO = bytes(WORD_BYTES)
_ORDER = _CURVE_ORDER.to_bytes(WORD_BYTES, "big")
_RECOVERY_ID = {27: 0, 28: 1}
_HALF_ORDER = (_CURVE_ORDER // 2).to_bytes(WORD_BYTES, "big")

# libsecp256k1 as coincurve builds it. Its functions are called without what coincurve puts around them, which takes
# every signature apart once more.
_new, _buffer = ecdsa.ffi.new, ecdsa.ffi.buffer
_parse = ecdsa.lib.secp256k1_ecdsa_recoverable_signature_parse_compact
_recover = ecdsa.lib.secp256k1_ecdsa_recover
_context = ecdsa.GLOBAL_CONTEXT.ctx


def check_form(signature: bytes) -> None:
    """Raise `MalformedInput` unless 0 < r < n, 0 < s <= n/2 and v is 27 or 28. Big-endian bytes compare as numbers."""
    require_bytes(signature, SIGNATURE_BYTES, "signature")
    r, s, v = signature[:32], signature[32:64], signature[64]
    if not _ZERO < r < _ORDER:
        raise MalformedInput("signature: r is outside 1 to n-1")
    if not _ZERO < s <= _HALF_ORDER:
        raise MalformedInput("signature: s is outside 1 to n/2; sign with low s (EIP-2)")
    if v not in (27, 28):
        raise MalformedInput(f"signature: v is {v}, expected 27 or 28")


def recover(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address that signed `digest`.

    Raises `MalformedInput` for a signature of the wrong form, `VerificationFailed` where no key fits it.
    """
    check_form(signature)
    return signer_of(digest, signature)


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address that signed a digest of 32 bytes, where the signature's form is known to be right.

    Raises `VerificationFailed` where no key fits it."""
    digest = require_bytes(digest, WORD_BYTES, "digest")  # the library reads so many, whatever there is
    parsed, key = _new("secp256k1_ecdsa_recoverable_signature *"), _new("secp256k1_pubkey *")
    _parse(_context, parsed, signature, _RECOVERY_ID[signature[64]])
    if not _recover(_context, key, parsed, digest):  # r is no point of the curve
        raise VerificationFailed("signature: no key can have made it")
    return _address_of(bytes(_buffer(key)))


def sign(digest: bytes, secret: bytes) -> bytes:
    """Sign a 32-byte digest with a 32-byte secret key: deterministic (RFC 6979), low s, 65 bytes."""
    signature = _private_key(secret).sign_recoverable(require_bytes(digest, WORD_BYTES, "digest"), hasher=None)
    return signature[:64] + bytes((signature[64] + 27,))


@lru_cache(maxsize=64)
def _private_key(secret: bytes) -> PrivateKey:
    """Making one derives its public key twice, which costs more than signing."""
    return PrivateKey(secret)


def address_from_secret(secret: bytes) -> bytes:
    """The 20-byte address of a 32-byte secret key."""
    return address_of(PrivateKey(secret).public_key)


def address_of(key: PublicKey) -> bytes:
    """keccak256(x || y)[12:]."""
    return keccak256(key.format(compressed=False)[1:])[12:]


@lru_cache(maxsize=KEYS_REMEMBERED)
def _address_of(recovered: bytes) -> bytes:
    """That of a recovered key as the library holds it. The same few keys sign again and again, and writing one out
    takes as long as a tenth of recovering it."""
    key = _new("secp256k1_pubkey *")
    _buffer(key)[:] = recovered
    return address_of(PublicKey(key))
