"""The rule of finality as text, and which block it calls final."""

import pytest

from anchors.core.errors import MalformedInput
from anchors.core.trust import MAX_CONFIRMATIONS, Finality


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("instant", 1),
        ("confirmations:2", 2),
        (f"confirmations:{MAX_CONFIRMATIONS}", MAX_CONFIRMATIONS),
        ("finalized", None),
    ],
)
def test_a_rule_reads_back(text: str, blocks: int | None) -> None:
    assert Finality.parse(text) == Finality(blocks)
    assert str(Finality(blocks)) == text


def test_one_confirmation_is_instant() -> None:
    assert Finality.parse("confirmations:1") == Finality.parse("instant")


@pytest.mark.parametrize(
    "text",
    [
        "", "3", "Instant", "instant:1", "finalized:", "confirmations", "confirmations:", "confirmations:0",
        "confirmations:-1", "confirmations:01", "confirmations:+3", "confirmations: 3", "confirmations:3 ",
        "confirmations:3\n", "confirmations:3:3", "confirmations:10001", "confirmations:1e3", "confirmations:３",
        "safe",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="expected instant, confirmations:N with N from 1 to 10000, or finalized"):
        Finality.parse(text)


@pytest.mark.parametrize(
    ("rule", "tip", "finalized", "final"),
    [
        ("instant", 7, None, 7),
        ("confirmations:3", 7, None, 5),
        ("confirmations:3", 1, None, -1),
        ("confirmations:3", 7, 7, 5),
        ("finalized", 7, 4, 4),
        ("finalized", 7, 9, 7),
        ("finalized", 7, None, -1),
    ],
)
def test_the_newest_final_block(rule: str, tip: int, finalized: int | None, final: int) -> None:
    assert Finality.parse(rule).newest_final(tip, finalized) == final
