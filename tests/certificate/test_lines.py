"""Where lines are broken."""

import pytest

from ledger_service.certificate.lines import wrap


def width_of(text: str) -> float:
    """Chinese is twice as wide as anything else."""
    return sum(2 if ord(character) > 0x2E7F or character in "“”" else 1 for character in text)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("检查检验结果互认", 8, ["检查检验", "结果互认"]),
        ("检查检验。结果", 8, ["检查检", "验。结果"]),  # no line begins with a closing mark
        ("检查检验）。结果", 8, ["检查检", "验）。", "结果"]),
        ("检查检（验）结果", 8, ["检查检", "（验）", "结果"]),  # nor ends with an opening one
        ("检查（SHA）结果", 9, ["检查", "（SHA）", "结果"]),
        ("检查检验结", 8, ["检查检", "验结"]),  # no last line has but one character
        ("block 31）和", 9, ["block", "31）和"]),
        ("a b\nc", 9, ["a b", "c"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),  # what is longer than a line is cut
        ("报", 1, ["报"]),
    ],
)
def test_lines(text: str, width: float, lines: list[str]) -> None:
    assert wrap(text, width_of, width) == lines


@pytest.mark.parametrize("prefix", ["", "0x"])
def test_a_digest_is_broken_after_every_eighth_digit(prefix: str) -> None:
    digest = prefix + "0123456789abcdef" * 4
    lines = wrap(f"SHA-256 {digest}。", width_of, 31)
    assert "".join(lines).replace("SHA-256", "").replace(" ", "") == digest + "。"
    for line in lines[1:-1]:
        assert len(line) % 8 == 0, lines


def test_nothing_is_lost_and_nothing_too_wide() -> None:
    text = (
        "证据包（package）由 SYN-HOSPITAL-01 导出，路径 documents/" + "ab" * 32 + "，https://ledger.example/a?b=c&d=e。"
    )
    for width in range(6, 60):
        lines = wrap(text, width_of, width)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert all(width_of(line) <= width for line in lines), (width, lines)
