"""How times are written for people: ISO 8601, UTC, whole seconds, one form everywhere."""

from datetime import UTC, datetime


def iso_time(seconds: int) -> str:
    """Unix seconds as `2026-11-24T09:53:50Z`; where no calendar has them, the number with words that say so."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds} of Unix time, which is in no calendar"
