"""The operator's keys: one keystore a purpose, unlocked at start."""

from dataclasses import dataclass
from pathlib import Path

from anchors.core.note import SignerKey
from anchors.core.registry import Purpose
from ledger_service.client.errors import WrongInput
from ledger_service.client.keystore import ACCOUNT, read_key_file
from ledger_service.settings import Settings, SettingsError

FILES = {
    "checkpoint.json": Purpose.CHECKPOINT,
    "receipt.json": Purpose.RECEIPT,
    "note.json": Purpose.NOTE,
    "relay.json": ACCOUNT,
}


@dataclass(frozen=True, repr=False)
class OperatorKeys:
    """Secrets of 32 bytes: for the contract, for receipts, for notes (Ed25519), and the account that pays."""

    checkpoint: bytes
    receipt: bytes
    note: bytes
    relay: bytes

    def note_key(self, origin: str) -> SignerKey:
        """The key that signs notes, named as its log."""
        return SignerKey(origin, self.note)


def unlock_operator_keys(settings: Settings) -> OperatorKeys:
    """Read and unlock the keystores. Raises `SettingsError`."""
    passphrase = _passphrase(settings)
    secrets = {Path(name).stem: _unlock(settings.keys / name, purpose, passphrase) for name, purpose in FILES.items()}
    return OperatorKeys(**secrets)


def _unlock(path: Path, purpose: str, passphrase: str) -> bytes:
    try:
        key_file = read_key_file(path)
        if key_file.purpose != purpose:
            raise SettingsError(f"{path} holds a {key_file.purpose} key, expected a {purpose} key")
        return key_file.unlock(passphrase)
    except WrongInput as error:
        raise SettingsError(str(error)) from None


def _passphrase(settings: Settings) -> str:
    if settings.passphrase is not None:
        return settings.passphrase.get_secret_value()
    if settings.passphrase_file is None:
        raise SettingsError(
            "settings: set HUZHENG_PASSPHRASE_FILE (or HUZHENG_PASSPHRASE) to unlock the operator's keys"
        )
    try:
        return settings.passphrase_file.read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings: HUZHENG_PASSPHRASE_FILE cannot be read: {error}") from None
