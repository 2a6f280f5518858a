"""Taking connections, so that processes on one listening socket share them.

uvicorn lets its event loop accept until nobody waits: of connections that come together, as when a proxy is started
again, the process that wakes first takes most, for as long as they last. With sixty-four over two processes one had
forty-seven, and half of the machine stood idle. Here a process takes one and looks at what else there is to do, so the
next goes to whoever has the time.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence

import uvicorn

TRY_AGAIN_SECONDS = 0.5
"""After no connection could be taken, for want of open files or memory."""

_log = logging.getLogger(__name__)


class FairServer(uvicorn.Server):
    """uvicorn on sockets that listen already."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self._opening: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Begin to take connections of `sockets`."""
        await super().startup(sockets=[])
        for listener in sockets:
            listener.setblocking(False)
            self._look_at(listener)

    async def shutdown(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Take no more, and finish those there are. Whoever still waits is the other processes'."""
        for listener in sockets:
            asyncio.get_running_loop().remove_reader(listener)
        # What was taken and is no connection yet would not be told to end, and be served on.
        await asyncio.gather(*self._opening, return_exceptions=True)
        await super().shutdown(sockets=sockets)

    def _look_at(self, listener: socket.socket) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(listener, self._take_one, listener)

    def _take_one(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):  # another process took it, or it went away
            return
        except OSError as error:
            _log.error("no connection can be taken: %s", error.strerror)
            loop.remove_reader(listener)
            loop.call_later(TRY_AGAIN_SECONDS, self._look_at, listener)
            return
        opening = loop.create_task(self._open(connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # it went away meanwhile
            connection.close()

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
