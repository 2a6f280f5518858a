"""Static analysis of the contracts by slither, apart from the project's environment (it needs another web3).

    python -m scripts.slither

Every finding is either fixed or argued in docs/adr/0014; one that is neither fails, and so does an argued one that
slither no longer finds, because then the argument is about nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.bootstrap import NODE_MODULES, ROOT, UV, node_command
from scripts.outcome import Outcome

SLITHER = "slither-analyzer==0.11.6"
ARGUED = frozenset(
    {
        "unused-return: SigningDomain.signerOf",
        "assembly: LogProof._climb",
        "assembly: LogProof._bounds",
        "assembly: LogProof._read",
        "assembly: LogProof._parent",
        "costly-loop: InstitutionRegistry._record",
    }
)
"""`detector: contract.function`; docs/adr/0014-what-slither-says.md argues each."""


class NotAvailable(Exception):
    """The analysis could not be made here; the message says why."""


def check(name: str) -> Outcome:
    """The outcome for the contracts of this tree; skipped where slither cannot be had, failed there under CI."""
    try:
        found = findings(ROOT / "contracts")
    except NotAvailable as missing:
        if os.environ.get("CI") == "true":
            return Outcome(name, 0, 1, note=f"{missing} (CI skips nothing)")
        return Outcome(name, 0, 0, skips=(f"slither: {missing}",))
    wrong = [f"not argued: {finding}" for finding in sorted(found - ARGUED)]
    wrong += [f"argued, and not found any more: {finding}" for finding in sorted(ARGUED - found)]
    print("\n".join(wrong) or f"holds: {len(found)} findings, all argued in docs/adr/0014", flush=True)
    return Outcome(name, passed=int(not wrong), failed=len(wrong))


def findings(contracts: Path) -> set[str]:
    """What slither finds in these contracts, as `detector: contract.function`. Raises `NotAvailable`."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        tests = shutil.ignore_patterns("test")
        shutil.copytree(contracts, project / "contracts", ignore=tests)
        for file in ("hardhat.config.js", "package.json"):
            shutil.copy(ROOT / file, project / file)
        (project / "node_modules").symlink_to(NODE_MODULES)
        _compile(project)
        return read_report(_analyse(project))


def read_report(report: str) -> set[str]:
    """The findings in slither's JSON report, each once. Raises `NotAvailable` where it is none."""
    try:
        answer = json.loads(report)
        detectors = answer["results"].get("detectors", [])
        if not answer["success"]:
            raise NotAvailable(f"slither failed: {str(answer['error'])[:200]}")
        return {f"{found['check']}: {_place(found['elements'][0])}" for found in detectors}
    except (ValueError, KeyError, IndexError, TypeError):
        raise NotAvailable("slither gave no report") from None


def _place(element: dict) -> str:
    parent = element.get("type_specific_fields", {}).get("parent", {})
    owner = parent.get("name", "") if parent.get("type") == "contract" else ""
    return f"{owner}.{element['name']}" if owner else element["name"]


def _compile(project: Path) -> None:
    command = [*node_command(), str(NODE_MODULES / "hardhat" / "dist" / "src" / "cli.js"), "build"]
    done = subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise NotAvailable(f"the contracts do not compile: {(done.stdout + done.stderr)[-300:]}")


def _analyse(project: Path) -> str:
    report = project / "report.json"
    command = [str(UV), "tool", "run", "--quiet", "--from", SLITHER, "slither", ".", "--ignore-compile"]
    command += ["--filter-paths", "node_modules", "--json", str(report)]
    done = subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if not report.exists():
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NotAvailable(f"{SLITHER} could not be run: {last[:200]}")
    return report.read_text("utf-8")


if __name__ == "__main__":
    outcome = check("slither")
    print("\n".join(outcome.skips) or outcome.note, file=sys.stderr)
    sys.exit(1 if outcome.failed else 0)
