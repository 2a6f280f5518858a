"""How much somebody may ask for: a token bucket a name, in bounded memory, by an injected clock (docs/spec/api.md).

Of submissions, an institution's budget is charged with what was newly accepted, which only its own keys can bring
about: a wrong signature, or a statement of the public log sent once more, costs the institution nothing. A client
address is charged with what proved nobody. Of reminders, an institution is charged with the reports that it asks about.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

from ledger_service import problems
from ledger_service.problems import Refused
from ledger_service.usecases.accept import Accepted, NotAccepted
from ledger_service.usecases.check import Checked, Rejected

NAMES_KEPT = 65_536


class Budgets:
    """A budget for each name: `burst` at first, and `per_second` more each second up to that. No limit where
    `per_second` is 0.

    One number a name: the time at which its budget is full again. A budget may be overdrawn by the charge that empties
    it, so that a batch larger than the burst waits longer afterwards but is taken. Safe to use from several threads:
    two at once may count one charge once.
    """

    def __init__(self, per_second: float, burst: int, now: Callable[[], float], names_kept: int = NAMES_KEPT):
        """`now` gives seconds of a clock that never goes back. Past `names_kept` names the one charged longest ago is
        forgotten, and begins anew."""
        self._per_second = per_second
        self._filled_within = burst / per_second if per_second else 0.0
        self._now = now
        self._names_kept = names_kept
        self._full_at: dict[bytes, float] = {}

    def seconds_to_wait(self, name: bytes) -> float | None:
        """How long until the budget has room for one; None where it has now. Charges nothing."""
        full_at = self._full_at.get(name)
        if full_at is None:
            return None
        wait = full_at + 1 / self._per_second - self._now() - self._filled_within
        return wait if wait > 0 else None

    def charge(self, name: bytes, count: int) -> None:
        """Take `count` out of the budget."""
        if not self._per_second or count <= 0:
            return
        now = self._now()
        # Taken out and put in again, so that the first name is always the one charged longest ago.
        full_at = max(self._full_at.pop(name, now), now) + count / self._per_second
        if len(self._full_at) >= self._names_kept:
            self._full_at.pop(next(iter(self._full_at), b""), None)
        self._full_at[name] = full_at

    @property
    def limit(self) -> bool:
        """Whether anything is limited."""
        return bool(self._per_second)

    def __len__(self) -> int:
        """How many names are kept."""
        return len(self._full_at)


class Rates:
    """What submissions are charged with. Called on the event loop: before a request is read, after it was checked, and
    after it was committed. A request is refused as a whole, so that no stream has a gap."""

    def __init__(self, institutions: Budgets, addresses: Budgets):
        self._institutions = institutions
        self._addresses = addresses

    def let_in(self, address: str) -> None:
        """Raise `Refused` (`rate-limited`) where this client address lately sent too much that proved nobody."""
        wait = self._addresses.seconds_to_wait(address.encode())
        if wait is not None:
            raise _refused("too many statements without a right signature came from your address", wait)

    def let_pass(self, address: str, checked: Sequence[Checked | Rejected]) -> None:
        """Charge the address with what proved nobody. Raise `Refused` (`rate-limited`) where the budget of an
        institution that signed something of the request is empty."""
        if self._addresses.limit:
            unproven = sum(isinstance(item, Rejected) and not item.signed for item in checked)
            self._addresses.charge(address.encode(), unproven)
        if not self._institutions.limit:
            return
        for institution in {item.statement.institution for item in checked if isinstance(item, Checked)}:
            wait = self._institutions.seconds_to_wait(institution.encode())
            if wait is not None:
                raise _refused(f"the budget of {institution} is used up", wait)

    def charge(self, checked: Sequence[Checked | Rejected], results: Sequence[Accepted | NotAccepted]) -> None:
        """Charge each institution with what was newly accepted of it."""
        if not self._institutions.limit:
            return
        counts = Counter(
            item.statement.institution
            for item, result in zip(checked, results, strict=True)
            if isinstance(item, Checked) and isinstance(result, Accepted) and not result.known
        )
        for institution, count in counts.items():
            self._institutions.charge(institution.encode(), count)


class Asking:
    """What one institution may ask, where each question costs: from several threads."""

    def __init__(self, institutions: Budgets):
        self._institutions = institutions

    def take(self, institution: str, count: int) -> None:
        """Charge an institution. Raise `Refused` (`rate-limited`) where its budget is empty, and charge nothing."""
        wait = self._institutions.seconds_to_wait(institution.encode())
        if wait is not None:
            raise _refused(f"{institution} asked for more than its share", wait)
        self._institutions.charge(institution.encode(), count)


def _refused(why: str, wait: float) -> Refused:
    seconds = max(1, math.ceil(wait))
    return Refused(problems.RATE_LIMITED, f"{why}; send the same again in {seconds} s", seconds)
