"""The composition root of `huzheng serve`: which processes run, on which socket. What a process is made of, it makes
itself, once (`ledger_service/processes`)."""

import logging
import os
import socket
import tempfile
from collections.abc import Callable
from functools import partial

from ledger_service.collector import rest_what_was_loaded
from ledger_service.logging import set_up_logging
from ledger_service.processes.supervisor import ANCHORER, API, Supervisor
from ledger_service.settings import Settings, SettingsError

WAITING_CONNECTIONS = 1_024
SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""Where the library of the metrics finds the folder into which several processes count."""

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Run what the settings say until SIGTERM or SIGINT. Raises `Error`, `Incident` or `StoreUnavailable` at start."""
    set_up_logging(settings.log_format, settings.secrets())
    if settings.role == "anchorer":
        _anchor(settings)
        return
    listener = _listen(settings.host, settings.port)

    def ready() -> None:
        host, port = listener.getsockname()[:2]
        _log.info("the log %s is served on http://%s:%d", settings.origin, host, port)

    if settings.api_processes == 1:
        _serve_alone(settings, listener, ready)
    else:
        _serve_together(settings, listener, ready)


def _anchor(settings: Settings) -> None:
    from ledger_service.processes.anchorer import run_anchorer

    run_anchorer(settings, lambda: _log.info("the log %s has this candidate for its anchorer", settings.origin))


def _serve_alone(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    # Imported here and not above: an anchorer on its own needs no web framework, and stays small.
    from ledger_service.processes.anchorer import Anchorer
    from ledger_service.processes.api import ApiProcess

    api = ApiProcess(settings)
    if settings.role == "api":
        api.run(listener, ready)
        return
    anchorer = Anchorer(settings)
    anchorer.start()
    try:
        api.run(listener, ready)
    finally:
        anchorer.close()


def _serve_together(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    roles = [API] * settings.api_processes + ([ANCHORER] if settings.role == "all" else [])
    with tempfile.TemporaryDirectory(prefix="huzheng-counts-") as folder:
        os.environ[SHARED_COUNTS] = folder
        # Only now: the library of the metrics looks for the folder when it is loaded.
        from ledger_service.processes.child import run_role

        rest_what_was_loaded()
        Supervisor(roles, listener, partial(run_role, settings)).run(ready)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=WAITING_CONNECTIONS)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; set HUZHENG_PORT") from None
