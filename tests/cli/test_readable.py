"""Statements in words for people, and values that cannot pass for something else."""

import re

from anchors.core.times import iso_time
from ledger_service.cli.output import one_line, plain
from ledger_service.cli.words import kind_in_words, readable
from ledger_service.kinds import KINDS


def test_every_kind_has_words_of_its_own_in_english_and_chinese() -> None:
    words = [kind_in_words(kind) for kind in KINDS]
    assert len(set(words)) == len(words)
    assert all(re.fullmatch(r"[a-z ]+ [一-鿿]+", one) for one in words), words
    assert "not known here" in kind_in_words("report.lost")


def test_a_value_cannot_make_a_line_of_its_own() -> None:
    assert readable({"note": "first\nsecond", "list": ["a\nb"]}).split("\n") == ["note: first\\nsecond", "list: a\\nb"]


def test_long_values_are_cut_and_say_so() -> None:
    lines = readable([str(number) for number in range(100)], lines=10).split("\n")
    assert len(lines) == 11 and "90 lines more" in lines[-1]
    assert "500 characters" in readable("x" * 500)


def test_objects_in_lists_are_lines() -> None:
    assert readable({"results": [{"code": "718-7", "value": "145", "flag": ""}]}) == "results:\n  code 718-7, value 145"


def test_empty_members_are_left_out() -> None:
    assert readable({"a": "", "b": None, "c": [], "d": {}, "e": False, "f": 0}) == "e: no\nf: 0"


def test_control_and_direction_characters_are_escaped() -> None:
    assert plain("a\x1b[1m\u202e\u2028钥") == "a\\x1b[1m\\u202e\\u2028钥"
    assert one_line("one\n two\tthree") == "one two three"


def test_times_that_no_calendar_has() -> None:
    assert "in no calendar" in iso_time(2**64 - 1) and iso_time(1) == "1970-01-01T00:00:01Z"
