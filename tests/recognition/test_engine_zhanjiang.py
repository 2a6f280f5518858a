"""The Zhanjiang rules once more, straight from the text as one function, against the engine on facts by chance."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings

from ledger_service.recognition.engine import decide
from tests.fixtures.examples import examples
from tests.recognition.strategies import known_facts
from tests.recognition.table import facts_of, prepared

ZHANJIANG = {"440800", "湛江市"}
WUCHUAN = {"440883", "吴川市"}


def _local(moment: datetime) -> date:
    return (moment.astimezone(UTC) + timedelta(hours=8)).date()


def recognised_by_the_text(facts: dict[str, Any]) -> bool:
    """Whether the plan calls for recognition; every fact is known."""
    day = _local(facts["decided"])
    issued, last = date(2024, 1, 24), date(2029, 1, 24)
    if not issued <= day <= last:  # 文末
        return False
    if facts["recogniser.city"] not in ZHANJIANG:  # 四（一）全市
        return False
    if facts["category"] not in ("laboratory", "imaging") or "conclusion" in facts["extent"]:  # 三
        return False
    if not facts["in_catalogue"]:  # 三
        return False
    here = {facts["recogniser.region"], facts["recogniser.city"], facts["recogniser.district"]}
    if facts["qualification.state"] != "granted" or not here & set(facts["qualification.scope"]):  # 五
        return False
    return _by_tiers(facts, day) or _by_group(facts, day)


def _by_tiers(facts: dict[str, Any], day: date) -> bool:
    if facts["issuer.city"] not in ZHANJIANG:
        return False
    issuer, recogniser = max(facts["issuer.tier"], 1), max(facts["recogniser.tier"], 1)  # 一级及以下
    if issuer < recogniser:  # 四（一）同级互认、下级认上级
        return False
    if day < date(2024, 3, 1):  # 七（一）
        pilots = all("zhanjiang-2024" in facts[f"{who}.pilots"] for who in ("issuer", "recogniser"))
        return issuer == recogniser == 3 and pilots
    if day < date(2025, 1, 1):  # 七（二）
        if issuer == 3:
            return True
        public = facts["issuer.ownership"] == "public"
        return issuer == 2 and public and (recogniser == 1 or facts["recogniser.ownership"] == "public")
    return True  # 七（三）


def _by_group(facts: dict[str, Any], day: date) -> bool:
    shared = set(facts["issuer.groups"]) & set(facts["recogniser.groups"])
    kinds = {group.split("/")[0] for group in shared} - {"alliance"}  # 四（二）
    if day < date(2024, 3, 1):  # 七（一）
        in_wuchuan = {facts["issuer.district"], facts["recogniser.district"]} <= WUCHUAN
        return "county-close" in kinds and in_wuchuan
    return bool(kinds)


@settings(max_examples=examples(400, thorough=4_000))
@given(known_facts())
def test_the_engine_agrees_with_the_text(facts: dict[str, Any]) -> None:
    expected = "yes" if recognised_by_the_text(facts) else "no"
    assert decide(prepared("zhanjiang-2024"), facts_of(facts)).recognisable == expected
