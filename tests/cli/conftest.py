"""`here`: the command inside the test's own process, for the many cases that need no process of their own."""

from collections.abc import Callable

import pytest

from ledger_service.cli import main
from tests.cli.command import PASSPHRASE, Ran

Here = Callable[..., Ran]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """`here("verify", …)` calls what the command calls and gives its status and output."""
    monkeypatch.setenv("HUZHENG_PASSPHRASE", PASSPHRASE)

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return call
