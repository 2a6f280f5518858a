"""What the verbs share that read parts and timelines: by the operator's token, or signed in with one's own key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from anchors.core.registry import Purpose
from ledger_service.cli.options import passphrase
from ledger_service.cli.sending import open_log
from ledger_service.client.api import Api
from ledger_service.client.errors import WrongInput
from ledger_service.client.session import signed_in

ReaderKey = Annotated[
    Path | None,
    typer.Option("--key", envvar="HUZHENG_KEY", help="Sign in with this key file; needs --trust. A token goes first."),
]
ReaderTrust = Annotated[
    Path | None, typer.Option("--trust", envvar="HUZHENG_TRUST", help="The trust file, which names the key's log.")
]


@dataclass(frozen=True)
class Reader:
    """Who reads: the holder of the operator's token, or an institution by its key; nobody where neither is given."""

    token: str | None
    key: Path | None
    trust: Path | None
    origin: str | None

    @contextmanager
    def open(self, url: str) -> Iterator[Api]:
        """A connection that reads as that; a session that is made for it ends with it."""
        if self.token or self.key is None:
            with Api(url, token=self.token) as api:
                yield api
            return
        from ledger_service.client.keystore import read_key_file

        if self.trust is None:
            raise WrongInput("--key needs --trust: the trust file says for whom the key speaks, and in which log")
        key_file = read_key_file(self.key)
        if key_file.purpose != Purpose.STATEMENT:
            raise WrongInput(f"{self.key} is of purpose {key_file.purpose}; institutions sign in with a statement key")
        trusted, log = open_log(self.trust, self.origin)
        known = trusted.registry.keys.get(key_file.address)
        if known is None or known.log != log.id:
            raise WrongInput(
                f"{key_file.public} is no key of {log.origin} in the trust file; make the file again, or see --origin"
            )
        secret = key_file.unlock(passphrase())
        with Api(url) as api, signed_in(api, trusted.domain(log), known.institution, secret):
            yield api

    def needed(self) -> "Reader":
        """The same. Raises `WrongInput` where it is nobody."""
        if not self.token and self.key is None:
            raise WrongInput(
                "this is for who may read: give --key and --trust to sign in, or --token (HUZHENG_OPERATOR_TOKEN)"
            )
        return self
