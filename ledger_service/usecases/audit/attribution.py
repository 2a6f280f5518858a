"""Who speaks for whom as of any change of the registry (docs/spec/registry.md, The rule of attribution)."""

from collections.abc import Iterable

from anchors.core.registry import Action, Change, Key, Purpose, Registry, check_attribution


class Attribution:
    """The registry of one log with its past, held as for every fact the number of the change that made it."""

    def __init__(self, log: bytes, registry: Registry, changes: Iterable[Change]):
        self._log = log
        self._keys = registry.keys
        self._roles: dict[tuple[str, str], int] = {}
        self._successors: dict[str, tuple[int, str]] = {}
        self._asked: dict[tuple[str, frozenset[str], int], bool] = {}
        for change in changes:
            if change.action is Action.ADMITTED:
                self._roles.setdefault((change.institution, change.role), change.number)
            elif change.action is Action.EXITED and change.successor:
                self._successors[change.institution] = (change.number, change.successor)

    def is_known(self, key: bytes) -> bool:
        """Whether this was ever a statement key of the log: nobody else can have made a signature that recovers it."""
        return self._of_purpose(key, Purpose.STATEMENT) is not None

    def is_operator_key(self, key: bytes, purpose: str) -> bool:
        """Whether this was ever a key of the log for a purpose of its operator."""
        return self._of_purpose(key, purpose) is not None

    def note_keys(self) -> list[bytes]:
        """The Ed25519 public keys of the log."""
        keys = (self._of_purpose(key, Purpose.NOTE) for key in self._keys)
        return [key.data for key in keys if key]

    def check(self, key: bytes, institution: str, sequence: int, count: int) -> None:
        """The rule of attribution as of change `count`. Raises `VerificationFailed`."""
        check_attribution(self._keys.get(key), self._log, institution, sequence, count)

    def ends(self, key: bytes) -> bool:
        """Whether a change of the registry ends what it may sign, so that it depends on the number."""
        known = self._keys.get(key)
        return known is None or known.revoked_by is not None

    def has_role(self, institution: str, roles: frozenset[str], count: int) -> bool:
        """Whether it was admitted in one of `roles` by change `count`. Roles are never taken back."""
        asked = institution, roles, count
        if asked not in self._asked:
            self._asked[asked] = any(self._roles.get((institution, role), count + 1) <= count for role in roles)
        return self._asked[asked]

    def speaks_for(self, institution: str, owner: str, count: int) -> bool:
        """Whether it is `owner` or in the line of its successors as of change `count`.

        The door asks for the last in line when it accepts; who was the last then is still in line later."""
        for _ in range(len(self._successors) + 1):  # a list of changes that has a circle of successors hangs nobody
            if institution == owner:
                return True
            number, owner = self._successors.get(owner, (count + 1, ""))
            if number > count:
                return False
        return False

    def successors(self) -> dict[str, str]:
        """Who took over from whom, by all that the registry says."""
        return {institution: successor for institution, (_, successor) in self._successors.items()}

    def _of_purpose(self, address: bytes, purpose: str) -> Key | None:
        key = self._keys.get(address)
        return key if key and key.log == self._log and key.purpose == purpose else None
