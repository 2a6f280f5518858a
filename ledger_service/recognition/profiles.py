"""What a profile says of a day: to which alliances an institution belonged, how far it was with the platform."""

from datetime import date
from typing import Literal

from ledger_service.parts import Profile

ConnectionState = Literal["none", "agreed", "integrating", "connected", "left"]


def groups_on(profile: Profile, day: date) -> frozenset[str]:
    """The alliances to which an institution belonged on a day."""
    on = day.isoformat()
    return frozenset(each.group for each in profile.groups if each.since <= on <= (each.until or on))


def connection_on(profile: Profile, day: date) -> ConnectionState | None:
    """How far an institution was with the platform on a day: `none` before its first step, None where its profile says
    nothing of it. Of two steps of one day the one that stands later holds."""
    if not profile.connection:
        return None
    on = day.isoformat()
    begun = [step for step in profile.connection if step.since <= on]
    return sorted(begun, key=lambda step: step.since)[-1].state if begun else "none"
