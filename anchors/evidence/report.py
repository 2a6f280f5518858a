"""What a verifier says of a package: numbered steps, one claim each, in Chinese and English."""

from collections import Counter
from dataclasses import dataclass, field

from anchors.core.verify import State

MOST_ITEMS = 100
BASE = frozenset({"archive", "manifest", "registry", "checkpoint", "heads", "content", "logged", "signed"})
"""The claims that must be VERIFIED for a package to hold."""


@dataclass(frozen=True)
class Said:
    """A sentence in two languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Item:
    """One thing that a step looked at, and did not verify."""

    about: str
    state: State
    said: Said


@dataclass(frozen=True)
class Step:
    """A numbered claim with its state and why; `items` are what did not verify, at most `MOST_ITEMS` of them."""

    number: int
    claim: str
    state: State
    said: Said
    items: tuple[Item, ...] = ()


@dataclass
class Report:
    """The steps in their order."""

    steps: list[Step] = field(default_factory=list)

    def step(self, claim: str) -> Step | None:
        """The step of that claim, None before it was taken."""
        return next((step for step in self.steps if step.claim == claim), None)

    def verified(self, claim: str) -> bool:
        """Whether that claim is VERIFIED."""
        step = self.step(claim)
        return step is not None and step.state is State.VERIFIED

    @property
    def holds(self) -> bool:
        """Whether the package holds (docs/spec/evidence.md, Steps). A checkpoint that the contract took is as good as
        signed where only a revoked key signed it."""
        return self.why_not() is None

    def why_not(self) -> Step | None:
        """The first step that keeps it from holding: the first that FAILED, else the first that must be VERIFIED and is
        not; None where it holds."""
        needed = BASE - {"checkpoint"} if self.verified("blocks") else BASE
        failed = (step for step in self.steps if step.state is State.FAILED)
        open_ = (step for step in self.steps if step.claim in needed and step.state is not State.VERIFIED)
        return next(failed, None) or next(open_, None)

    def counts(self) -> dict[str, int]:
        """How many steps ended in each state."""
        found = Counter(step.state.value for step in self.steps)
        return {state.value: found.get(state.value, 0) for state in State}
