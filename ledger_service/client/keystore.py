"""Encrypted key files: Web3 Secret Storage (keystore V3) with scrypt, for every kind of 32-byte secret.

One form holds the secp256k1 keys and, encrypted the same way, the operator's Ed25519 note seed and a hospital's
subject secret. The top-level member `"huzheng": {"purpose", "public"}` says which; other tools ignore it. Files are
written atomically with mode 0600.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from anchors.core.encoding import encode_hex
from anchors.core.note import SignerKey
from anchors.core.registry import Purpose, note_key_address
from anchors.core.signature import address_from_secret
from anchors.imports import keeping_recursion_limit
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import PRIVATE_FILE_MODE, write_atomically

with keeping_recursion_limit():
    import eth_keyfile

SECRET_BYTES = 32
ACCOUNT = "account"
"""Purpose of a key that pays for, or administers, the contracts; it is in no log."""
SUBJECT = "subject"
"""Purpose of the secret under which a hospital names its reports (HMAC-SHA256)."""
PSEUDONYM = "pseudonym"
"""Purpose of a key under which a hospital makes pseudonyms of patients (`client.pseudonyms`)."""
PURPOSES = (Purpose.STATEMENT, Purpose.CHECKPOINT, Purpose.RECEIPT, Purpose.NOTE, ACCOUNT, SUBJECT, PSEUDONYM)
_FINGERPRINTS = {SUBJECT: b"huzheng subject secret v1\x00", PSEUDONYM: b"huzheng pseudonym key v1\x00"}
"""What is hashed before a secret that has no public key, to name it."""

WORK_FACTOR = 2**18
LIGHT_WORK_FACTOR = 2**12
"""For synthetic cities and tests: a passphrase guess costs milliseconds. Never for a real key."""
MAX_SCRYPT_MEMORY_BYTES = 2**30
MAX_PBKDF2_ITERATIONS = 10_000_000
MAX_KEY_FILE_BYTES = 65_536

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class KeyFile:
    """What a key file says without its passphrase: where it is, its purpose, its public name.

    `public` is 0x and hex: an address (20 bytes); for `note` the Ed25519 public key, for `subject` and `pseudonym` a
    fingerprint (32 bytes each). It is checked against the secret when that is unlocked.
    """

    path: Path
    purpose: str
    public: str
    keystore: dict[str, Any] = field(repr=False, compare=False)

    @property
    def has_address(self) -> bool:
        """Whether the registry could know it: a secret of a hospital's own has no public key."""
        return self.purpose not in _FINGERPRINTS

    @property
    def address(self) -> bytes:
        """The 20 bytes under which the registry knows this key."""
        public = bytes.fromhex(self.public[2:])
        if not self.has_address:
            raise WrongInput(f"{self.path} holds a {self.purpose} secret, which has no address; give a key file")
        return note_key_address(public) if self.purpose == Purpose.NOTE else public

    def unlock(self, passphrase: str) -> bytes:
        """The 32-byte secret. Raises `WrongInput` for a wrong passphrase or a file that was tampered with."""
        try:
            secret = bytes(eth_keyfile.decode_keyfile_json(self.keystore, passphrase.encode("utf-8")))
        except Exception as error:  # the library raises KeyError, TypeError, ValueError and its own for bad files
            if "MAC" in str(error):
                raise WrongInput(f"{self.path}: wrong passphrase, or the file was changed; try again") from None
            raise WrongInput(f"{self.path}: not a keystore V3 that can be read ({type(error).__name__})") from None
        if len(secret) != SECRET_BYTES or public_name(self.purpose, secret) != self.public:
            raise WrongInput(f"{self.path}: the secret inside is not of {self.public}; the file was changed")
        return secret


def public_name(purpose: str, secret: bytes) -> str:
    """The public name of a secret of that purpose, 0x and hex."""
    if purpose == Purpose.NOTE:
        return encode_hex(SignerKey("note", secret).verifier.public_key)
    if purpose in _FINGERPRINTS:
        return encode_hex(sha256(_FINGERPRINTS[purpose] + secret).digest())
    return encode_hex(address_from_secret(secret))


def new_secret() -> bytes:
    """32 fresh random bytes that are a secp256k1 secret as well as an Ed25519 seed."""
    while not 0 < int.from_bytes(secret := secrets.token_bytes(SECRET_BYTES), "big") < _CURVE_ORDER:
        pass
    return secret


