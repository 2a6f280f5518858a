"""The static analysis finds what it should, and says so when it did not look."""

import json
import shutil
from pathlib import Path

import pytest

from scripts import slither
from scripts.bootstrap import ROOT
from tests.fixtures.availability import missing

PLANTED = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

contract Planted {
    mapping(address => uint256) private _owed;

    function pay() external {
        (bool done,) = msg.sender.call{value: _owed[msg.sender]}("");
        require(done);
        _owed[msg.sender] = 0;
    }
}
"""


def test_a_planted_fault_is_found_beside_what_is_argued(tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    shutil.copytree(ROOT / "contracts", contracts, ignore=shutil.ignore_patterns("test"))
    (contracts / "Planted.sol").write_text(PLANTED)
    try:
        found = slither.findings(contracts)
    except slither.NotAvailable as error:
        missing(str(error))
    assert found >= slither.ARGUED
    assert {finding.partition(":")[0] for finding in found - slither.ARGUED} >= {"reentrancy-eth"}
    assert all("Planted.pay" in finding for finding in found - slither.ARGUED)


@pytest.mark.parametrize("report", ["", "{}", "[]", '{"success": false, "error": "no", "results": {}}'])
def test_no_report_is_no_clean_report(report: str) -> None:
    with pytest.raises(slither.NotAvailable):
        slither.read_report(report)


def test_a_report_without_findings_is_one() -> None:
    assert slither.read_report('{"success": true, "error": null, "results": {}}') == set()


def test_a_finding_is_named_by_its_place() -> None:
    element = {"name": "pay", "type_specific_fields": {"parent": {"type": "contract", "name": "Planted"}}}
    report = {"success": True, "results": {"detectors": [{"check": "reentrancy-eth", "elements": [element]}]}}
    assert slither.read_report(json.dumps(report)) == {"reentrancy-eth: Planted.pay"}


def test_every_argued_finding_is_argued() -> None:
    page = (ROOT / "docs" / "adr" / "0014-what-slither-says.md").read_text("utf-8")
    for finding in slither.ARGUED:
        detector, _, place = finding.partition(": ")
        assert f"`{detector}: " in page and place in page
