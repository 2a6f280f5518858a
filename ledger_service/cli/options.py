"""Options that several verbs share, and what they stand for."""

import getpass
import os
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from anchors.core.encoding import decode_hex
from anchors.core.errors import Error, MalformedInput
from anchors.core.trust import MAX_TRUST_BYTES, Trust, TrustedLog, parse_trust
from ledger_service.client.errors import WrongInput
from ledger_service.originals import TrustedOrigins

MAX_CERTIFICATE_BYTES = 2**20
DEFAULT_URL = "http://127.0.0.1:8080"

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object on standard output.")]
TrustFile = Annotated[
    Path, typer.Option("--trust", envvar="HUZHENG_TRUST", help="The trust file: what is believed already.")
]
ForeignTrust = Annotated[
    list[Path] | None,
    typer.Option("--foreign-trust", help="The trust file of another log, from which reports are brought in; repeat."),
]
Url = Annotated[str, typer.Option("--url", envvar="HUZHENG_URL", help="Address of the ledger service.")]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="HUZHENG_OPERATOR_TOKEN", help="Operator token of the service.", show_default=False),
]
Rpc = Annotated[
    str,
    typer.Option(
        "--rpc", envvar="HUZHENG_RPC", help="JSON-RPC address of a node of the chain; several with commas between."
    ),
]
URL_EXAMPLES = "sqlite:///ledger.sqlite or postgresql://…"
ReadDatabase = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="HUZHENG_DATABASE",
        metavar="URL",
        help=f"The ledger's database, only read: {URL_EXAMPLES}.",
    ),
]
ReportNumber = Annotated[str | None, typer.Option("--report-number", help="Its number at the issuer, with --secret.")]
SubjectSecret = Annotated[
    Path | None, typer.Option("--secret", envvar="HUZHENG_SUBJECT_SECRET", help="The issuer's subject secret.")
]
KeyPath = Annotated[Path, typer.Option("--key", envvar="HUZHENG_KEY", help="The signer's key file.")]
Origin = Annotated[
    str | None, typer.Option("--origin", help="The log's origin, where the trust file names more than one.")
]
StorePath = Annotated[
    Path, typer.Option("--store", envvar="HUZHENG_STORE", help="The sender's store: every statement it signed.")
]
DEFAULT_STORE = Path("sender.sqlite")


def read_bounded(path: Path, limit: int, what: str) -> bytes:
    """The bytes of a regular file, at most `limit` of them. Raises `WrongInput` in one line."""
    try:
        if path.is_dir():
            raise WrongInput(f"{path} is a folder; name the {what} itself")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise WrongInput(f"{path}: {why}; give the path of the {what}") from None
    if len(data) > limit:
        raise WrongInput(f"{path}: larger than {limit} bytes, so it is no {what}")
    return data


def read_trust(path: Path) -> Trust:
    """The trust file. Raises `WrongInput`, also where it contradicts itself."""
    data = read_bounded(path, MAX_TRUST_BYTES, "trust file")
    try:
        return parse_trust(data)
    except Error as error:
        raise WrongInput(f"{path}: {error}; get the trust file again from somebody you trust") from None


def read_origins(paths: Iterable[Path]) -> TrustedOrigins:
    """The trust files of other logs. Raises `WrongInput`."""
    try:
        return TrustedOrigins([read_trust(path) for path in paths])
    except MalformedInput as error:
        raise WrongInput(f"--foreign-trust: {error}") from None


def choose_log(trust: Trust, origin: str | None) -> TrustedLog:
    """The log of `origin`, or the only one."""
    named = ", ".join(log.origin for log in trust.logs) or "none"
    if origin is not None:
        for log in trust.logs:
            if log.origin == origin:
                return log
        raise WrongInput(f"the trust file does not name the log {origin}; it names {named}")
    if len(trust.logs) != 1:
        raise WrongInput(f"the trust file names {len(trust.logs)} logs ({named}); choose one with --origin")
    return trust.logs[0]


def passphrase() -> str:
    """The passphrase of a key file: from the environment, else asked for on the terminal."""
    from ledger_service.client.keystore import find_passphrase

    ask = (lambda: getpass.getpass("Passphrase: ", stream=sys.stderr)) if sys.stdin.isatty() else None
    return find_passphrase(dict(os.environ), ask)


def needed_token(token: str | None) -> str:
    """The operator token, where nothing is answered without it. Raises `WrongInput`."""
    if not token:
        raise WrongInput("this needs the operator token; give --token or set HUZHENG_OPERATOR_TOKEN")
    return token


def read_certificate(path: Path) -> bytes:
    """A certificate of PEM or DER, as DER."""
    from cryptography import x509  # few verbs need it
    from cryptography.hazmat.primitives.serialization import Encoding

    raw = read_bounded(path, MAX_CERTIFICATE_BYTES, "certificate")
    try:
        if b"-----BEGIN" in raw:
            return x509.load_pem_x509_certificate(raw).public_bytes(Encoding.DER)
        return x509.load_der_x509_certificate(raw).public_bytes(Encoding.DER)
    except ValueError:
        raise WrongInput(f"{path}: is no certificate; give one in PEM or DER") from None


def parse_hex(text: str, length: int, what: str) -> bytes:
    """`length` bytes from hex with 0x, in lower or, for addresses, mixed case."""
    return decode_hex(text.lower() if length == 20 else text, length, what)


def parse_time(text: str, what: str) -> int:
    """Unix seconds from a number or an ISO 8601 time with its offset."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongInput(f"{what} {text!r}: expected Unix seconds, or a time like 2026-03-01T09:30:00+08:00") from None
    if moment.tzinfo is None:
        raise WrongInput(f"{what} {text!r}: say the offset from UTC, for example {text}+08:00")
    return int(moment.timestamp())
