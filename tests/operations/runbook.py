"""docs/OPERATIONS.md as a program: its blocks, and a person's shell in which they are run as they are written."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.forking import end_with_parent, forking
from tests.architecture.tree import ROOT

PAGE = ROOT / "docs" / "OPERATIONS.md"
_BLOCK = re.compile(r"^( *)```(sh(?: run)?)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(huzheng [a-z-]+ [^`…]+)`")


@dataclass(frozen=True)
class Block:
    """A block of commands: the heading it stands under, whether it is to be run as it is, its lines."""

    heading: str
    runs: bool
    text: str


def blocks() -> list[Block]:
    """Every block of commands on the page, in order."""
    page, found = PAGE.read_text("utf-8"), []
    for match in _BLOCK.finditer(page):
        heading = [one[1] for one in _HEADING.finditer(page[: match.start()])][-1]
        indent = match[1]
        lines = [line.removeprefix(indent) for line in match[3].splitlines()]
        found.append(Block(heading, match[2] == "sh run", "\n".join(lines)))
    return found


def commands() -> Iterator[list[str]]:
    """Every call of `huzheng` on the page, in blocks and in running text, as words."""
    page = PAGE.read_text("utf-8")
    for block in blocks():
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.startswith("huzheng "):
                yield shlex.split(line)
    for match in _INLINE.finditer(page):
        yield shlex.split(match[1])


@dataclass
class Shell:
    """A shell in `folder`, whose exports last from block to block."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, heading: str, number: int = 0) -> str:
        """Run the block of this heading that comes `number`-th among those that run; what it wrote. Any command that
        fails fails the test."""
        found = [block for block in blocks() if block.runs and block.heading == heading]
        return self.do(found[number].text)

    def do(self, text: str) -> str:
        """Run these commands."""
        path = f"{self.folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HUZHENG_")}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{text}\nenv -0 > .environment"],
            cwd=self.folder,
            env=clean | self.environment | {"PATH": path, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{text}\n\n{done.stdout}\n{done.stderr}"
        left = dict(one.split("=", 1) for one in (self.folder / ".environment").read_text().split("\0") if "=" in one)
        self.environment |= {name: value for name, value in left.items() if name.startswith("HUZHENG_")}
        return done.stdout


_CALL = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect({address!r})
    asking.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    status, out, error = json.loads(asking.makefile("rb").read())
sys.stdout.write(out)
sys.stderr.write(error)
sys.exit(status)
"""


@contextmanager
def quick_command(folder: Path) -> Iterator[None]:
    """A command `huzheng` in `folder` whose processes are forked with the modules loaded: it starts in no time."""
    address = str(folder / ".huzheng")
    (folder / "huzheng").write_text(_CALL.format(python=sys.executable, address=address))
    (folder / "huzheng").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        threading.Thread(target=_answer, args=(listener, folder), daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def _answer(listener: socket.socket, folder: Path) -> None:
    while True:
        try:
            asking, _ = listener.accept()
        except OSError:
            return
        with asking:
            call = json.loads(asking.makefile("rb").readline())
            process = forking.Process(target=_run, args=(folder, *call))
            process.start()
            process.join()
            said = [(folder / name).read_text("utf-8") for name in (".out", ".error")]
            asking.sendall(json.dumps([process.exitcode, *said]).encode())


def _run(folder: Path, arguments: Sequence[str], where: str, environment: Mapping[str, str]) -> None:
    end_with_parent()
    os.chdir(where)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, ".out"), (2, ".error")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    from ledger_service.cli.run import main
    from ledger_service.client import keystore

    keystore.WORK_FACTOR = keystore.LIGHT_WORK_FACTOR  # as with --light, which the page must not say
    sys.exit(main(arguments))
