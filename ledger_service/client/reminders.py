"""From what the service answers about reminders to drafts that the hospital signs (docs/REMINDERS.md)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from anchors.core.encoding import decode_hex
from ledger_service.client.compose import Draft, Material, compose
from ledger_service.client.errors import BrokenAnswer

EXTENSION = "urn:huzheng:reminder"


class _Link(msgspec.Struct):
    rel: str
    statement: str


class _Said(msgspec.Struct):
    kind: str
    subject: str
    parts: dict[str, Any]
    links: list[_Link] = []


def drafts_of(answer: Mapping[str, Any], **links: bytes) -> list[Draft]:
    """The drafts in an answer of `POST /v1/reminders`, of a CDS service or of its feedback, in order, with fresh salts.

    `links` are those that drafts still need, rel to statement id (32 bytes). Take out of the answer what the doctor
    was not shown. Raises `BrokenAnswer`, or `WrongInput` where a link is missing still.
    """
    try:
        return [_draft(msgspec.convert(each, _Said), links, each.get("needs", ())) for each in _found(answer)]
    except (msgspec.ValidationError, AttributeError, KeyError, TypeError) as error:
        raise BrokenAnswer(f"the service's answer holds no drafts ({error}); is it one about reminders?") from None


def _found(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "cards" in answer:
        return [card["extension"][EXTENSION]["draft"] for card in answer["cards"]]
    if "reminders" in answer:
        return [reminder["draft"] for reminder in answer["reminders"]]
    return list(answer["drafts"])


def _draft(said: _Said, more: Mapping[str, bytes], needs: Any) -> Draft:
    links = {link.rel: decode_hex(link.statement, 32, f"link {link.rel}") for link in said.links}
    links |= {rel: id for rel, id in more.items() if rel in needs}
    values = dict(said.parts)
    reason, policy = values.pop("reason", None), values.pop("policy", None)
    code = reason["code"] if reason is not None else None
    return compose(
        said.kind,
        decode_hex(said.subject, 32, "subject"),
        Material(reason=code, policy=policy, links=links, more=values),
    )
