"""What docs/spec says of kinds is what the tables say, and the JSON Schemas judge as the door does."""

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from ledger_service.kinds import KINDS
from ledger_service.parts import PART_FORMS
from scripts import make_kind_pages as pages
from tests.fixtures.parts import EXAMPLES
from tests.hostile.values import spoiled

SCHEMA = pages.schema()


def judge(name: str, value: Any) -> bool:
    """Whether the schema of this name takes the value."""
    return jsonschema_rs.Draft202012Validator(SCHEMA | {"$ref": f"#/$defs/{name}"}).is_valid(value)


def test_the_page_and_the_schemas_are_current() -> None:
    text = pages.PAGE.read_text(encoding="utf-8")
    assert pages.page(text) == text, "run python -m scripts.make_kind_pages"
    assert pages.SCHEMA.read_text(encoding="utf-8") == pages.schema_text(), "run python -m scripts.make_kind_pages"
    with pytest.raises(ValueError, match="lacks the marks"):
        pages.page(text.replace("<!-- parts -->", ""))


def test_the_schemas_are_schemas() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    patterns = re.findall(r'"pattern": "(.*)"', pages.schema_text())
    assert patterns and not any("\\Z" in pattern for pattern in patterns)


@pytest.mark.parametrize("name", PART_FORMS)
def test_a_part_is_judged_alike(name: str) -> None:
    """The example is taken by both; each of many ways to spoil it by both or by neither."""
    assert judge(f"part.{name}", EXAMPLES[name])
    if name == "rules":
        return  # a format of its own, with days of the calendar, which a schema only describes
    changed = list(spoiled(EXAMPLES[name]))
    verdicts = [(value, judge(f"part.{name}", value), _taken(name, value)) for value in changed]
    assert not [value for value, by_schema, by_form in verdicts if by_schema != by_form]
    assert any(not by_schema for _, by_schema, _ in verdicts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_wants_its_parts(kind: str) -> None:
    shown = {name: EXAMPLES[name] for name in KINDS[kind].parts}
    assert judge(kind, shown | {"note": "anything"})
    for name in shown:
        assert not judge(kind, {other: value for other, value in shown.items() if other != name})


def _taken(name: str, value: Any) -> bool:
    try:
        msgspec.convert(value, PART_FORMS[name])
    except msgspec.ValidationError:
        return False
    return True
