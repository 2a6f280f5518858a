"""Have witnessed checkpoints time-stamped by one authority, and renew what ages
(docs/spec/timestamps.md, docs/adr/0023-clocks-beside-the-chain.md)."""

from collections.abc import Callable, Collection

from anchors.clocks import MAX_TOKENS, timestamp_message
from anchors.clocks.authority import AuthorityFailed
from anchors.core.checkpoint import Checkpoint
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.outside_ports import NewTimestamp, StoredTimestamp, TimestampAuthority, Timestamps
from ledger_service.usecases.pause import Pause
from ledger_service.usecases.ports import ChainView, Tree

SHORTEST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3_600.0


class Stamper:
    """Asks one authority: every `every_seconds` for a token on the newest witnessed checkpoint, and for a renewal of
    each token that ends within `renew_seconds`. `configured` names all authorities that are asked; the first of them
    also renews what others left that are not asked any more."""

    def __init__(
        self,
        authority: TimestampAuthority,
        configured: Collection[str],
        timestamps: Timestamps,
        tree: Tree,
        view: ChainView,
        origin: str,
        every_seconds: int,
        renew_seconds: int,
        now: Callable[[], int],
        passed: Callable[[], float],
    ):
        self._authority = authority
        self._configured = configured
        self._timestamps = timestamps
        self._tree = tree
        self._view = view
        self._origin = origin
        self._every_seconds = every_seconds
        self._renew_seconds = renew_seconds
        self._now = now
        self._stamping = Pause(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, passed)
        self._renewing = Pause(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, passed)

    def run_once(self) -> bool:
        """Ask for what is due, one token at most; whether it got one, so that more may be due.

        After a failure it pauses, longer each time, and says why; what cannot be renewed keeps nothing from being
        stamped. Raises `AuthorityFailed` or `StoreUnavailable`."""
        last = self._timestamps.newest(self._authority.name)
        with self._stamping.around(AuthorityFailed):
            if self._stamp(last):
                return True
        with self._renewing.around(AuthorityFailed):
            return last is not None and self._renew(last)

    def _stamp(self, last: StoredTimestamp | None) -> bool:
        head = self._view.newest_head()
        if head is None:
            return False
        if last is not None and (head.new_size <= last.size or self._now() < last.stamped_at + self._every_seconds):
            return False
        self._ask(head.new_size, None, [])
        return True

    def _renew(self, last: StoredTimestamp) -> bool:
        # An authority whose certificate ends no later has nothing to renew with.
        limit = min(self._now() + self._renew_seconds, last.expires_at)
        chain = self._timestamps.ageing(limit, self._authority.name, self._configured)
        if not chain:
            return False
        ageing = chain[-1]
        if len(chain) >= MAX_TOKENS:
            raise AuthorityFailed(
                f"time-stamp authority {self._authority.name}: the checkpoint of {ageing.size} entries has "
                f"{len(chain)} tokens, and no more are a chain: it is not renewed; lower HUZHENG_TIMESTAMP_RENEW_DAYS"
            )
        self._ask(ageing.size, ageing.number, [stored.token for stored in chain], outlives=ageing.expires_at)
        return True

    def _ask(self, size: int, renews: int | None, tokens: list[bytes], outlives: int = 0) -> None:
        token, stamp = self._authority.stamp(timestamp_message(self._text(size), tokens), renews=bool(tokens))
        if stamp.expires <= outlives:
            raise AuthorityFailed(
                f"time-stamp authority {self._authority.name}: its token ends no later than the one it would renew"
            )
        self._timestamps.add(NewTimestamp(size, renews, self._authority.name, token, stamp.time, stamp.expires))

    def _text(self, size: int) -> bytes:
        """The text of the note of this size."""
        signed = self._tree.checkpoint_at(size)
        if signed is None:
            raise Incident(f"no checkpoint of {size} entries is stored, though it was witnessed: run an audit")
        return Checkpoint(self._origin, size, signed.root).to_text().encode("utf-8")
