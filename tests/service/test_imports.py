"""Reports of another city's log: brought in by their proof, opened, recognised, declined, repeated; and every way in
which the proof may be wrong."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from anchors import Part
from anchors.core.tlog_proof import Extra, TlogProof
from ledger_service.originals import import_subject
from ledger_service.recognition.figures import Figures
from tests.fixtures.ledger import LABORATORY, Ledger
from tests.fixtures.other_log import ORIGIN, OtherLog, bring_in, original
from tests.fixtures.signer import Signed, Signer, document, example, links, policy
from tests.service.test_statistics import counted


@dataclass(frozen=True)
class Scene:
    """Another log with a report in two versions and a withdrawal, and a hospital here that has not heard of them."""

    hospital: Signer
    other: OtherLog
    report: Signed
    amended: Signed
    withdrawn: Signed


@pytest.fixture
def scene(ledger: Ledger) -> Iterator[Scene]:
    other = OtherLog()
    report = other.add(other.hospital.issued())
    for _ in range(5):
        other.add(other.hospital.issued())
    amended = other.add(other.hospital.amended(report))
    yield Scene(ledger.signer(1), other, report, amended, other.add(other.hospital.withdrawn(amended)))


def taken(ledger: Ledger, *statements: Signed) -> None:
    outcomes = ledger.submit(*statements).outcomes
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes


def test_a_report_of_another_log_is_recognised_declined_and_repeated(ledger: Ledger, scene: Scene) -> None:
    hospital = scene.hospital
    imported = bring_in(hospital, scene.other, scene.report)
    subject = imported.subject
    reminder = hospital.sign("reminder.shown", subject, example("reminder"), links(report=imported))
    opened = hospital.granted(imported)
    decisions = [hospital.recognised(opened, imported), hospital.declined(opened, imported)]
    order, result = hospital.repeat_ordered(opened, imported), hospital.issued()
    told = [hospital.denied(imported), hospital.emergency(imported), hospital.repeat_resulted(order, result)]
    # Signed in this order, so sent in it: one key, one stream.
    everything = [imported, reminder, opened, *decisions, order, result, *told]
    taken(ledger, *everything)
    items = ledger.get(f"/v1/subjects/0x{subject.hex()}", token=True).json()["items"]
    assert [item["statement"] for item in items] == [each.name for each in everything if each is not result]


def test_what_is_not_the_newest_that_is_known_here_is_recognised_knowingly(ledger: Ledger, scene: Scene) -> None:
    hospital, knowingly = scene.hospital, Part.create("knowingly", {"version": "superseded"})
    imported = bring_in(hospital, scene.other, scene.report)
    opened = hospital.granted(imported)
    later = bring_in(hospital, scene.other, scene.amended, replaces=imported)
    unsaid = hospital.recognised(opened, imported)
    assert ledger.submit(imported, opened, later, unsaid).outcomes[3] == "not-said-knowingly"
    hospital.sequence -= 1
    said = (policy(), links(access=opened, report=imported), knowingly)
    taken(ledger, hospital.sign("recognition.accepted", imported.subject, *said))
    withdrawal = bring_in(hospital, scene.other, scene.withdrawn, replaces=later)
    assert ledger.submit(withdrawal, hospital.recognised(opened, imported)).outcomes[1] == "not-said-knowingly"


def test_each_institution_brings_a_report_in_once_and_uses_its_own(ledger: Ledger, scene: Scene) -> None:
    hospital, laboratory = scene.hospital, ledger.signer(LABORATORY)
    first, other = bring_in(hospital, scene.other, scene.report), bring_in(laboratory, scene.other, scene.report)
    taken(ledger, first, other)
    assert first.subject != other.subject
    assert ledger.submit(bring_in(hospital, scene.other, scene.report)).outcomes == ["subject-taken"]
    assert ledger.submit(laboratory.granted(first)).outcomes == ["link-refused"]


def test_a_later_import_has_a_later_original(ledger: Ledger, scene: Scene) -> None:
    """The amendment of the amendment is known; what stood before it there does not take its place."""
    hospital, other = scene.hospital, OtherLog()
    report = other.add(other.hospital.issued())
    second = other.add(other.hospital.amended(report))
    third = other.add(other.hospital.amended(second))
    newest = bring_in(hospital, other, third)
    taken(ledger, newest)
    assert ledger.submit(bring_in(hospital, other, second, replaces=newest)).outcomes == ["not-current"]


def test_nobody_else_begins_the_subject_of_an_import(ledger: Ledger, scene: Scene) -> None:
    subject = import_subject(ORIGIN, scene.report.subject, scene.hospital.institution)
    assert ledger.submit(ledger.signer(0).issued(subject)).outcomes == ["subject-reserved"]
    taken(ledger, bring_in(scene.hospital, scene.other, scene.report))


def test_personal_parts_are_withheld_in_the_proof(ledger: Ledger) -> None:
    hospital, other = ledger.signer(1), OtherLog()
    parts = (document(), Part.create("note", "（合成）"))
    report = other.add(other.hospital.sign("report.issued", secrets.token_bytes(32), *parts))
    assert ledger.submit(bring_in(hospital, other, report)).outcomes == ["proof-malformed"]
    hospital.sequence -= 1
    taken(ledger, bring_in(hospital, other, report, proof=other.proof(report, withhold=frozenset({"note"}))))


def test_responsibility_tells_whose_report_it_is_and_what_cannot_be_known_here(ledger: Ledger, scene: Scene) -> None:
    hospital, head = scene.hospital, "0x" + "51" * 32
    imported = bring_in(hospital, scene.other, scene.report, link=original(scene.other, scene.report, witnessId=head))
    opened = hospital.granted(imported)
    later = bring_in(hospital, scene.other, scene.amended, replaces=imported)
    again = hospital.granted(imported)
    withdrawal = bring_in(hospital, scene.other, scene.withdrawn, replaces=later)
    taken(ledger, imported, opened, later, again, withdrawal)
    ledger.wait_for_state(withdrawal, "final")
    facts = ledger.get(f"/v1/subjects/0x{imported.subject.hex()}/responsibility", token=True).json()["facts"]
    told = [(fact["code"], fact["says"], fact["claim"]) for fact in facts if fact["code"] != "qualified"]
    assert told == [
        ("imported", "issued", "VERIFIED"),
        ("imported-witnessed", "named", "NOT_CHECKED"),
        ("imported-latest", "unknown", "NOT_PROVABLE"),
        ("opened", "granted", "VERIFIED"),
        ("opened-current", "current", "VERIFIED"),
        ("imported", "amended", "VERIFIED"),
        ("imported-latest", "unknown", "NOT_PROVABLE"),
        ("opened", "granted", "VERIFIED"),
        ("opened-current", "superseded", "FAILED"),
        ("imported", "withdrawn", "VERIFIED"),
    ]
    there = {"origin": ORIGIN, "entry": 0, "original": scene.report.name, "issuer": scene.other.hospital.institution}
    assert facts[0]["details"].items() >= there.items() and facts[0]["institution"] == hospital.institution
    assert scene.other.hospital.institution in facts[0]["zh"] and ORIGIN in facts[0]["en"]


def test_figures_tell_the_direction_across_cities(ledger: Ledger, scene: Scene) -> None:
    hospital, examined = scene.hospital, example("examination")
    report = scene.other.add(scene.other.hospital.sign("report.issued", secrets.token_bytes(32), document(), examined))
    before = counted(ledger)
    imported = bring_in(hospital, scene.other, report)
    opened = hospital.granted(imported)
    taken(ledger, imported, opened, hospital.recognised(opened, imported), hospital.recognised(opened, imported))
    after = counted(ledger)
    direction = (hospital.institution, scene.other.hospital.institution)

    def recognitions(figures: Figures) -> int:
        rows = [row for row in figures.rows if (row.by, row.value) == ("direction", direction)]
        return sum(row.gross for row in rows if row.figure == "recognitions")

    assert recognitions(after) == recognitions(before) + 1
    assert after.figures["recognitions"].gross == before.figures["recognitions"].gross + 1
    assert after.broken == before.broken


def _changed(scene: Scene, **members: object) -> bytes:
    """The right proof with members of its `extra` replaced."""
    proof = TlogProof.parse(scene.other.proof(scene.report))
    return replace(proof, extra=replace(Extra.decode(proof.extra), **members).encode()).format()


def _unlike(scene: Scene) -> Signed:
    """A statement of a log of the same name whose keys are others."""
    forger = OtherLog(seed=8)
    report = forger.add(forger.hospital.issued())
    return bring_in(scene.hospital, forger, report)


def _other_signature(scene: Scene) -> Signed:
    """The other log signs the checkpoint over a statement that its hospital never signed."""
    other = OtherLog()
    stranger = replace(other.hospital, secret=secrets.token_bytes(32))
    return bring_in(scene.hospital, other, other.add(stranger.issued()))


def _forged_line(scene: Scene) -> Signed:
    """A hash on the way to the root is another."""
    proof = TlogProof.parse(scene.other.proof(scene.report))
    hashes = [bytes(32), *proof.hashes[1:]]
    return bring_in(scene.hospital, scene.other, scene.report, proof=replace(proof, hashes=hashes).format())


def _forged_root(scene: Scene) -> Signed:
    """A checkpoint of the right key that was changed after it was signed."""
    proof = TlogProof.parse(scene.other.proof(scene.report))
    changed = proof.checkpoint.replace(b"\n8\n", b"\n9\n")
    assert changed != proof.checkpoint
    return bring_in(scene.hospital, scene.other, scene.report, proof=replace(proof, checkpoint=changed).format())


def _link(**members: object) -> Callable[[Scene], Signed]:
    def make(scene: Scene) -> Signed:
        link = original(scene.other, scene.report, **members)
        return bring_in(scene.hospital, scene.other, scene.report, link=link)

    return make


def _elsewhere(scene: Scene) -> Signed:
    other = OtherLog(origin="ledger.example/nowhere")
    return bring_in(scene.hospital, other, other.add(other.hospital.issued()))


def _with(proof: Callable[[Scene], bytes]) -> Callable[[Scene], Signed]:
    return lambda scene: bring_in(scene.hospital, scene.other, scene.report, proof=proof(scene))


WRONG: dict[str, tuple[Callable[[Scene], Signed], str]] = {
    "a log of which there is no trust file": (_elsewhere, "origin-unknown"),
    "this log itself": (_link(origin="ledger.example/test-1"), "original-differs"),
    "the proof of another statement": (_with(lambda s: s.other.proof(s.amended)), "original-differs"),
    "another index": (_link(index=1), "original-differs"),
    "another origin": (_link(origin="ledger.example/nowhere"), "original-differs"),
    "another id": (_link(statement="0x" + "07" * 32), "original-differs"),
    "another kind": (
        lambda s: bring_in(s.hospital, s.other, s.withdrawn, kind="import.issued"),
        "original-differs",
    ),
    "a log of the same name with other keys": (_unlike, "original-key-unknown"),
    "a statement that its hospital did not sign": (_other_signature, "proof-fails"),
    "a signer that is not the claimed one": (
        _with(lambda s: _changed(s, key=s.hospital.key)),
        "original-key-unknown",
    ),
    "a wrong hash": (_forged_line, "proof-fails"),
    "a changed checkpoint": (_forged_root, "proof-fails"),
    "an origin with a space": (_link(origin="ledger.example/a b"), "proof-malformed"),
    "no proof file": (_with(lambda s: b"no proof"), "proof-malformed"),
    "an empty proof file": (_with(lambda s: b""), "proof-malformed"),
    "a proof without its entry": (
        _with(lambda s: replace(TlogProof.parse(s.other.proof(s.report)), extra=None).format()),
        "proof-malformed",
    ),
    "a proof with an entry of another content": (
        _with(lambda s: _changed(s, entry=s.amended.entry.to_bytes())),
        "proof-malformed",
    ),
    "a short entry": (_with(lambda s: _changed(s, entry=b"\x00" * 288)), "proof-malformed"),
    "a required part withheld": (
        _with(lambda s: s.other.proof(s.report, withhold=frozenset({"document"}))),
        "proof-malformed",
    ),
    "the report's own subject": (
        lambda s: bring_in(s.hospital, s.other, s.report, subject=s.report.subject),
        "link-refused",
    ),
    "another hospital's subject": (
        lambda s: bring_in(s.hospital, s.other, s.report, subject=import_subject(ORIGIN, s.report.subject, "SYN-X")),
        "link-refused",
    ),
    "a head that is no id": (_link(witnessId="0x00"), "invalid-part"),
    "an index that is no number": (_link(index="0"), "invalid-part"),
    "half a link": (
        lambda s: bring_in(
            s.hospital, s.other, s.report, link={"rel": "original", "statement": s.report.name, "origin": ORIGIN}
        ),
        "invalid-links",
    ),
    "a link as within one log": (
        lambda s: bring_in(s.hospital, s.other, s.report, link={"rel": "original", "statement": s.report.name}),
        "invalid-links",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_hold_is_refused_and_the_right_one_is_taken_after_it(
    ledger: Ledger, scene: Scene, case: str
) -> None:
    make, code = WRONG[case]
    assert ledger.submit(make(scene)).outcomes == [code]
    scene.hospital.sequence -= 1
    taken(ledger, bring_in(scene.hospital, scene.other, scene.report))


def test_a_withdrawal_is_not_brought_in_before_its_report(ledger: Ledger, scene: Scene) -> None:
    replaced = scene.hospital.issued()
    taken(ledger, replaced)
    assert ledger.submit(bring_in(scene.hospital, scene.other, scene.withdrawn, replaces=replaced)).outcomes == [
        "subject-unknown"
    ]
