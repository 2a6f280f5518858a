"""Steps 16 and 17 by both verifiers: they say the same, and what docs/spec says."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from anchors.core.errors import MalformedInput
from anchors.core.trust import parse_trust
from tests.evidence.made import believing, both
from tests.independent.clock import CLOCK, Clock
from tests.independent.evidence import verify
from tests.independent.evidence_forms import Refused, rebuild
from tests.independent.standards import ORIGIN, NoteKey, base64_text
from tests.independent.step_timestamps import message
from tests.independent.story import BEGUN, FIRST, SECOND, WITNESS_KEY, Story, WitnessKey
from tests.independent.vectors_evidence import the_case, the_hold, usual

COURT, HOSPITAL = WITNESS_KEY, WitnessKey(NoteKey("witness.example/hospital"))


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


STRANGER = Clock("stranger", "SAMPLE stranger")
SAME_NAME = Clock("another")
"""Its names are those of the believed one, its keys are not."""
SHORT = Clock(until=2027)
FOR_CODE = ExtendedKeyUsageOID.CODE_SIGNING
NEXT_YEAR = BEGUN + 366 * 86_400
Tokens = dict[str, bytes]


def over(
    story: Story, *clocks: Clock | tuple[Clock, int] | bytes, digest: str = "sha512", size: int = SECOND
) -> Tokens:
    """A chain of tokens, one minute after the other unless times are given."""
    items = [f"{ORIGIN}\n{size}\n{base64_text(story.root(size))}\n".encode()]
    for number, one in enumerate(clocks):
        clock, time = one if isinstance(one, tuple) else (one, BEGUN + 60 * number)
        made = one if isinstance(one, bytes) else clock.token(message(items), time, digest if number else "sha256")
        items.append(made)
    return {f"{size:012}-00-{number:04}": token for number, token in enumerate(items[1:])}


def one(story: Story, by: Clock = CLOCK, digest: str = "sha256", **told: Any) -> bytes:
    """A token over the newest head's text."""
    return by.token(story.checkpoint_text.encode(), BEGUN, digest, **told)


FIRST_TOKEN, SECOND_TOKEN = f"{SECOND:012}-00-0000", f"{SECOND:012}-00-0001"
CHAINS: dict[str, tuple[Callable[[Story], Tokens], str]] = {
    "one token": (lambda story: over(story, CLOCK), "VERIFIED"),
    "renewed twice": (lambda story: over(story, CLOCK, CLOCK, CLOCK), "VERIFIED"),
    "over the first head": (lambda story: over(story, CLOCK, size=FIRST), "VERIFIED"),
    "renewed at once": (lambda story: over(story, CLOCK, (CLOCK, BEGUN)), "VERIFIED"),
    "renewed before it was made": (lambda story: over(story, CLOCK, (CLOCK, BEGUN - 1)), "FAILED"),
    "renewed when its certificate had ended": (lambda story: over(story, SHORT, (CLOCK, NEXT_YEAR)), "FAILED"),
    "made when its certificate had ended": (lambda story: over(story, (SHORT, NEXT_YEAR)), "FAILED"),
    "renewed over SHA-256": (lambda story: over(story, CLOCK, CLOCK, digest="sha256"), "VERIFIED"),
    "a stranger's": (lambda story: over(story, STRANGER), "NOT_CHECKED"),
    "a stranger's, renewed": (lambda story: over(story, STRANGER, CLOCK), "NOT_CHECKED"),
    "renewed by a stranger": (lambda story: over(story, CLOCK, STRANGER), "NOT_CHECKED"),
    "a stranger's with the believed name": (lambda story: over(story, SAME_NAME), "FAILED"),
    "a stranger's over another text": (lambda story: over(story, STRANGER.token(b"another", BEGUN)), "FAILED"),
    "over another text": (lambda story: over(story, CLOCK.token(b"another", BEGUN)), "FAILED"),
    "over SHA-1": (lambda story: {FIRST_TOKEN: one(story, digest="sha1")}, "FAILED"),
    "over SHA-384": (lambda story: {FIRST_TOKEN: one(story, digest="sha384")}, "VERIFIED"),
    "commits to another certificate": (lambda story: {FIRST_TOKEN: one(story, committed=b"another")}, "FAILED"),
    "another version": (lambda story: {FIRST_TOKEN: one(story, version=2)}, "FAILED"),
    "by a signer of code": (lambda story: over(story, Clock(usages=(FOR_CODE,))), "FAILED"),
    "by a signer of code and times": (lambda story: over(story, Clock(usages=(*CLOCK.usages, FOR_CODE))), "FAILED"),
    "its usage is not critical": (lambda story: over(story, Clock(critical=False)), "FAILED"),
    "a byte behind": (lambda story: {FIRST_TOKEN: one(story) + b"\0"}, "FAILED"),
    "its signature is another": (lambda story: {FIRST_TOKEN: one(story)[:-1] + b"\0"}, "FAILED"),
    "a stranger's whose signature is another": (
        lambda story: {FIRST_TOKEN: one(story, STRANGER)[:-1] + b"\0"},
        "NOT_CHECKED",
    ),
    "no token": (lambda story: {FIRST_TOKEN: b"noise"}, "FAILED"),
    "nothing": (lambda story: {FIRST_TOKEN: b""}, "FAILED"),
    "none": (lambda story: {}, "NOT_CHECKED"),
    "the second alone": (lambda story: {SECOND_TOKEN: over(story, CLOCK, CLOCK)[SECOND_TOKEN]}, "FAILED"),
    "of no head": (lambda story: {f"{7:012}-00-0000": one(story)}, "FAILED"),
    "of another name": (lambda story: {f"{SECOND}-0-0": one(story)}, "FAILED"),
    "a chain beside a stranger's": (
        lambda story: over(story, CLOCK) | {f"{SECOND:012}-01-0000": one(story, STRANGER)},
        "NOT_CHECKED",
    ),
    "65 tokens": (lambda story: over(story, *[CLOCK] * 65), "FAILED"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_of_time_stamps(name: str) -> None:
    story, (made, state) = usual(), CHAINS[name]
    package = the_case(story)
    package.members = {path: data for path, data in package.members.items() if not path.startswith("timestamps/")}
    package.members |= {f"timestamps/{path}.tsr": token for path, token in made(story).items()}
    assert both(package, story.trust())["timestamps"] == state


def test_a_clock_saw_a_head_that_does_not_hold() -> None:
    story = usual()
    package = the_case(story)
    package.members |= {f"timestamps/{path}.tsr": token for path, token in over(story, CLOCK, size=FIRST).items()}
    path = f"heads/{FIRST:012}.json"
    package.members[path] = package.members[path].replace(b'"registryCount":', b'"registryCount":1')
    states = both(package, story.trust())
    assert states["heads"] == states["timestamps"] == "FAILED"


def test_no_clock_is_believed() -> None:
    assert both(the_case(usual()), believing(usual(), authorities=None))["timestamps"] == "NOT_CHECKED"
