"""What a child of the supervisor does: it runs one role until it is told to stop. One byte up the channel says that it
works; the channel's end says that the parent died, and then this process ends too.
"""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from anchors.core.errors import Error
from ledger_service.logging import set_up_logging
from ledger_service.processes.anchorer import run_anchorer
from ledger_service.processes.api import ApiProcess
from ledger_service.processes.supervisor import ANCHORER, FAILED_TO_START, process_name
from ledger_service.settings import Settings
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import StoreUnavailable

_log = logging.getLogger(__name__)


def run_role(settings: Settings, role: str, channel: socket.socket, listener: socket.socket) -> int:
    """Run one process until it is told to stop; the exit status."""
    with contextlib.suppress(OSError):  # for whoever lists processes; only Linux has it
        Path("/proc/self/comm").write_text(process_name(role))
    threading.Thread(target=_end_with_parent, args=(channel,), name="parent", daemon=True).start()
    set_up_logging(settings.log_format, settings.secrets())
    try:
        _run(role, settings, listener, lambda: channel.send(b"."))
    except (Error, Incident, StoreUnavailable) as error:
        _log.critical("%s: does not start: %s", role, error)
        return FAILED_TO_START
    return 0


def _run(role: str, settings: Settings, listener: socket.socket, ready: Callable[[], object]) -> None:
    if role == ANCHORER:
        listener.close()
        run_anchorer(settings, ready)
    else:
        ApiProcess(settings).run(listener, ready)


def _end_with_parent(channel: socket.socket) -> None:
    with contextlib.suppress(OSError):
        channel.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)
