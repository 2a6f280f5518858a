"""`huzheng serve`: the ledger service, with settings from the environment (docs/SETTINGS.md)."""

from enum import StrEnum
from typing import Annotated

import typer

from ledger_service.app import serve
from ledger_service.cli.options import AsJson
from ledger_service.cli.output import Output
from ledger_service.settings import SettingsError, read_settings
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import StoreUnavailable


class Role(StrEnum):
    """What a process does for a log."""

    ALL = "all"
    API = "api"
    ANCHORER = "anchorer"


def app(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; else HUZHENG_HOST.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="Port; else HUZHENG_PORT.")] = None,
    role: Annotated[
        Role | None, typer.Option("--role", help="What runs here: all, api or anchorer; else HUZHENG_ROLE.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run the ledger service until it is told to stop. All settings are HUZHENG_… variables."""
    given = {"host": host, "port": port, "role": role and role.value}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    try:
        serve(settings)
    except StoreUnavailable as error:
        raise SettingsError(f"the database cannot be used: {error}; check HUZHENG_DATABASE") from None
    except Incident as incident:
        raise SettingsError(str(incident)) from None
    Output(as_json).result({"stopped": True})
    return 0
