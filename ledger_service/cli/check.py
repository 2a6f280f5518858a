"""`huzheng check`: whether a document is the one that an institution issued, and still its current version."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.encoding import encode_hex
from anchors.core.times import iso_time
from ledger_service.cli.attest import MAX_DOCUMENT_BYTES
from ledger_service.cli.options import DEFAULT_URL, AsJson, Url, read_bounded, read_trust
from ledger_service.cli.output import Output
from ledger_service.cli.verify import HOLDS, Judge
from ledger_service.cli.words import kind_in_words
from ledger_service.client.api import Api
from ledger_service.client.files import write_atomically

IS_CURRENT, IS_NOT = 0, 1
_WORDS = {
    "current": "the current version 现行版本",
    "superseded": "replaced by a later version 已被更正",
    "withdrawn": "withdrawn 已撤回",
    None: "not told 未能得知",
}
_NO_PROOF = "no proof yet: ask again in seconds"


def app(
    document: Annotated[Path, typer.Argument(help="The document's file, exactly as it was received.")],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", envvar="HUZHENG_TRUST", help="Judge the proof; else the service is believed."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Keep the proof of the last statement in this file.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Check a document against the log, without an account: who issued these bytes, and what became of that version.

    Exit status 0: it is the current version of a report. With --trust all of that is proved but for "current", which is
    the service's word. 1: it is not, or the proof does not hold.
    """
    digest = sha256(read_bounded(document, MAX_DOCUMENT_BYTES, "document")).digest()
    judge = Judge(read_trust(trust)) if trust is not None else None
    with Api(url) as api:
        found = [_judged(item, digest, judge) for item in api.check_document(digest)]
    kept = out is not None and bool(found) and found[-1]["holds"] is not False and found[-1]["proof"] is not None
    if kept:
        write_atomically(out, found[-1]["proof"].encode("utf-8"))
    is_current = any(item["version"] == "current" and item["holds"] is not False for item in found)
    output = Output(as_json)
    output.result({"sha256": digest.hex(), "current": is_current, "statements": found})
    if out is not None and not kept:
        output.note(f"huzheng: {out} was not written: there is no proof that could be kept")
    if not found:
        output.line("No institution attested these bytes in this log.")
        return IS_NOT
    rows = [
        (item["index"], item["institution"], kind_in_words(item["kind"]), iso_time(item["issuedAt"]), *_ending(item))
        for item in found
    ]
    output.line(digest.hex(), "bold")
    output.table(("entry", "institution", "what it did", "issued at", "this is", "proof"), rows)
    return IS_CURRENT if is_current else IS_NOT


def _judged(item: dict[str, Any], digest: bytes, judge: Judge | None) -> dict[str, Any]:
    """The item with `holds` (None: not judged) and, where it does not hold, `why`."""
    if judge is None:
        return item | {"holds": None}
    if item["proof"] is None:
        return item | {"holds": False, "why": _NO_PROOF}
    judged = judge.judge_bytes(item["proof"].encode("utf-8"), "the service's proof")
    verdict = judged.verdict
    if judged.status != HOLDS or verdict is None:
        return item | {"holds": False, "why": judged.error or "it does not hold"}
    document = verdict.content.value("document") if verdict.content is not None else None
    if not isinstance(document, dict) or document.get("sha256") != digest.hex():
        return item | {"holds": False, "why": "it is of another document"}
    said, proved = item["statement"], encode_hex(verdict.statement_id)
    if said != proved or item["institution"] != verdict.entry.statement.institution:
        return item | {"holds": False, "why": "it is of another statement"}
    return item | {"holds": True}


def _ending(item: dict[str, Any]) -> tuple[str, str]:
    holds = {True: "holds", False: item.get("why", ""), None: "not judged (give --trust)"}[item["holds"]]
    return _WORDS.get(item["version"], _WORDS[None]), holds
