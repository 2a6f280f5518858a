"""The audits of dependencies tell apart: nothing known, something known, nobody asked."""

import json

from scripts.audit import Audit, read_npm_audit, read_pip_audit

PIP_REPORT = {
    "dependencies": [
        {"name": "sound", "version": "1.0", "vulns": []},
        {"name": "hollow", "version": "2.0", "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["2.1"]}]},
        {"name": "private", "skip_reason": "Dependency not found"},
    ],
    "fixes": [],
}
NPM_REPORT = {
    "vulnerabilities": {"hollow": {"severity": "high", "range": "<2.1"}},
    "metadata": {"dependencies": {"total": 12}},
}


def test_pip_audit() -> None:
    assert read_pip_audit(json.dumps(PIP_REPORT)) == Audit(
        2, ("hollow 2.0: PYSEC-0000-1, mended in 2.1",), "no advisories for 1 of 3 packages here"
    )
    sound = {"dependencies": PIP_REPORT["dependencies"][:1]}
    assert read_pip_audit(json.dumps(sound)) == Audit(1)


def test_npm_audit() -> None:
    assert read_npm_audit(json.dumps(NPM_REPORT)) == Audit(12, ("hollow: high, <2.1",))
    sound = NPM_REPORT | {"vulnerabilities": {}}
    assert read_npm_audit(json.dumps(sound)) == Audit(12)


def test_who_was_not_asked_did_not_say_that_nothing_is_known() -> None:
    for read in (read_pip_audit, read_npm_audit):
        for report in ("", "[]", "{}", '{"message": "405 Method Not Allowed"}'):
            audit = read(report)
            assert audit.unasked and not audit.asked and not audit.known
