"""What the city's authorities publish before anything is recognised: rules, catalogue, code map, profiles,
qualifications.

The rules are those of a real document (`ledger_service/recognition/policies`), moved to a city that does not exist and
marked as a sample.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from ledger_service.kind_rules import policy_subject
from ledger_service.parts import Policy
from ledger_service.recognition.policy import convert_policy, policy_digest
from scripts.city.acts import Act
from scripts.city.founding import Institution, derive_secret

TEMPLATE = "zhanjiang-2024.json"
CITY, NEIGHBOUR, PROVINCE = "样例市", "邻市", "样例省"
DISTRICTS = ("东区", "西区", "样例县")
MARK = f"{CITY} HR"
SYSTEM, NATIONAL = "SAMPLE-local", "SAMPLE-national"
ITEMS = {
    "laboratory": (
        ("L-001", "（样例）血细胞分析", 1_800),
        ("L-002", "（样例）肝功能", 4_200),
        ("L-003", "（样例）葡萄糖", 600),
    ),
    "imaging": (("I-001", "（样例）胸部CT平扫", 18_000), ("I-002", "（样例）腹部超声", 9_000)),
    "pathology": (("P-001", "（样例）组织病理", 15_000),),
}
RULES_ACT = "rules/policy"
ROUND = 1


def sample_rules() -> dict[str, Any]:
    """The rules of the sample city."""
    text = (files("ledger_service.recognition") / "policies" / TEMPLATE).read_text("utf-8")
    for real, sample in (
        ("湛江市", CITY),
        ("Zhanjiang", "SAMPLE"),
        ("吴川市", "样例县"),
        ("遂溪县", "西区"),
        ("zhanjiang", "sample"),
    ):
        text = text.replace(real, sample)
    rules = json.loads(text) | {"policy": "SAMPLE-city-recognition", "version": "2026-01", "sample": True}
    for area, places in zip(rules["areas"], ((CITY,), ("样例县",), ("西区",)), strict=True):
        area["places"] = list(places)
    return rules


def named_policy(rules: dict[str, Any]) -> dict[str, str]:
    """What a decision names: policy, version and digest."""
    return {
        "policy": rules["policy"],
        "version": rules["version"],
        "digest": policy_digest(convert_policy(rules)).hex(),
    }


def plan_rules(
    seed: str, authorities: Sequence[Institution], institutions: Sequence[Institution], today: date
) -> list[Act]:
    """Everything that is published, dated so that it holds for the year before `today`. One qualification lapsed."""
    commission, centre, _ = authorities
    since = (today - timedelta(days=360)).isoformat()
    rules = sample_rules()
    policy = named_policy(rules)
    acts = [
        Act(
            RULES_ACT,
            ROUND,
            commission,
            "policy.published",
            policy_subject(Policy(**policy)),
            parts={"policy": policy, "rules": rules},
        ),
        _published(seed, commission, "catalogue", _catalogue(since)),
        _published(seed, commission, "codemap", _codemap(since)),
    ]
    for number, institution in enumerate(institutions):
        acts += plan_profile(seed, (commission, centre), number, institution, today)
    return acts


def plan_profile(
    seed: str, authorities: Sequence[Institution], number: int, institution: Institution, today: date
) -> list[Act]:
    """What is published of one institution; its number among all says where it stands."""
    commission, centre = authorities
    since = (today - timedelta(days=360)).isoformat()
    described = _profile(seed, commission, number, institution, since)
    return [described, *_qualifications(seed, centre, number, institution, since, today)]


def mark_of(institution: Institution, institutions: Sequence[Institution]) -> str:
    """What the institution prints on its reports."""
    return MARK if city_of(institutions.index(institution)) == CITY else f"{NEIGHBOUR} HR"


def city_of(number: int) -> str:
    """Where an institution stands: every sixth in the neighbouring city."""
    return NEIGHBOUR if number % 6 == 5 else CITY


def _published(seed: str, by: Institution, name: str, value: dict[str, Any]) -> Act:
    return Act(f"rules/{name}", ROUND, by, f"{name}.published", derive_secret(seed, name), parts={name: value})


def _profile(seed: str, by: Institution, number: int, institution: Institution, since: str) -> Act:
    alliance = number // 5
    profile = {
        "institution": institution.code,
        "name": institution.name,
        "since": since,
        "tier": institution.tier,
        "ownership": "private" if institution.role == "laboratory" else "public",
        "district": DISTRICTS[number % 3],
        "city": city_of(number),
        "region": PROVINCE,
        "groups": [{"group": f"city-close/SAMPLE-{alliance}", "since": since}],
    }
    name = f"profile {institution.code}"
    return Act(
        f"rules/{name}", ROUND, by, "institution.profiled", derive_secret(seed, name), parts={"profile": profile}
    )


def _qualifications(
    seed: str, by: Institution, number: int, institution: Institution, since: str, today: date
) -> list[Act]:
    """For laboratory work and, of a hospital, imaging. The first institution of the second tier let its own lapse."""
    acts = []
    for category in ("laboratory", "imaging") if institution.role == "hospital" else ("laboratory",):
        until = today - timedelta(days=60) if number == 1 else today + timedelta(days=4)
        qualification = {
            "institution": institution.code,
            "category": category,
            "since": since,
            "until": until.isoformat(),
            "scope": [city_of(number)],
            "marks": [f"{city_of(number)} HR"],
        }
        name = f"qualification {category} {institution.code}"
        subject = derive_secret(seed, name)
        parts = {"qualification": qualification}
        acts.append(Act(f"rules/{name}", ROUND, by, "qualification.granted", subject, parts=parts))
    return acts


def _catalogue(since: str) -> dict[str, Any]:
    items = [
        {"item": code, "category": category, "name": name, "price": price}
        for category, rows in ITEMS.items()
        for code, name, price in rows
    ]
    return {
        "catalogue": "SAMPLE-catalogue",
        "version": "2026-01",
        "since": since,
        "section": 1,
        "sections": 1,
        "items": items,
    }


def _codemap(since: str) -> dict[str, Any]:
    pairs = [[f"N-{code}", code] for rows in ITEMS.values() for code, _, _ in rows]
    return {
        "codemap": "SAMPLE-codes",
        "version": "2026-01",
        "since": since,
        "section": 1,
        "sections": 1,
        "source": NATIONAL,
        "target": SYSTEM,
        "pairs": [*pairs, ["N-L-001", "L-003"]],
    }
