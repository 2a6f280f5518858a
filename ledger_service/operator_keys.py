"""The operator's keys: one keystore a purpose, unlocked at start. A process unlocks those that it signs with."""

from dataclasses import dataclass

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
class AnchorerKeys:
    """Secrets of 32 bytes: for the contract, for notes (Ed25519), and the account that pays."""

    checkpoint: bytes
    note: bytes
    relay: bytes

    def note_key(self, origin: str) -> SignerKey:
        """The key that signs notes, named as its log."""
        return SignerKey(origin, self.note)


def unlock_receipt_key(settings: Settings) -> bytes:
    """The secret of 32 bytes that signs receipts and refusals. Raises `SettingsError`."""
    return _unlock(settings, "receipt.json", _passphrase(settings))


def unlock_anchorer_keys(settings: Settings) -> AnchorerKeys:
    """Read and unlock the keystores of the anchorer. Raises `SettingsError`."""
    passphrase = _passphrase(settings)
    return AnchorerKeys(*(_unlock(settings, f"{name}.json", passphrase) for name in ("checkpoint", "note", "relay")))


def _unlock(settings: Settings, name: str, passphrase: str) -> bytes:
    path, purpose = settings.keys / name, FILES[name]
    try:
        key_file = read_key_file(path)
        if key_file.purpose != purpose:
            raise SettingsError(f"{path} holds a {key_file.purpose} key, expected a {purpose} key")
        return key_file.unlock(passphrase)
    except WrongInput as error:
        raise SettingsError(str(error)) from None


def _passphrase(settings: Settings) -> str:
    if settings.passphrase is None:
        raise SettingsError(
            "settings: set HUZHENG_PASSPHRASE_FILE (or HUZHENG_PASSPHRASE) to unlock the operator's keys"
        )
    return settings.passphrase.get_secret_value()
