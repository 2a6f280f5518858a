"""What the supervisor starts: `python -m ledger_service.processes.child api|anchorer CHANNEL [LISTENER]`.

The numbers are inherited file descriptors. One byte up the channel says that the process works; the channel's end says
that the parent died, and then this process ends too.
"""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from anchors.core.errors import Error
from ledger_service.logging import set_up_logging
from ledger_service.processes.supervisor import ANCHORER, FAILED_TO_START
from ledger_service.settings import Settings, read_settings
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import StoreUnavailable

_log = logging.getLogger(__name__)


def main(role: str, channel: socket.socket, listener: socket.socket | None) -> int:
    """Run one process until it is told to stop; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hand on
    threading.Thread(target=_end_with_parent, args=(channel,), name="parent", daemon=True).start()
    settings = read_settings()
    set_up_logging(settings.log_format, settings.secrets())
    try:
        _run(role, settings, listener, lambda: channel.send(b"."))
    except (Error, Incident, StoreUnavailable) as error:
        _log.critical("%s: does not start: %s", role, error)
        return FAILED_TO_START
    return 0


def _run(role: str, settings: Settings, listener: socket.socket | None, ready: Callable[[], object]) -> None:
    # A process loads what its role needs.
    if role == ANCHORER:
        from ledger_service.processes.anchorer import run_anchorer

        run_anchorer(settings, ready)
    else:
        from ledger_service.processes.api import ApiProcess

        ApiProcess(settings).run(listener, ready)


def _end_with_parent(channel: socket.socket) -> None:
    with contextlib.suppress(OSError):
        channel.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _role, _channel, *_listener = sys.argv[1:]
    sys.exit(
        main(_role, socket.socket(fileno=int(_channel)), socket.socket(fileno=int(_listener[0])) if _listener else None)
    )
