"""Whoever follows docs/OPERATIONS.md to the letter gets there: a ledger is installed, a hospital joins, the service is
killed and brought back, keys are rotated and revoked, a lost database is restored."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import typer.main

from ledger_service.cli.run import VERBS, _application
from scripts.city.service import HUZHENG, free_port
from tests.architecture.tree import ROOT, text_of, tracked
from tests.fixtures.chain import ScratchChain
from tests.operations.runbook import PAGE, Shell, blocks, commands, quick_command

ORIGIN = "ledger.example/runbook"
FUNDS = hex(10**20)


def test_every_command_is_one() -> None:
    called = list(commands())
    assert len(called) > 30
    for words in called:
        check_command(words)


def check_command(words: list[str]) -> None:
    """The command line takes these words: verb, arguments and options."""
    assert words[1] in VERBS, words
    command, rest = typer.main.get_command(_application(words[1:])), words[1:]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
    assert {word for word in rest if word.startswith("-")} <= options, (words, options)


def test_a_wrong_command_is_caught() -> None:
    for wrong in ("huzheng serve --fast", "huzheng keys remove x", "huzheng start"):
        with pytest.raises(AssertionError):
            check_command(wrong.split())


def test_every_reason_is_given_by_the_service() -> None:
    table = PAGE.read_text("utf-8").split("## Reading /readyz")[1].split("## Reading the log")[0]
    reasons = re.findall(r"`([^`]+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    source = "".join(text_of(file) or "" for file in tracked(".py") if file.parts[0] == "ledger_service")
    workers = ("follow: ", "integrate: ", "witness: ")
    missing = [reason for reason in reasons if reason not in workers and reason not in source]
    assert len(reasons) > 10 and missing == []


class Service:
    """What systemd does on the page."""

    def __init__(self, shell: Shell):
        self._shell = shell
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """`systemctl start`."""
        environment = {**os.environ, **self._shell.environment, "HUZHENG_KEYS": "keys"}
        with (self._shell.folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [HUZHENG, "serve"], cwd=self._shell.folder, env=environment, stdout=log, stderr=log
            )

    def end(self, number: int) -> None:
        """Send a signal and wait."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)


def test_following_the_page(module_chain: ScratchChain, tmp_path: Path) -> None:
    with quick_command(tmp_path):
        follow_the_page(module_chain, tmp_path)


def follow_the_page(module_chain: ScratchChain, tmp_path: Path) -> None:
    """All of it, in the order in which it happens to an operator."""
    port = free_port()
    shell = Shell(
        tmp_path,
        {
            "HUZHENG_ORIGIN": ORIGIN,
            "HUZHENG_RPC": module_chain.url,
            "HUZHENG_DATABASE": "sqlite:///ledger.db",
            "HUZHENG_ADMINISTRATOR": "keys/administrator.json",
            "HUZHENG_TRUST": "trust.json",
            "HUZHENG_PORT": str(port),
            "HUZHENG_URL": f"http://127.0.0.1:{port}",
            "HUZHENG_CLOCK_SECONDS": "86400",
        },
    )
    service = Service(shell)
    install(shell, module_chain)
    try:
        service.start()
        shell.do('curl --silent --retry 60 --retry-delay 1 --retry-all-errors --fail "$HUZHENG_URL/readyz"')
        shell.run("Start")
        add_hospital(shell)
        record(shell)
        service.end(signal.SIGKILL)
        service.start()
        shell.run("A killed node, brought back", 0)
        # Nobody makes a backup in the second after the first statement: it would lack the checkpoint that covers it.
        shell.do("""until curl --silent --fail "$HUZHENG_URL/metrics" | grep '^huzheng_entries{state="integrated"} 1'
        do sleep 0.2; done""")
        shell.run("Backup")
        assert "THE LEDGER HOLDS" in shell.run("A killed node, brought back", 1)
        rotate_and_revoke(shell)
        service.end(signal.SIGTERM)
        restore(shell)
        service.start()
        shell.run("A killed node, brought back", 0)
    finally:
        service.end(signal.SIGKILL)


def install(shell: Shell, chain: ScratchChain) -> None:
    """First installation."""
    shell.run("Keys")
    for key in ("administrator", "relay"):
        chain.rpc("anvil_setBalance", address_in(shell.do(f"huzheng keys show keys/{key}.json")), FUNDS)
    deployed = shell.run("Contracts, operator, log", 0)
    found = dict(re.findall(r"^(registry|witness|block)\s+(\S+)", deployed, re.MULTILINE))
    shell.environment |= {
        "HUZHENG_REGISTRY": found["registry"],
        "HUZHENG_WITNESS": found["witness"],
        "HUZHENG_START_BLOCK": found["block"],
        "HUZHENG_OPERATOR_TOKEN_FILE": "secrets/operator_token",
        "TOKEN": (shell.folder / "secrets" / "operator_token").read_text().strip(),
    }
    shell.run("Contracts, operator, log", 1)


def add_hospital(shell: Shell) -> None:
    """A hospital makes its key, the administrator admits it."""
    said = shell.run("Adding one", 0)
    shell.environment |= {
        "ADDRESS": address_in(said),
        "CONSENT": re.search(r"0x[0-9a-f]{130}", said)[0],
        "ACCEPTANCE": "0x" + "5a" * 32,
    }
    assert "SAMPLE-HOSPITAL-01" in shell.run("Adding one", 1)


def record(shell: Shell) -> None:
    """The hospital says something."""
    sample = ROOT / "samples" / "hl7v2" / "blood-count.hl7"
    shell.do(
        "huzheng record report.issued --key keys/hospital.json --trust trust.json --store hospital.sqlite "
        f"--subject 0x{'07' * 32} --document {sample}"
    )


def rotate_and_revoke(shell: Shell) -> None:
    """Another receipt key; the hospital's key is revoked; it is suspended for a while."""
    shell.environment["OLD"] = address_in(shell.run("Keys and their rotation", 0).rpartition("receipt.json")[2])
    shell.do("mv keys/receipt-2.json keys/receipt.json")
    shell.run("Keys and their rotation", 1)
    assert re.search(r"end sequence\s+1\b", shell.run("Revoking a key"))
    shell.run("Suspending, resuming, leaving")


def restore(shell: Shell) -> None:
    """The database is lost, and comes back from the backup."""
    (shell.folder / "ledger.db").unlink()
    shell.environment |= {
        "HUZHENG_DATABASE": "sqlite:///restored.db",
        "HUZHENG_KEYS": "keys",
        "BACKUP": str(next((shell.folder / "backups").iterdir())),
    }
    shell.run("Restore", 0)
    released = shell.run("Restore", 1)
    assert "THE LEDGER HOLDS" in released


def address_in(text: str) -> str:
    """The address that a person would read there."""
    return re.search(r"0x[0-9a-f]{40}\b", text)[0]


def test_what_is_not_run_is_little() -> None:
    """A new block is run unless it needs what no test can have: systemd, a journal, Docker, validators."""
    needs = (
        "systemctl",
        "journalctl",
        "docker",
        "/etc/huzheng",
        "qbft_",
        "local_chain",
        "hospital-02",
        "SAMPLE-HOSPITAL-02",
    )
    idle = [block for block in blocks() if not block.runs]
    assert [block.text for block in idle if not any(word in block.text for word in needs)] == []
    assert sum(block.runs for block in blocks()) >= 14
