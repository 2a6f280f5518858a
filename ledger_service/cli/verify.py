"""`huzheng verify`: judge proof files by a trust file. Without --rpc it opens no connection."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.core.errors import Error, MalformedInput
from anchors.core.tlog_proof import MAX_PROOF_BYTES
from anchors.core.trust import Trust
from anchors.core.verify import State, Verdict, verify_proof
from ledger_service.cli.options import AsJson, TrustFile, read_bounded, read_trust
from ledger_service.cli.output import Output, local_time
from ledger_service.cli.words import kind_in_words, part_members, readable, statement_members
from ledger_service.client.errors import ClientError

HOLDS, DOES_NOT_HOLD, WRONG_INPUT = 0, 1, 2


@dataclass(frozen=True)
class Judged:
    """One file: its verdict, or why there is none; `status` is its exit status."""

    file: str
    status: int
    verdict: Verdict | None = None
    error: str | None = None

    def members(self) -> dict[str, Any]:
        """The file's members in the JSON answer."""
        if self.verdict is None:
            return {"file": self.file, "holds": False, "error": self.error}
        verdict = self.verdict
        claims = [{"claim": claim.name, "state": claim.state.value, "why": claim.why} for claim in verdict.claims]
        statement = verdict.entry and statement_members(verdict.entry.statement, verdict.statement_id)
        return {
            "file": self.file,
            "holds": verdict.holds,
            "claims": claims,
            "origin": verdict.checkpoint.origin,
            "index": verdict.index,
            "size": verdict.checkpoint.size,
            "statement": statement,
            "parts": part_members(verdict.content) if verdict.content else [],
        }


class Judge:
    """Judges files by one trust file; with a node's address the claim `witnessed` too."""

    def __init__(self, trust: Trust, rpc: str | None = None, first_block: int = 0, *, witnessed: bool = False):
        self._trust = trust
        self._first_block = first_block
        self._witnessed = witnessed
        self._chain = None
        if rpc is not None:
            from anchors.chain.ethereum import EthereumChain  # not needed, and so not loaded, offline

            self._chain = EthereumChain(rpc, trust.registry_contract.address, trust.witness_contract.address)

    def judge(self, path: Path) -> Judged:
        """Judge one file. Never raises for what is in it."""
        try:
            return self.judge_bytes(read_bounded(path, MAX_PROOF_BYTES, "proof file"), str(path))
        except ClientError as error:
            return Judged(str(path), WRONG_INPUT, error=str(error))

    def judge_bytes(self, data: bytes, name: str) -> Judged:
        """Judge the bytes of one file."""
        try:
            verdict = self._with_node(verify_proof(data, self._trust))
        except MalformedInput as error:
            return Judged(name, WRONG_INPUT, error=f"{name}: {error}; it is no proof that can be judged, get it again")
        except Error as error:
            return Judged(name, DOES_NOT_HOLD, error=f"{name}: {error}")
        holds = verdict.holds and (not self._witnessed or _state(verdict, "witnessed") is State.VERIFIED)
        return Judged(name, HOLDS if holds else DOES_NOT_HOLD, verdict, self._wrong_trust_file(verdict, name))

    def _wrong_trust_file(self, verdict: Verdict, name: str) -> str | None:
        """What to say where the proof is of a log that the trust file knows nothing of."""
        named = [log.origin for log in self._trust.logs]
        if verdict.checkpoint.origin in named:
            return None
        return (
            f"{name}: is of the log {verdict.checkpoint.origin}, the trust file names {', '.join(named) or 'none'}; "
            "give the trust file of the proof's log"
        )

    def _with_node(self, verdict: Verdict) -> Verdict:
        if self._chain is None:
            return verdict
        from anchors.chain.witnessed import judge_with_node

        return judge_with_node(verdict, self._trust, self._chain, self._first_block)


def app(
    files: Annotated[list[Path], typer.Argument(help="Proof files (.tlog-proof).", show_default=False)],
    trust: TrustFile,
    rpc: Annotated[
        str | None, typer.Option("--rpc", help="JSON-RPC address of a node, to check the claim 'witnessed' too.")
    ] = None,
    first_block: Annotated[
        int, typer.Option("--first-block", min=0, help="With --rpc: the block in which the contracts were deployed.")
    ] = 0,
    require_witnessed: Annotated[
        bool, typer.Option("--require-witnessed", help="Exit with 1 unless 'witnessed' is VERIFIED as well.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Judge proof files by a trust file.

    Offline unless --rpc is given. Exit status 0: every proof holds; 1: one does not; 2: one cannot be read.
    """
    judge = Judge(read_trust(trust), rpc, first_block, witnessed=require_witnessed)
    output = Output(as_json)
    judged = [judge.judge(path) for path in files]
    output.result({"holds": all(one.status == HOLDS for one in judged), "files": [one.members() for one in judged]})
    for one in judged:
        _show(output, one)
    for one in judged:
        if one.error is not None:
            output.note(f"huzheng: {one.error}")
    return max(one.status for one in judged)


def _state(verdict: Verdict, name: str) -> State:
    return verdict.claim(name).state


def _show(output: Output, judged: Judged) -> None:
    verdict = judged.verdict
    if verdict is None:
        return
    output.line(judged.file, "bold")
    output.table(
        ("#", "claim", "state", "why"),
        [(number, claim.name, claim.state.value, claim.why) for number, claim in enumerate(verdict.claims, 1)],
    )
    if verdict.holds:
        output.line("THE PROOF HOLDS. What was said:", "bold green")
    else:
        output.line("THE PROOF DOES NOT HOLD. What the file claims, and does not prove:", "bold red")
    _show_statement(output, verdict)
    output.line("It says nothing of whether the content is clinically right, or who is liable.", "dim")
    output.line()


def _show_statement(output: Output, verdict: Verdict) -> None:
    if verdict.entry is None:
        output.line("  an entry that cannot be read")
        return
    statement = verdict.entry.statement
    output.line(f"  {statement.institution} {kind_in_words(statement.kind)}")
    pairs = [
        ("kind", statement.kind),
        ("issued at", f"{local_time(statement.issued_at)} (as the signer claims)"),
        ("subject", f"0x{statement.subject.hex()}"),
        ("statement", f"0x{verdict.statement_id.hex()}" if verdict.statement_id else ""),
        ("place", f"entry {verdict.index} of {verdict.checkpoint.size} in {verdict.checkpoint.origin}"),
    ]
    for part in part_members(verdict.content) if verdict.content else ():
        if "withheld" in part:
            pairs.append((f"part {part['name']}", f"withheld; its hash: {part['withheld']}"))
        else:
            pairs.append((f"part {part['name']}", readable(part["value"])))
    output.pairs([(f"  {name}", value) for name, value in pairs])
