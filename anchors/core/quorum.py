"""C2SP tlog-policy: which logs, which witnesses, and how many of them make a quorum."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from anchors.core.cosignature import WitnessKey
from anchors.core.errors import MalformedInput
from anchors.core.note import VerifierKey

MAX_POLICY_BYTES = 65_536
MAX_WITNESSES = 15
"""A note carries at most 16 signatures here, and one of them is the log's."""
NO_QUORUM = "none"
_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Witness:
    """A witness by the name that the policy gives it; `url` is its submission prefix, empty where it has none."""

    name: str
    key: WitnessKey
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Holds where at least `count` of its members (names of witnesses or groups) do."""

    count: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """A policy that was read. `logs` maps each log key to its URL."""

    logs: dict[VerifierKey, str]
    witnesses: tuple[Witness, ...]
    groups: dict[str, Group]
    quorum: str

    def holds(self, cosigned: Collection[WitnessKey]) -> bool:
        """Whether these keys, whose cosignatures were verified, make the quorum."""
        present = {witness.name for witness in self.witnesses if witness.key in cosigned}
        for name, group in self.groups.items():  # defined before they are named, so in an order that settles them
            if sum(member in present for member in group.members) >= group.count:
                present.add(name)
        return self.quorum == NO_QUORUM or self.quorum in present

    @property
    def keys(self) -> tuple[WitnessKey, ...]:
        """The keys of all witnesses."""
        return tuple(witness.key for witness in self.witnesses)


def parse_policy(data: bytes) -> Policy:
    """Read a policy file. Raises `MalformedInput`, which names the line."""
    if len(data) > MAX_POLICY_BYTES:
        raise MalformedInput(f"policy: {len(data)} bytes, at most {MAX_POLICY_BYTES} are accepted")
    if not _ALLOWED.fullmatch(data):
        raise MalformedInput("policy: holds control characters; only tabs and newlines are allowed")
    if data and not data.endswith(b"\n"):
        raise MalformedInput("policy: the last line does not end in a newline")
    reader = _Reader()
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = [word for word in re.split("[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.read(words)
        except MalformedInput as error:
            raise MalformedInput(f"policy: line {number}: {error}") from None
    if reader.quorum is None:
        raise MalformedInput("policy: has no line 'quorum <name>'")
    return Policy(reader.logs, tuple(reader.witnesses), reader.groups, reader.quorum)


class _Reader:
    """What was read so far."""

    def __init__(self) -> None:
        self.logs: dict[VerifierKey, str] = {}
        self.witnesses: list[Witness] = []
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._unclaimed: dict[str, bool] = {}

    def read(self, words: list[str]) -> None:
        """One line that says something."""
        kinds = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        if words[0] not in kinds:
            raise MalformedInput("expected log, witness, group or quorum")
        kinds[words[0]](*words[1:])

    def _log(self, *words: str) -> None:
        if len(words) not in (1, 2):
            raise MalformedInput("expected 'log <vkey> [<url>]'")
        key = VerifierKey.parse(words[0])
        if any(key.public_key == other.public_key for other in self.logs):
            raise MalformedInput("another log has the same key")
        self.logs[key] = words[1] if len(words) == 2 else ""

    def _witness(self, *words: str) -> None:
        if len(words) not in (2, 3):
            raise MalformedInput("expected 'witness <name> <vkey> [<url>]'")
        key = WitnessKey.parse(words[1])
        if any(key.public_key == other.key.public_key for other in self.witnesses):
            raise MalformedInput("another witness has the same key")
        if len(self.witnesses) == MAX_WITNESSES:
            raise MalformedInput(f"more than {MAX_WITNESSES} witnesses")
        self._define(words[0])
        self.witnesses.append(Witness(words[0], key, words[2] if len(words) == 3 else ""))

    def _group(self, *words: str) -> None:
        if len(words) < 3:
            raise MalformedInput("expected 'group <name> <all, any or a number> <name>…'")
        name, how, *members = words
        for member in members:
            if member not in self._unclaimed:
                raise MalformedInput(f"{member!r} is not defined above")
            if not self._unclaimed[member]:
                raise MalformedInput(f"{member!r} is a member already")
            self._unclaimed[member] = False
        count = {"all": len(members), "any": 1}.get(how) or (int(how) if _COUNT.fullmatch(how) else 0)
        if not 1 <= count <= len(members):
            raise MalformedInput(f"{how!r} of {len(members)} members: expected all, any, or 1 to {len(members)}")
        self._define(name)
        self.groups[name] = Group(count, tuple(members))

    def _quorum(self, *words: str) -> None:
        if len(words) != 1:
            raise MalformedInput("expected 'quorum <name>'")
        if self.quorum is not None:
            raise MalformedInput("a second quorum line")
        if words[0] != NO_QUORUM and words[0] not in self._unclaimed:
            raise MalformedInput(f"{words[0]!r} is not defined above")
        self.quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NO_QUORUM or name in self._unclaimed:
            raise MalformedInput(f"the name {name!r} is taken")
        self._unclaimed[name] = True
