"""The command as a whole: its verbs, its errors, its pipes."""

import json
import subprocess
from pathlib import Path

import pytest

from ledger_service.cli import run
from tests.cli.command import COMMAND, clean_environment, installed_huzheng
from tests.cli.conftest import Here


def test_help_names_every_verb() -> None:
    ran = installed_huzheng("--help")
    assert ran.status == 0
    for verb in run.VERBS:
        assert verb in ran.out


@pytest.mark.parametrize("verb", sorted(run.VERBS))
def test_every_verb_has_help(verb: str, here: Here) -> None:
    ran = here(verb, "--help")
    assert ran.status == 0, ran.err
    assert "Usage: huzheng" in ran.out


@pytest.mark.parametrize("call", [(), ("chain",), ("keys",), ("institution",), ("stream",)], ids=" ".join)
def test_a_call_without_a_verb_is_answered_with_the_help(call: tuple[str, ...], here: Here) -> None:
    ran = here(*call)
    assert ran.status == 2 and ran.out == ""
    assert ran.err.startswith(f"Usage: {' '.join(('huzheng', *call))} ") and ran.err.count("\n") > 8
    assert "--json" not in call and here(*call, "--json").status == 2


def test_a_verbs_help_is_its_own(here: Here) -> None:
    assert "Exit status 0: every proof holds" in " ".join(here("verify", "--help").out.split())
    assert run.VERBS["verify"] in here("--help").out
    assert "postgresql://" in here("audit", "--help").out


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (("timeline", "0x" + "1" * 64), "give --key and --trust to sign in, or --token (HUZHENG_OPERATOR_TOKEN)"),
        (("find", "1" * 64), "give --key and --trust to sign in, or --token (HUZHENG_OPERATOR_TOKEN)"),
        (("institution", "freeze-key", "0x12"), "give --token or set HUZHENG_OPERATOR_TOKEN"),
    ],
)
def test_who_may_read_is_asked_for_by_name(call: tuple[str, ...], asked: str, here: Here, monkeypatch) -> None:
    monkeypatch.delenv("HUZHENG_OPERATOR_TOKEN", raising=False)
    assert asked in here(*call).failed_in_one_line(2)


def test_an_audit_of_a_path_is_told_what_a_url_is(here: Here) -> None:
    line = here("audit", "--database", "/x", "--trust", "t", "--rpc", "http://127.0.0.1:9").failed_in_one_line(2)
    assert "give a URL such as sqlite:///ledger.sqlite or postgresql://" in line


def test_version() -> None:
    ran = installed_huzheng("--version")
    assert ran.status == 0 and ran.out.startswith("huzheng ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-verb",),
        ("verify",),
        ("verify", "--no-such-option"),
        ("keys", "no-such-verb"),
        ("keys", "new", "--purpose"),
        ("keys", "show"),
        ("timeline",),
        ("timeline", "0x12"),
        ("timeline", "0x" + "1" * 64, "--url", "ftp://nowhere"),
        ("timeline", "0x" + "1" * 64, "--url", "http://["),
        ("prove", "not-hex"),
        ("record", "--key", "k", "--trust", "t"),
        ("institution", "revoke-key", "0x12", "--rpc", "http://127.0.0.1:9", "--registry", "0x12"),
        ("institution", "suspend", "X", "--rpc", "x", "--registry", "0x" + "1" * 40),
        ("stream", "status", "--store", "no-such-store"),
        ("chain", "status", "--rpc", "http://127.0.0.1:9", "--trust", "no-such-file"),
    ],
    ids=" ".join,
)
def test_wrong_calls_are_told_in_one_line(
    arguments: tuple[str, ...], tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here(*arguments).failed_in_one_line(2)
    as_json = here(*arguments, "--json")
    assert as_json.status == 2
    assert as_json.object["exit"] == 2 and as_json.object["error"]


def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    line = installed_huzheng("institution", "list", "--url", "http://127.0.0.1:9").failed_in_one_line(2)
    assert "is the service running there?" in line


def test_a_reader_that_goes_away_gets_no_traceback(tmp_path: Path) -> None:
    document = tmp_path / "document.txt"
    document.write_bytes(b"x")
    process = subprocess.Popen(
        [COMMAND, "attest", *[document] * 2000],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    )
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    process.wait(60)
    assert "Traceback" not in errors and "Exception ignored" not in errors


def test_an_interrupt_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger_service.cli.attest.read_document", interrupted)
    assert run.main(["attest", str(COMMAND)]) == 130
    assert capsys.readouterr().err.startswith("huzheng: interrupted")


def test_an_error_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("ledger_service.cli.attest.read_document", broken)
    assert run.main(["attest", str(COMMAND), "--json"]) == 2
    captured = capsys.readouterr()
    assert "RuntimeError: two lines" in json.loads(captured.out)["error"]
    assert captured.err.count("\n") == 1


def test_without_unicode_the_output_is_still_readable(tmp_path: Path) -> None:
    document = tmp_path / "报告.txt"
    document.write_bytes("报告".encode())
    done = subprocess.run(
        [COMMAND, "attest", document],
        capture_output=True,
        env=clean_environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0"),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u62a5\\u544a.txt" in done.stdout