def create_key_file(
    path: Path, purpose: str, passphrase: str, *, secret: bytes | None = None, light: bool = False
) -> KeyFile:
    """Make a key file that does not exist yet; `secret` only to bring in one made elsewhere. Raises `WrongInput`."""
    if purpose not in PURPOSES:
        raise WrongInput(f"purpose {purpose!r}: expected one of {', '.join(PURPOSES)}")
    if not passphrase:
        raise WrongInput("an empty passphrase protects nothing; give one")
    secret = new_secret() if secret is None else secret
    if len(secret) != SECRET_BYTES or not 0 < int.from_bytes(secret, "big") < _CURVE_ORDER:
        raise WrongInput("a secret is 32 bytes and a number from 1 to the curve's order")
    work_factor = LIGHT_WORK_FACTOR if light else WORK_FACTOR
    keystore = eth_keyfile.create_keyfile_json(
        secret, passphrase.encode("utf-8"), version=3, kdf="scrypt", iterations=work_factor
    )
    public = public_name(purpose, secret)
    if purpose in (Purpose.NOTE, *_FINGERPRINTS):
        del keystore["address"]  # it would be the address of a secp256k1 key that nobody means
    keystore["huzheng"] = {"purpose": purpose, "public": public}
    text = json.dumps(keystore, indent=2, sort_keys=True) + "\n"
    write_atomically(Path(path), text.encode("ascii"), mode=PRIVATE_FILE_MODE, replace=False)
    return KeyFile(Path(path), purpose, public, keystore)


def read_key_file(path: Path) -> KeyFile:
    """A key file, still locked. A keystore V3 of another tool is taken as an `account`. Raises `WrongInput`."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            keystore = json.loads(file.read(MAX_KEY_FILE_BYTES + 1))
        _check_cost(keystore["crypto"]["kdf"], keystore["crypto"]["kdfparams"])
        if keystore["version"] != 3:
            raise ValueError
        said = keystore.get("huzheng") or {"purpose": ACCOUNT, "public": "0x" + keystore["address"].lower()[-40:]}
        purpose, public = said["purpose"], said["public"]
        digits = 64 if purpose in (Purpose.NOTE, *_FINGERPRINTS) else 40
        if purpose not in PURPOSES or not public.startswith("0x") or len(bytes.fromhex(public[2:])) * 2 != digits:
            raise ValueError
    except OSError as error:
        raise WrongInput(f"{path}: {error.strerror or error}; give a key file") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise WrongInput(f"{path}: not a keystore V3 of this project; make one with 'huzheng keys new'") from None
    return KeyFile(path, purpose, public, keystore)


def _check_cost(kdf: str, parameters: dict[str, Any]) -> None:
    """Refuse a file that would make its reader spend gigabytes or hours before the passphrase is even tried."""
    if kdf == "scrypt":
        cost = 128 * parameters["n"] * parameters["r"] * parameters["p"]
        if not 0 < cost <= MAX_SCRYPT_MEMORY_BYTES:
            raise ValueError
    elif kdf == "pbkdf2":
        if not 0 < parameters["c"] <= MAX_PBKDF2_ITERATIONS:
            raise ValueError
    else:
        raise ValueError


def list_key_files(folder: Path) -> list[KeyFile]:
    """All key files in a folder, by name; files that are none are left out."""
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            found.append(read_key_file(path))
        except WrongInput:
            continue
    return found


def find_passphrase(environment: dict[str, str], ask: Callable[[], str] | None) -> str:
    """From HUZHENG_PASSPHRASE, else the first line of the file HUZHENG_PASSPHRASE_FILE, else `ask()`.

    `ask` is None where nobody can be asked. Raises `WrongInput`.
    """
    if passphrase := environment.get("HUZHENG_PASSPHRASE"):
        return passphrase
    if file := environment.get("HUZHENG_PASSPHRASE_FILE"):
        try:
            first_line = Path(file).read_text("utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise WrongInput(f"HUZHENG_PASSPHRASE_FILE: {file} cannot be read ({error})") from None
        if first_line:
            return first_line
        raise WrongInput(f"HUZHENG_PASSPHRASE_FILE: the first line of {file} is empty; write the passphrase there")
    if ask is None:
        raise WrongInput("no passphrase: set HUZHENG_PASSPHRASE or HUZHENG_PASSPHRASE_FILE, or run on a terminal")
    return ask()
