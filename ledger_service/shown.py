"""What is shown to people, alike everywhere: words in two languages, states, times, text that steers nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Words:
    """What the program says, in two languages."""

    zh: str
    en: str


STATE_WORDS: dict[str, Words] = {
    "VERIFIED": Words("√ 核验通过", "VERIFIED"),
    "FAILED": Words("× 核验不通过", "FAILED"),
    "NOT_CHECKED": Words("○ 未核验", "NOT CHECKED"),
    "NOT_PROVABLE": Words("△ 不能证明", "NOT PROVABLE"),
}


def clock(seconds: int) -> str:
    """Unix seconds as Beijing time, which is UTC+8 all year."""
    try:
        return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S +08:00")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s (Unix)"


def plain(value: object) -> str:
    """Text of anything with every character escaped that is not printable: control, direction and the like."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(character if character.isprintable() else escaped(character) for character in text)


def escaped(character: str) -> str:
    """A character as `\\u3402`."""
    return character.encode("unicode_escape").decode("ascii")
