"""What one check of `scripts/test` came to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What one check came to. `skips`: each skipped test, with its reason. `note`: what the counts do not say."""

    name: str
    passed: int
    failed: int
    skips: tuple[str, ...] = ()
    note: str = ""
    seconds: float = 0.0
