"""The words that a policy is written in, and what its lists and days must keep (docs/spec/policy.md)."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Code = Annotated[str, Meta(pattern=r"^[!-~]{1,64}\Z")]
Words = Annotated[str, Meta(min_length=1, max_length=400)]
Clause = Annotated[str, Meta(min_length=1, max_length=200)]
Tier = Annotated[int, Meta(ge=0, le=3)]
"""3, 2 and 1 are the hospital tiers (三级, 二级, 一级); 0 is an institution below them or without one (未定级)."""
TIERS = (0, 1, 2, 3)
Place = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,128}\Z")]
"""A region, city or district as profiles name it: its name, or its six digits of GB/T 2260 (440883 is 吴川市)."""
PlaceLevel = Literal["region", "city", "district"]
Ownership = Literal["public", "private"]
Extent = Literal["result", "conclusion"]
Days = Annotated[int, Meta(ge=1, le=3660)]


class Form(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """Base of everything in a policy."""


class Named(Form):
    """What people read, in both languages."""

    zh: Words
    en: Words


def check_order(first: date, last: date | None) -> None:
    """Raise `ValueError` where the last day comes before the first."""
    if last is not None and last < first:
        raise ValueError(f"the last day {last} is before the first day {first}; exchange them")


def check_unique(what: str, values: Iterable[Any]) -> None:
    """Raise `ValueError` where one of a list stands twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} stands twice; name it once")
        seen.add(value)
