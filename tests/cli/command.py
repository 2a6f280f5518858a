"""Runs the installed command `huzheng` as people do: a process of its own, with pipes and no terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(**(environment or {})),
        input=stdin.encode("utf-8"),
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    return Ran(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def answer(*arguments: object, **settings: Any) -> dict[str, Any]:
    """The JSON object of a run that must succeed."""
    ran = huzheng(*arguments, "--json", **settings)
    assert ran.status == 0, (arguments, ran.out, ran.err)
    return ran.object
