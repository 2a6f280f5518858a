"""Runs the command `huzheng` as people do: a process of its own, without a terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.service import run_forked

COMMAND = Path(sys.executable).with_name("huzheng")
PASSPHRASE = "a passphrase of the tests"
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    status: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one JSON object on standard output; fails where there is none, or more."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    def failed_in_one_line(self, status: int) -> str:
        """The error, after checking what every error has: its status, one line, no traceback, no colour codes."""
        assert self.status == status, (self.status, self.out, self.err)
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("huzheng: ")
        assert "Traceback" not in self.out + self.err
        assert "\x1b" not in self.out + self.err
        return lines[0]


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without any setting of ours, but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUZHENG_")}
    return kept | {"HUZHENG_PASSPHRASE": PASSPHRASE} | more


def huzheng(
    *arguments: object, cwd: Path | None = None, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> Ran:
    """Run the command with these arguments, and this on its standard input, until it ends."""
    settings, folder = clean_environment(**(environment or {})), cwd or Path.cwd()
    status, out, err = run_forked([*map(str, arguments)], settings, folder, stdin.encode("utf-8"), TIMEOUT_SECONDS)
    return Ran(status, out.decode("utf-8"), err.decode("utf-8"))


def installed_huzheng(*arguments: object) -> Ran:
    """Run the command as it is installed, by an interpreter of its own."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    return Ran(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def answer(*arguments: object, **settings: Any) -> dict[str, Any]:
    """The JSON object of a run that must succeed."""
    ran = huzheng(*arguments, "--json", **settings)
    assert ran.status == 0, (arguments, ran.out, ran.err)
    return ran.object
