"""`huzheng prove`: fetch a proof, judge it where a trust file is at hand, and keep it."""

from pathlib import Path
from typing import Annotated

import typer

from anchors.core.encoding import decode_hex
from ledger_service.cli.options import DEFAULT_URL, AsJson, Origin, Token, Url, read_trust
from ledger_service.cli.output import Output
from ledger_service.cli.reading import Reader, ReaderKey
from ledger_service.cli.verify import DOES_NOT_HOLD, HOLDS, Judge
from ledger_service.client.files import write_atomically


def app(
    statement: Annotated[str, typer.Argument(help="Statement id, 0x and 64 hex digits.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; else <id>.tlog-proof.")] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", envvar="HUZHENG_TRUST", help="Judge the proof before it is kept.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    key: ReaderKey = None,
    origin: Origin = None,
    as_json: AsJson = False,
) -> int:
    """Fetch the proof of one statement, with the parts that one may see: by --key, or the operator token; else none."""
    statement_id = decode_hex(statement, 32, "statement id")
    trusted = read_trust(trust) if trust else None
    out = out or Path(f"{statement[2:18]}.tlog-proof")
    with Reader(token, key, trust, origin).open(url) as api:
        proof = api.proof(statement_id)
    output = Output(as_json)
    if trusted is not None:
        judged = Judge(trusted).judge_bytes(proof, "the service's proof")
        same = judged.verdict is not None and judged.verdict.statement_id == statement_id
        if judged.status != HOLDS or not same:
            why = judged.error or ("it does not hold" if same else "it is of another statement")
            output.result({"file": None, "holds": False, "error": why})
            output.note(f"huzheng: the service's proof was not kept: {why}; ask the operator")
            return DOES_NOT_HOLD
    write_atomically(out, proof)
    output.result({"file": str(out), "bytes": len(proof), "holds": True if trusted else None})
    output.line(f"{out}: {len(proof)} bytes, {'it holds' if trusted else 'not judged (give --trust)'}")
    return HOLDS
