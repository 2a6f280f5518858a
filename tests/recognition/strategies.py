"""Facts and policies by chance, over a vocabulary so small that rules often meet."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=7))])
_GROUPS = st.lists(st.sampled_from(["city-close/G1", "city-close/G2", "county-close/G3", "alliance/G4"]), unique=True)
_PLACES = [
    ("440000", "440800", "440802"),
    ("440000", "440800", "440823"),
    ("440000", "440800", "440883"),
    ("广东省", "湛江市", "吴川市"),
    ("440000", "440100", "440104"),
    ("440000", "440200", "440203"),
    ("810000", "810000", "810001"),
    ("110000", "110100", "110101"),
]
_SCOPES = [["440000"], ["440800"], ["440100"], ["440823"], ["湛江市"], ["440823", "440100"]]
_MARKS = ["湛江市 HR", "湛江市遂溪县 HR", "SAMPLE"]

moments = st.builds(
    lambda day, seconds, zone: datetime(2023, 12, 1, tzinfo=zone) + timedelta(days=day, seconds=seconds),
    st.integers(0, 2000) | st.integers(20, 420),
    st.integers(0, 86_399),
    _ZONES,
)


@st.composite
def known_facts(draw: st.DrawFn) -> dict[str, Any]:
    """Every fact, by its dotted name, all known."""
    decided = draw(moments)
    facts: dict[str, Any] = {
        "category": draw(st.sampled_from(["laboratory", "imaging", "pathology", "other"])),
        "item": draw(st.sampled_from(["I1", "I2", "I3"])),
        "modality": draw(st.sampled_from(["CT", "MR", "US"])),
        "in_catalogue": draw(st.sampled_from([True, True, True, False])),
        "extent": draw(st.sampled_from([["result"], ["result"], ["conclusion"], ["conclusion", "result"]])),
        "decided": decided,
        "examined": decided - timedelta(hours=draw(st.integers(-30, 900))),
        "qualification.state": draw(st.sampled_from(["granted"] * 6 + ["none", "lapsed", "suspended", "revoked"])),
        "qualification.scope": draw(st.sampled_from(_SCOPES)),
        "qualification.evaluated": decided.date() - timedelta(days=draw(st.integers(0, 800))),
        "marks": draw(st.lists(st.sampled_from(_MARKS), unique=True)),
        "channel": draw(st.sampled_from(["platform", "paper", "film"])),
        "connected": draw(st.booleans()),
        "version": draw(st.sampled_from(["current", "superseded", "withdrawn"])),
        "complete": draw(st.booleans()),
        "emergency": draw(st.booleans()),
    }
    for who in ("issuer", "recogniser"):
        region, city, district = draw(st.sampled_from(_PLACES[:4] * 3 + _PLACES))
        facts |= {
            f"{who}.code": draw(st.sampled_from(["A", "B"])),
            f"{who}.tier": draw(st.integers(0, 3)),
            f"{who}.ownership": draw(st.sampled_from(["public", "private"])),
            f"{who}.region": region,
            f"{who}.city": city,
            f"{who}.district": district,
            f"{who}.groups": draw(_GROUPS),
            f"{who}.pilots": draw(st.sampled_from([[], ["zhanjiang-2024"], ["P1", "zhanjiang-2024"], ["P1"]])),
        }
    return facts


@st.composite
def facts_and_unknowns(draw: st.DrawFn) -> tuple[dict[str, Any], frozenset[str]]:
    """All facts, and the names of those that are to be taken as not known."""
    facts = draw(known_facts())
    return facts, frozenset(draw(st.lists(st.sampled_from(sorted(facts)), max_size=6)))


def hide(facts: dict[str, Any], unknown: frozenset[str]) -> dict[str, Any]:
    """The same facts, some of them not known."""
    return facts | dict.fromkeys(unknown, "?")


_DAYS = st.integers(0, 900).map(lambda day: date(2023, 12, 1) + timedelta(days=day))
_LEVELS = [[[0, 1], [2], [3]], [[0], [1], [2], [3]], [[0, 1, 2, 3]]]
_TIERS = st.lists(st.integers(0, 3), min_size=1, unique=True)
_AREAS = st.sampled_from(["zhanjiang", "guangdong", "wuchuan", "north"])


@st.composite
def _parties(draw: st.DrawFn) -> dict[str, Any]:
    conditions = {
        "tiers": _TIERS,
        "ownership": st.sampled_from(["public", "private"]),
        "area": _AREAS,
        "outside": _AREAS,
        "pilot": st.sampled_from(["zhanjiang-2024", "P1"]),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(conditions)), min_size=1, max_size=2, unique=True))
    return {name: draw(conditions[name]) for name in chosen}


@st.composite
def _rules(draw: st.DrawFn) -> dict[str, Any]:
    """What scopes and steps have in common."""
    rule: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["issuer", "recogniser", "groups"]), max_size=2, unique=True)):
        kinds = st.lists(st.sampled_from(["city-close", "county-close"]), min_size=1, unique=True)
        rule[name] = draw(kinds if name == "groups" else _parties())
    return rule


@st.composite
def _phases(draw: st.DrawFn) -> list[dict[str, Any]]:
    days = sorted(draw(st.lists(_DAYS, min_size=2, max_size=6, unique=True)))
    phases = []
    for number, (first, last) in enumerate(zip(days[::2], days[1::2], strict=False)):
        steps = draw(st.lists(_rules(), max_size=2))
        for step in steps:
            if draw(st.booleans()):
                step["due"] = str(first + (last - first) // 2)
        phase: dict[str, Any] = {"clause": f"phase {number}", "first": str(first), "last": str(last)}
        phases.append(phase | ({"steps": steps} if steps else {}))
    if phases and draw(st.booleans()):
        del phases[-1]["last"]
    return phases


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A policy document as JSON, around scopes made by chance."""
    scopes = []
    for number in range(draw(st.integers(1, 3))):
        scope = {"id": f"s{number}", "clause": f"clause {number}", "zh": "规则", "en": "rule"} | draw(_rules())
        if relation := draw(st.sampled_from([None, "same", "across", "same-or-higher"])):
            scope["relation"] = relation
        if draw(st.booleans()):
            scope["phases"] = draw(_phases())
        scopes.append(scope)
    named = {"zh": "名", "en": "name"}
    return {
        "format": "huzheng policy v1",
        "policy": "chance",
        "version": "1",
        "title": named,
        "issuers": ["SAMPLE"],
        "zone": draw(st.sampled_from(["+08:00", "-07:00", "+00:00"])),
        "area": "guangdong",
        "area_clause": "1",
        "areas": [
            {"id": "zhanjiang", "level": "city", "places": ["440800", "湛江市"]} | named,
            {"id": "guangdong", "level": "region", "places": ["440000", "广东省"]} | named,
            {"id": "wuchuan", "level": "district", "places": ["440883"]} | named,
            {"id": "north", "level": "city", "places": ["440200", "110100"]} | named,
        ],
        "levels": [{"tiers": tiers} | named for tiers in draw(st.sampled_from(_LEVELS))],
        "groups": [{"id": "city-close"} | named, {"id": "county-close"} | named],
        "categories": {
            "clause": "2",
            "included": [
                {"id": "laboratory", "window": {"clause": "3", "days": draw(st.integers(1, 40))}} | named,
                {"id": "imaging"} | named,
            ],
            "excluded": [{"id": "pathology", "clause": "4"} | named],
        },
        "items": [
            {"item": "I1", "clause": "5", "days": draw(st.integers(1, 40))},
            {"item": "I2", "clause": "6", "days": draw(st.integers(1, 40))},
        ],
        "caveats": [
            {"id": "c1", "clause": "9", "category": "imaging", "modalities": ["US", "MR"]} | named,
            {"id": "c2", "clause": "9", "category": "laboratory", "modalities": ["US"]} | named,
        ],
        "scopes": scopes,
        "qualification": {"clause": "7", "months": draw(st.integers(1, 24))},
        "physical": {"clause": "8"},
    }
