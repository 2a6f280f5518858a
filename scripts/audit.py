"""Known vulnerabilities in what the lock files name: Python packages by pip-audit, Node packages by npm.

    python -m scripts.audit        0: none is known; 1: there are; 3: nothing could be asked

`scripts/test` runs it too, shows what it finds, and does not fail for it (CONTRIBUTING.md says why).
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap import ROOT, UV, node_command, npm_program
from scripts.outcome import Outcome

PIP_AUDIT = "pip-audit==2.10.1"
WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Audit:
    """What was learnt: packages asked about, known vulnerabilities, and why some or all could not be asked about."""

    asked: int = 0
    known: tuple[str, ...] = ()
    unasked: str = ""


def check(name: str) -> Outcome:
    """Both audits as one outcome. What is known is printed and noted; it fails nothing here."""
    audits = {"pip-audit": python_packages(), "npm audit": node_packages()}
    known = [line for audit in audits.values() for line in audit.known]
    print("\n".join(known) or "nothing known" if any(audit.asked for audit in audits.values()) else "nothing asked")
    skips = tuple(f"{tool}: {audit.unasked}" for tool, audit in audits.items() if audit.unasked)
    note = f"{len(known)} KNOWN VULNERABILITIES, see above" if known else ""
    return Outcome(name, sum(bool(audit.asked) for audit in audits.values()), 0, skips, note)


def python_packages() -> Audit:
    """Every package of uv.lock, development ones too, by the advisories of the package index."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        export = [str(UV), "export", "--frozen", "--no-emit-project", "--no-hashes", "--quiet", "-o", str(listed)]
        if (done := _run(export)) is None or done.returncode:
            return Audit(unasked="uv could not list the packages")
        audit = [str(UV), "tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit", "--requirement", str(listed)]
        done = _run([*audit, "--no-deps", "--disable-pip", "-s", "pypi", "--progress-spinner=off", "--format=json"])
        return read_pip_audit(done.stdout) if done else Audit(unasked="no answer in time")


def read_pip_audit(report: str) -> Audit:
    """What pip-audit's JSON report says."""
    try:
        packages = json.loads(report)["dependencies"]
        asked = [package for package in packages if "vulns" in package]
        known = tuple(
            f"{package['name']} {package['version']}: {found['id']}, mended in {' '.join(found['fix_versions']) or '-'}"
            for package in asked
            for found in package["vulns"]
        )
    except (ValueError, KeyError, TypeError):
        return Audit(unasked=f"{PIP_AUDIT} could not be run")
    unasked = len(packages) - len(asked)
    return Audit(len(asked), known, f"no advisories for {unasked} of {len(packages)} packages here" if unasked else "")


def node_packages() -> Audit:
    """Every package of package-lock.json, by the registry's audit endpoint."""
    done = _run([*node_command(), str(npm_program()), "audit", "--json", "--package-lock-only"])
    return read_npm_audit(done.stdout) if done else Audit(unasked="no answer in time")


def read_npm_audit(report: str) -> Audit:
    """What npm's JSON report says."""
    try:
        answer = json.loads(report)
        if "vulnerabilities" not in answer:
            return Audit(unasked=f"the registry does not answer: {answer.get('message', 'no reason given')[:120]}")
        known = tuple(
            f"{name}: {found['severity']}, {found['range']}" for name, found in answer["vulnerabilities"].items()
        )
        return Audit(answer["metadata"]["dependencies"]["total"], known)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Audit(unasked="npm gave no report")


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    outcome = check("audit")
    print("\n".join(outcome.skips), file=sys.stderr)
    sys.exit(1 if outcome.note else 0 if outcome.passed else 3)
