"""The hand-written cases of cases/*.toml, read into facts and expected answers."""

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from ledger_service.recognition.facts import Facts
from ledger_service.recognition.policies import shipped_policy
from ledger_service.recognition.policy import convert_policy
from ledger_service.recognition.prepared import Prepared, prepare

CASES = Path(__file__).parent / "cases"
_KEYS = {"name", "text", "facts", "answer", "by", "no", "unknown", "warnings", "missing"}


@dataclass(frozen=True)
class Case:
    """One case: `yes`, `no` and `unknown` are rules with their clauses, `warnings` codes with theirs."""

    policy: str
    name: str
    facts: Facts
    answer: str
    yes: frozenset[str]
    no: frozenset[str]
    unknown: frozenset[str]
    warnings: tuple[str, ...]
    missing: tuple[str, ...]


@cache
def prepared(name: str) -> Prepared:
    """A policy that ships, or one that was made up for the cases."""
    made_up = CASES / f"{name}.json"
    text = made_up.read_bytes() if made_up.exists() else shipped_policy(name)
    return prepare(convert_policy(json.loads(text)))


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of every file."""
    return tuple(case for file in sorted(CASES.glob("*.toml")) for case in _read(file))


def facts_of(flat: dict[str, Any]) -> Facts:
    """Facts from dotted names; "?" is a fact that is not known."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        if value == "?":
            continue
        owner, _, member = name.rpartition(".")
        holder = nested.setdefault(owner, {}) if owner else nested
        holder[member] = value
    return msgspec.convert(nested, Facts)


def _read(file: Path) -> list[Case]:
    table = tomllib.loads(file.read_text("utf-8"))
    return [_case(table, row) for row in table["case"]]


def _case(table: dict[str, Any], row: dict[str, Any]) -> Case:
    changed = row.get("facts", {})
    assert set(row) <= _KEYS and set(changed) <= set(table["base"]) and row["text"], row["name"]
    no, unknown = row.get("no", []), row.get("unknown", [])
    gates = [gate for gate in table["gates"] if gate not in (*no, *unknown)]

    def labels(rules: list[str]) -> frozenset[str]:
        return frozenset(f"{rule} {table['clauses'][rule]}" for rule in rules)

    return Case(
        policy=table["policy"],
        name=row["name"],
        facts=facts_of(table["base"] | changed),
        answer=row["answer"],
        yes=labels(gates + row.get("by", [])),
        no=labels(no),
        unknown=labels(unknown),
        warnings=tuple(sorted([*table["always"], *row.get("warnings", [])])),
        missing=tuple(sorted(row.get("missing", []))),
    )
