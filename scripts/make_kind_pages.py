"""Writes what docs/spec says of kinds from the tables in `ledger_service/kinds.py` and `parts.py`.

`python -m scripts.make_kind_pages` writes docs/spec/kinds.md between its marks, and docs/spec/kinds.schema.json.
"""

import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import msgspec

from ledger_service.kinds import KINDS, Kind, LinkRule, Role, Subject
from ledger_service.parts import PART_FORMS
from ledger_service.recognition.policy import PolicyDocument

SPEC = Path(__file__).resolve().parent.parent / "docs" / "spec"
PAGE, SCHEMA = SPEC / "kinds.md", SPEC / "kinds.schema.json"
SCHEMA_REF = "#/$defs/{name}"
_ROLES = frozenset(value for name, value in vars(Role).items() if name.isupper())


def page(text: str) -> str:
    """The page with its tables as they should be. Raises `ValueError` where a mark is missing."""
    for name, table in (("kinds", _kinds()), ("parts", _parts())):
        mark = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not mark.search(text):
            raise ValueError(f"docs/spec/kinds.md lacks the marks <!-- {name} --> and <!-- /{name} -->")
        text = mark.sub(lambda found, table=table: found[1] + "\n" + table + "\n" + found[2], text)
    return text


def schema() -> dict[str, Any]:
    """One JSON Schema (2020-12): under `$defs`, the form of each listed part, and by kind the parts that it shows."""
    names = list(PART_FORMS)
    listed = {"type": "object", "properties": {name: {"$ref": f"#/$defs/part.{name}"} for name in names}}
    forms, definitions = msgspec.json.schema_components([PART_FORMS[name] for name in names], ref_template=SCHEMA_REF)
    parts = dict(zip(names, forms, strict=True))
    kinds = {
        kind.name: {
            "title": kind.words,
            "$ref": "#/$defs/listed",
            "required": list(kind.parts),
        }
        for kind in KINDS.values()
    }
    named = {f"part.{name}": form for name, form in parts.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Shown parts of a statement, by name",
        "$defs": _python_anchors(definitions) | _python_anchors(named) | {"listed": listed} | kinds,
    }


def schema_text() -> str:
    """The file."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def _python_anchors(value: Any) -> Any:
    """JSON Schema patterns are of ECMA 262, which ends a text at `$` and knows no `\\Z`."""
    if isinstance(value, dict):
        return {
            key: inner.replace("\\Z", "$") if key == "pattern" else _python_anchors(inner)
            for key, inner in value.items()
        }
    return [_python_anchors(inner) for inner in value] if isinstance(value, list) else value


def _kinds() -> str:
    rows = ["| kind | what was done | who may sign | subject | required parts | links |", "|---|---|---|---|---|---|"]
    rows += [
        f"| `{kind.name}`{' †' if kind.while_suspended else ''} | {kind.words} | {_who(kind)} | {_subject(kind)} | "
        f"{', '.join(f'`{part}`' for part in kind.parts)} | {'; '.join(map(_link, kind.links)) or '–'} |"
        for kind in KINDS.values()
    ]
    return "\n".join(rows) + "\n"


def _who(kind: Kind) -> str:
    return "any role" if kind.roles == _ROLES else ", ".join(sorted(kind.roles))


def _subject(kind: Kind) -> str:
    if kind.of_policy:
        return "new; that of the policy"
    return {Subject.NEW: "new", Subject.EXISTING: "existing", Subject.OWNED: "existing; owner only"}[kind.subject]


def _link(rule: LinkRule) -> str:
    own = "own " if rule.own else ""
    if rule.targets is None:
        target = f"{own}statement of any kind"
    else:
        target = own + " or ".join(f"`{name}`" for name in sorted(rule.targets))
    if rule.named_by:
        target = f"the version that `{rule.named_by[0]}` names"
    if rule.foreign:
        target += " of another log"
    if rule.current:
        target += ", the current one"
    if not rule.same_subject and not rule.foreign:
        target += ", another subject"
    return f"{'may have ' if rule.optional else ''}`{rule.rel}` → {target}"


def _parts() -> str:
    rows = ["| part | members | what it says |", "|---|---|---|"]
    for name, form in PART_FORMS.items():
        inner = typing.get_args(form)[0] if typing.get_origin(form) is list else form
        if inner is PolicyDocument:
            rows.append(f"| `{name}` | see [policy.md](policy.md) | {_says(inner)} |")
            continue
        many = "a list of: " if inner is not form else ""
        rows.append(f"| `{name}` | {many}{_members(inner)} | {_says(inner)} |")
    return "\n".join(rows) + "\n"


def _says(form: type) -> str:
    return " ".join((form.__doc__ or "").split())


def _members(form: type[msgspec.Struct]) -> str:
    hints = typing.get_type_hints(form, include_extras=True)
    return ", ".join(
        f"`{field.encode_name}`{'' if field.required else '?'}: {_type(hints[field.name])}"
        for field in sorted(msgspec.structs.fields(form), key=lambda field: field.encode_name)
    )


def _type(hint: Any) -> str:
    from ledger_service import parts

    named = {"Digest", "StatementId", "Word", "Code", "Name", "Count", "Tier", "Day", "Moment", "Zone", "Pseudonym"}
    for name in named:
        if hint == getattr(parts, name):
            return name.lower() if name != "StatementId" else "statement id"
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " / ".join(f"`{value}`" for value in inner)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is tuple:
        return f"({', '.join(map(_type, inner))})"
    if origin in (typing.Union, types.UnionType):
        return _type(next(one for one in inner if one not in (type(None), msgspec.UnsetType)))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return "{" + _members(hint) + "}"
    return {bool: "true or false", int: "integer", str: "text"}.get(hint, "text")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
