"""The end of the story: a case is disputed, held, exported into one file, and judged from that file alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from anchors.core.encoding import encode_hex
from anchors.core.trust import Trust
from anchors.evidence import members as forms
from anchors.evidence.build import Exporter, add_members
from ledger_service.client.api import Api
from ledger_service.client.exported import export_part, part_names
from ledger_service.usecases.judge_evidence import JudgedPackage, judge_evidence
from scripts.city.acts import Act
from scripts.city.documents import OF_FOLDER
from scripts.city.founding import City, Institution, derive_secret
from scripts.city.story import Case

WITHIN_SECONDS = 60
BASIS = "synthetic case SAMPLE-2026-001"


class ExportFailed(Exception):
    """There is no package that holds; the message says why."""


@dataclass(frozen=True)
class Exported:
    """The package, how many of its steps ended in each state, and the seconds of judging it."""

    package: bytes
    claims: dict[str, int]
    seconds: float


def disputing_acts(case: Case, seed: str, commission: Institution) -> list[Act]:
    """The hospital that relied on the report opens a dispute about it; the commission has the evidence held."""
    report, dispute = case.acts[0].name, _dispute(case)
    basis = {"basis": {"basis": BASIS}}
    opened = {"about": report}
    return [
        Act(dispute, 0, _reader(case), "dispute.opened", derive_secret(seed, dispute), opened, parts=basis),
        Act(
            f"{report}/hold",
            0,
            commission,
            "hold.placed",
            derive_secret(seed, f"{report}/hold"),
            {"about": report, "dispute": dispute},
            parts=basis,
        ),
    ]


def _reader(case: Case) -> Institution:
    """The first that had to do with another's report; its issuer where nobody had."""
    issuer = case.acts[0].by
    return next((act.by for act in case.acts if act.by is not issuer), issuer)


def _dispute(case: Case) -> str:
    """The name of the act that opens the dispute."""
    return f"{case.acts[0].name}/dispute"


def fetch_package(api: Api, city: City, case: Case, samples: Path, missing: Callable[[], int]) -> bytes:
    """The package about a case as its first reader exports it, with the original document where the folder has it.
    `missing` tells how many heads have no block proof yet."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while missing() and time.monotonic() < deadline:
        time.sleep(0.2)
    package = api.evidence({"subject": encode_hex(case.subject)})
    reader = _reader(case)
    exporter = Exporter(reader.code, reader.secret, int(time.time()), f"huzheng {version('huzheng')}")
    return add_members(package, _originals(case, samples), city.domain, exporter)


def _originals(case: Case, samples: Path) -> dict[str, bytes]:
    """Files of the folder that reports of the case are about; synthetic documents are in no folder."""
    originals = {}
    for act in case.acts:
        file = samples / act.report.number.removeprefix(OF_FOLDER) if act.report is not None else samples
        if act.subject == case.subject and file.is_file():
            originals[f"{forms.DOCUMENTS}/{act.report.document.sha256.hex()}"] = file.read_bytes()
    return originals


def judge_package(package: bytes, trust: Trust) -> tuple[Exported, JudgedPackage]:
    """Judge it offline. Raises `ExportFailed` where it does not hold, or its blocks are not proved."""
    began = time.perf_counter()
    judged = judge_evidence(package, trust)
    seconds = time.perf_counter() - began
    report = judged.package.report
    wrong = report.why_not() or (None if report.verified("blocks") else report.step("blocks"))
    if wrong is not None:
        raise ExportFailed(f"step {wrong.number} ({wrong.claim}): {wrong.said.en}")
    return Exported(package, report.counts(), round(seconds, 3)), judged


def exported_act(case: Case, package: bytes, judged: JudgedPackage) -> Act:
    """What the reader signs about the package."""
    names = part_names(told.content for told in judged.package.statements)
    return Act(
        f"{case.acts[0].name}/exported",
        0,
        _reader(case),
        "evidence.exported",
        case.subject,
        {"about": case.acts[0].name, "dispute": _dispute(case)},
        parts={"export": export_part(package, *names)},
    )
