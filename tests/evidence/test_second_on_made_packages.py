"""Both verifiers over packages of the made-up log of docs/spec/vectors: they say the same, and what the pages say."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from anchors.core.errors import MalformedInput
from anchors.core.trust import parse_trust
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.independent.evidence import verify
from tests.independent.evidence_forms import Refused, rebuild
from tests.independent.standards import NoteKey, base64_text
from tests.independent.story import BEGUN, WITNESS_KEY, Story, WitnessKey
from tests.independent.vectors_evidence import Package, the_case, the_hold, usual

COURT, HOSPITAL = WITNESS_KEY, WitnessKey(NoteKey("witness.example/hospital"))


def both(package: Package | bytes, trust: str) -> dict[str, str]:
    """What both say, for the claims that the second one knows."""
    archive = package if isinstance(package, bytes) else rebuild(package.seal())
    second = verify(archive, trust.encode())
    steps = judge_evidence(archive, parse_trust(trust.encode())).package.report.steps
    assert second == {step.claim: step.state for step in steps if step.claim in second}
    return second


def believing(story: Story, **changed: Any) -> str:
    """The story's trust file with other members; `None` leaves one out."""
    document = {**json.loads(story.trust()), **changed}
    return json.dumps({name: value for name, value in document.items() if value is not None})


class Lines(Story):
    """The story, whose checkpoint has these lines behind the log's own."""

    lines: Sequence[str] = ()

    @property
    def checkpoint(self) -> str:
        own = super().checkpoint.removesuffix(COURT.line(self.checkpoint_text, BEGUN + 200))
        return own + "".join(self.lines)


@pytest.fixture(scope="module")
def story() -> Lines:
    return Lines()


def the_line(witness: WitnessKey, signed: Story, time: int = BEGUN) -> str:
    return witness.line(signed.checkpoint_text, time)


BOTH = [f"witness court {COURT.text}", f"witness \thospital {HOSPITAL.text} https://hospital.example/"]


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (None, "NOT_CHECKED"),
        ([], "NOT_CHECKED"),
        (["quorum none"], "VERIFIED"),
        ([*BOTH, "quorum court"], "VERIFIED"),
        ([*BOTH, "quorum hospital"], "NOT_PROVABLE"),
        ([*BOTH, "group two all court hospital", "quorum two"], "NOT_PROVABLE"),
        ([*BOTH, "group two 2 court hospital", "quorum two"], "NOT_PROVABLE"),
        ([*BOTH, "group two any court hospital", "# they are friends", "", "  quorum  two "], "VERIFIED"),
        ([*BOTH, "group one 1 hospital", "group two any court one", "quorum two"], "VERIFIED"),
        (["witness court " + WitnessKey(NoteKey("witness.example/court2")).text, "quorum court"], "NOT_PROVABLE"),
    ],
)
def test_whose_cosignatures_are_asked(policy: list[str] | None, state: str) -> None:
    story = usual()
    assert both(the_hold(story), believing(story, witnesses=policy))["cosigned"] == state


@pytest.mark.parametrize(
    "policy",
    [
        [""],
        BOTH,
        ["quorum nobody"],
        ["quorum court", *BOTH],
        [*BOTH, BOTH[0], "quorum court"],
        [*BOTH, f"witness again {COURT.text}", "quorum court"],
        [*BOTH, "group two 3 court hospital", "quorum two"],
        [*BOTH, "group two 0 court hospital", "quorum two"],
        [*BOTH, "group two any court court", "quorum two"],
        [*BOTH, "group two any court none", "quorum two"],
        [*BOTH, "group court any hospital", "quorum court"],
        [*BOTH, "quorum court", "quorum court"],
        [*BOTH, "quorum court\r"],
        [f"witness none {COURT.text}", "quorum none"],
        [f"witness court {COURT.note_key.verifier_key}", "quorum court"],
    ],
)
def test_no_policy(policy: list[str]) -> None:
    """Whoever believes it has no trust file."""
    story = usual()
    archive, trust = rebuild(the_hold(story).seal()), believing(story, witnesses=policy)
    with pytest.raises(Refused):
        verify(archive, trust.encode())
    with pytest.raises(MalformedInput):
        parse_trust(trust.encode())


def test_lines_of_a_witness(story: Lines) -> None:
    trust = believing(story, witnesses=[*BOTH, "group two all court hospital", "quorum two"])
    court, hospital = the_line(COURT, story), the_line(HOSPITAL, story)
    forged = COURT.line("log.example/another\n9\n\n", BEGUN)
    late = the_line(COURT, story, 1 << 63)
    other_id = f"— {COURT.note_key.name} {base64_text(b'othr' + bytes(72))}\n"
    short = f"— {COURT.note_key.name} {base64_text(COURT.key_id + bytes(71))}\n"
    stranger = the_line(WitnessKey(NoteKey("witness.example/stranger")), story)
    for lines, state in (
        ([court, hospital], "VERIFIED"),
        ([stranger, other_id, court, hospital], "VERIFIED"),
        ([court, court, the_line(COURT, story, BEGUN + 1), hospital], "VERIFIED"),
        ([court, court], "NOT_PROVABLE"),
        ([other_id, hospital], "NOT_PROVABLE"),
        ([court, hospital, forged], "FAILED"),
        ([court, forged], "FAILED"),
        ([late, hospital], "FAILED"),
        ([short, hospital], "FAILED"),
        ([], "NOT_PROVABLE"),
    ):
        story.lines = lines
        assert both(the_case(story), trust)["cosigned"] == state, lines
