"""What was brought in from another log: checked again with that log's trust file, NOT_CHECKED without it; what got past
the door is named."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.core.trust import Trust, format_trust
from ledger_service.cli import main
from ledger_service.originals import TrustedOrigins
from ledger_service.storage.reader import SqlReader
from ledger_service.storage.rulebook import SqlGrounds
from ledger_service.usecases.responsibility import Responsibility
from ledger_service.usecases.rule_book import RuleBook
from ledger_service.usecases.submission import content_of, decode_parts
from tests.audit.test_broken_rules import broken_in_figures, figures
from tests.audit.test_replayed_decisions import TOLD, Town
from tests.audit.world import ORIGINALS, World, change, copy_database, make_world, place
from tests.fixtures.chain import ScratchChain
from tests.fixtures.other_log import OtherLog, bring_in, original
from tests.fixtures.signer import document, example, links


@pytest.fixture(scope="module")
def told(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, OtherLog]]:
    """A report of another log, brought in, opened and recognised; then its later version and its withdrawal."""
    world = make_world(module_chain, f"sqlite:///{tmp_path_factory.mktemp('imports') / 'ledger.sqlite'}")
    other, hospital = OtherLog(), world.signers[0]
    report = other.add(other.hospital.issued())
    amended = other.add(other.hospital.amended(report))
    withdrawn = other.add(other.hospital.withdrawn(amended))
    first = bring_in(hospital, other, report)
    opened = hospital.granted(first)
    recognised = hospital.recognised(opened, first)
    second = bring_in(hospital, other, amended, replaces=first)
    world.submit(first, opened, recognised, second, bring_in(hospital, other, withdrawn, replaces=second))
    world.settle()
    yield world, other
    world.engine.dispose()


def test_with_the_other_logs_trust_file_everything_is_checked(told: tuple[World, OtherLog]) -> None:
    result = told[0].audit(originals=ORIGINALS)
    assert result.holds and not result.findings.left, result.findings.faults
    assert (result.findings.counts["originals"], result.findings.counts["originals not checked"]) == (3, 0)


def test_without_it_nothing_is_claimed_of_the_proofs(told: tuple[World, OtherLog]) -> None:
    result = told[0].audit()
    assert result.holds
    assert (result.findings.counts["originals"], result.findings.counts["originals not checked"]) == (0, 3)
    (left,) = result.findings.left
    assert left.count == 3 and left.first.found.startswith("no trust file names ")
    assert (result.findings.state(6), result.findings.warnings) == ("NOT_CHECKED", [])


def test_a_trust_file_by_which_the_proofs_fail(told: tuple[World, OtherLog]) -> None:
    """One of the same log made by somebody else: each import is named, and has no effect."""
    forged: Trust = OtherLog(seed=8).trust()
    result = told[0].audit(originals=TrustedOrigins([forged]))
    assert place(result.findings.first) == ("entries", "0", "original-key-unknown")
    assert not result.holds


def test_the_index_that_the_import_has_there_is_derived_again(told: tuple[World, OtherLog], tmp_path: Path) -> None:
    path = copy_database(told[0], tmp_path)
    url = change(path, """UPDATE entries SET links = '{"original":7}' WHERE position = 0""")
    assert place(told[0].audit(url, originals=ORIGINALS).findings.first) == ("entries", "0", "links")


def test_imports_that_got_past_the_door_are_named(module_chain: ScratchChain, tmp_path: Path) -> None:
    world = make_world(module_chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    other, forger, hospital = OtherLog(), OtherLog(seed=8), world.signers[0]
    report, forged = other.add(other.hospital.issued()), forger.add(forger.hospital.issued())
    wrong = {
        "original-key-unknown": bring_in(hospital, forger, forged),
        "original-differs": bring_in(hospital, other, report, link=original(other, report, index=5)),
        "link-refused": bring_in(hospital, other, report, subject=report.subject),
        "subject-reserved": hospital.issued(bring_in(world.signers[1], other, report).subject),
    }
    at = {code: str(world.slip_in(signed)) for code, signed in wrong.items()}
    hospital.sequence = len(wrong)
    for signed in wrong.values():
        world.count_number(signed)
    world.submit(bring_in(world.signers[2], other, report))
    world.settle()
    result = world.audit(originals=ORIGINALS)
    named = {fault.first.what: fault.first.key for fault in result.findings.faults}
    assert named == at
    # That a proof holds is the audit's to check; all else is judged alike.
    assert broken_in_figures(world) == {code: 1 for code in wrong if code != "original-key-unknown"}
    world.engine.dispose()


def test_the_command_takes_trust_files_of_other_logs(
    told: tuple[World, OtherLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, other = told
    (tmp_path / "trust.json").write_bytes(format_trust(world.trust()))
    (tmp_path / "other.json").write_bytes(other.trust_file())
    given = ["audit", "--database", world.database, "--trust", str(tmp_path / "trust.json"), "--rpc", world.chain.url]
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked"]["originals not checked"] == 3
    assert main([*given, "--foreign-trust", str(tmp_path / "other.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked"]["originals"] == 3
    twice = ["--foreign-trust", str(tmp_path / "other.json")] * 2
    assert main([*given, *twice]) == 2
    assert "two trust files name the log" in capsys.readouterr().err


BESIDE = example("examination", category="imaging", item="S-002")
"""What a hospital says beside a proof. Nobody asks it of another log's report."""


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "withheld"])
def test_what_was_examined_is_read_out_of_the_proof_by_everybody(
    module_chain: ScratchChain, tmp_path: Path, shown: bool
) -> None:
    """The view of responsibility, the figures and the audit: nothing beside the proof counts, and no correction."""
    town = Town(make_world(module_chain, f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    world, hospital, other = town.world, town.peer, OtherLog()
    town.rules()
    profile = example("profile", institution=other.hospital.institution, tier=3)
    granted = example("qualification", institution=other.hospital.institution)
    town.say(
        town.bureau.sign("institution.profiled", secrets.token_bytes(32), profile),
        town.quality.sign("qualification.granted", secrets.token_bytes(32), granted),
    )
    examined = example("examination", channel="platform")
    report = other.add(other.hospital.sign("report.issued", secrets.token_bytes(32), document(), examined))
    proof = other.proof(report, withhold=frozenset() if shown else frozenset({"examination"}))
    imported = bring_in(hospital, other, report, proof=proof, beside=(BESIDE,))
    wrong = (example("correction", parts=["examination"]), BESIDE, links(corrects=imported))
    town.say(imported, hospital.sign("statement.corrected", imported.subject, *wrong))
    town.decide("imported", imported)
    world.settle()

    reader, grounds = SqlReader(world.engine), SqlGrounds(world.engine)
    view = Responsibility(reader, world.tree, world.view, grounds, RuleBook(grounds))
    facts = view.of(imported.subject, lambda found: [content_of(decode_parts(each.parts)) for each in found])
    assert [fact.says for fact in facts if fact.code == "eligible"] == ["yes" if shown else "unknown"]
    assert [fact.says for fact in facts if fact.code == "qualified"] == ["granted" if shown else "unknown"]

    result = world.audit(originals=ORIGINALS)
    assert result.holds, result.findings.faults
    told = {name: count for name, count in result.findings.counts.items() if name in TOLD}
    assert told == {"decisions": 1, "recognisable" if shown else "cannot be told: facts not stated": 1}

    rows = figures(world).rows
    counted = {row.value for row in rows if (row.by, row.figure) == ("item", "recognitions")}
    assert counted == {("SAMPLE-local", "S-001") if shown else ("", "")}
    world.engine.dispose()
