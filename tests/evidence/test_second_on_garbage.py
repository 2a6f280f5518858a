"""Every member in turn is something else: both verifiers say the same, and none crashes."""

import random

import pytest

from tests.evidence.made import both
from tests.independent.vectors_evidence import the_case, usual

WRONG = {
    "nothing": b"",
    "noise": random.Random(7).randbytes(300),
    "an object": b"{}",
    "null": b"null",
    "a list": b"[]",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_every_member(wrong: str) -> None:
    story = usual()
    sealed = the_case(story).members
    for path in sealed:
        package = the_case(story)
        package.members[path] = WRONG[wrong]
        assert ("FAILED" in both(package, story.trust()).values()) == (
            path != "method.json" and (path, wrong) != ("custody.json", "a list")
        ), path


def test_every_member_is_that_of_another() -> None:
    """Of its folder, or the next one."""
    story = usual()
    paths = sorted(the_case(story).members)
    for one, other in zip(paths, [*paths[1:], paths[0]], strict=True):
        package = the_case(story)
        package.members[one] = package.members[other]
        assert "FAILED" in both(package, story.trust()).values() or one == "method.json", one


def test_bytes_of_members() -> None:
    """One bit of each, at places that chance names, sealed again."""
    story, chance = usual(), random.Random(20261128)
    for path in sorted(the_case(story).members):
        for _ in range(4):
            package = the_case(story)
            data = bytearray(package.members[path])
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            package.members[path] = bytes(data)
            both(package, story.trust())
