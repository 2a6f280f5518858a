"""`huzheng certificate` over a package of a running service."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.certificate.reading import codes_on, fonts_of, joined, page_texts
from tests.cli.command import answer, huzheng
from tests.evidence.conftest import Exported
from tests.evidence.test_commands import NO_NETWORK


def test_it_says_what_verify_says_and_needs_no_network(files: Path) -> None:
    """In a process in which opening a socket or starting a program ends it, and where it is the year 2096."""
    arguments = (
        "certificate",
        files / "case.zip",
        "--trust",
        files / "trust.json",
        "-o",
        files / "first.pdf",
        "--json",
    )
    command = [sys.executable, "-c", NO_NETWORK, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, env=os.environ)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    pdf, package = (files / "first.pdf").read_bytes(), (files / "case.zip").read_bytes()
    assert json.loads(ran.stdout) == {
        "file": str(files / "first.pdf"),
        "sha256": sha256(pdf).hexdigest(),
        "package": sha256(package).hexdigest(),
        "holds": True,
        "missing": [],
    }
    text = joined("".join(page_texts(pdf)))
    verdict = answer("verify", files / "case.zip", "--trust", files / "trust.json")
    said = [
        each[language]
        for name in ("steps", "facts", "restsOn", "neverProved")
        for each in verdict[name]
        for language in ("zh", "en")
    ]
    said += [each["statement"] for each in verdict["statements"]] + [each["sm3"] for each in verdict["documents"]]
    said += [part["withheld"] for each in verdict["statements"] for part in each["parts"] if "withheld" in part]
    said += [sha256((files / "trust.json").read_bytes()).hexdigest()]
    assert [each for each in said if joined(each) not in text] == []
    assert codes_on(pdf, 0) == [f"huzheng:sha256:{sha256(package).hexdigest()}"]
    assert all(fonts_of(pdf).values())
    exported_at = verdict["package"]["exportedAt"]
    assert PdfReader(BytesIO(pdf)).metadata.creation_date.timestamp() == exported_at


def test_the_same_bytes_wherever_the_package_lies(files: Path, tmp_path: Path) -> None:
    (tmp_path / "other.zip").write_bytes((files / "case.zip").read_bytes())
    for name, source in (("one.pdf", files / "case.zip"), ("two.pdf", tmp_path / "other.zip")):
        answer(
            "certificate",
            source,
            "--trust",
            files / "trust.json",
            "-o",
            tmp_path / name,
            "--at",
            "2027-01-15T16:00:00+08:00",
        )
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_parties_and_what_the_fonts_lack(files: Path, tmp_path: Path) -> None:
    parties = {"court": "样例市第一人民法院", "parties": [{"role": "原告", "name": "𠮷某"}]}
    (tmp_path / "parties.json").write_text(json.dumps(parties, ensure_ascii=False), "utf-8")
    ran = huzheng(
        "certificate", files / "case.zip", "--trust", files / "trust.json", "-o", tmp_path / "c.pdf",
        "--parties", tmp_path / "parties.json",
    )  # fmt: skip
    assert ran.status == 0
    assert ran.err.count("\n") == 1 and "𠮷 (U+20BB7)" in ran.err
    assert "样例市第一人民法院" in page_texts((tmp_path / "c.pdf").read_bytes())[0]


def test_a_package_that_does_not_hold_has_a_certificate_that_says_so(
    exported: Exported, files: Path, tmp_path: Path
) -> None:
    changed = bytearray(exported.package)
    changed[len(changed) // 2] ^= 1
    (tmp_path / "case.zip").write_bytes(changed)
    ran = huzheng("certificate", tmp_path / "case.zip", "--trust", files / "trust.json", "-o", tmp_path / "c.pdf")
    assert ran.status == 1 and "DOES NOT HOLD" in ran.out
    assert "证据包未通过核验" in page_texts((tmp_path / "c.pdf").read_bytes())[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--parties", "no-such.json"), "parties file"),
        (("--parties", "trust.json"), "docs/COMMANDS.md"),
        (("--at", "tomorrow"), "--at"),
        (("--root", "trust.json"), "certificate"),
    ],
)
def test_wrong_input_is_told_in_one_line(files: Path, tmp_path: Path, options: tuple[str, str], said: str) -> None:
    name, value = options
    given = files / value if value.endswith(".json") else value
    ran = huzheng(
        "certificate", files / "case.zip", "--trust", files / "trust.json", "-o", tmp_path / "c.pdf", name, given
    )
    assert said in ran.failed_in_one_line(2)
    assert not (tmp_path / "c.pdf").exists()
