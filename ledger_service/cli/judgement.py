"""How the verdict over one proof file is shown, to people and as JSON members."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchors.core.encoding import ZERO_WORD, encode_hex
from anchors.core.times import iso_time
from anchors.core.verify import State, Verdict
from ledger_service.cli.output import Output
from ledger_service.cli.words import kind_in_words, part_members, readable, statement_members

if TYPE_CHECKING:
    from anchors.chain.port import Block
    from anchors.chain.witnessed import Times

NOT_ASKED = "not checked, give --rpc"


@dataclass(frozen=True)
class Judged:
    """One file: its verdict, or why there is none; `status` is its exit status. `times` is None where no node was
    asked."""

    file: str
    status: int
    verdict: Verdict | None = None
    error: str | None = None
    times: "Times | None" = None

    def members(self) -> dict[str, Any]:
        """The file's members in the JSON answer."""
        if self.verdict is None:
            return {"file": self.file, "holds": False, "error": self.error}
        verdict, times = self.verdict, self.times if self.verdict.holds else None
        claims = [{"claim": claim.name, "state": claim.state.value, "why": claim.why} for claim in verdict.claims]
        statement = verdict.entry and statement_members(verdict.entry.statement, verdict.statement_id)
        named = verdict.entry is not None and verdict.entry.statement.observed != ZERO_WORD
        return {
            "file": self.file,
            "holds": verdict.holds,
            "restsOn": self.rests_on(),
            "chainAsked": self.times is not None,
            "claims": claims,
            "signedAfter": _block_members(times and times.after)
            | {"head": encode_hex(verdict.entry.statement.observed) if named else None},
            "signedBefore": _block_members(times and times.before),
            "origin": verdict.checkpoint.origin,
            "index": verdict.index,
            "size": verdict.checkpoint.size,
            "statement": statement,
            "parts": part_members(verdict.content) if verdict.content else [],
        }

    def show(self, output: Output) -> None:
        """The verdict for people; nothing where there is none."""
        verdict = self.verdict
        if verdict is None:
            return
        output.line(self.file, "bold")
        output.table(
            ("#", "claim", "state", "why"),
            [(number, claim.name, claim.state.value, claim.why) for number, claim in enumerate(verdict.claims, 1)],
        )
        if verdict.holds:
            output.line(f"THE PROOF HOLDS {self._by_the_chain()}. What was said:", "bold green")
        else:
            output.line("THE PROOF DOES NOT HOLD. What the file claims, and does not prove:", "bold red")
        self._show_statement(output, verdict)
        *believed, last = self.rests_on()
        output.line(f"It rests on {', '.join(believed)} and {last}.", "dim")
        output.line("It says nothing of whether the content is clinically right, or who is liable.", "dim")
        output.line()

    def rests_on(self) -> list[str]:
        """What has to be believed for the verdict to be right."""
        believed = ["the trust file", "the registry's administrator"]
        return believed if self.times is None else [*believed, "the node that was asked", "the chain's validators"]

    def _by_the_chain(self) -> str:
        if self.times is None:
            return "(the chain was not asked)"
        return {
            State.VERIFIED: "(and the chain witnessed it)",
            State.NOT_PROVABLE: "(the chain does not show that it is witnessed)",
        }.get(self.verdict.claim("witnessed").state, "(the chain gave no answer)")

    def _show_statement(self, output: Output, verdict: Verdict) -> None:
        if verdict.entry is None:
            output.line("  an entry that cannot be read")
            return
        statement = verdict.entry.statement
        output.line(f"  {statement.institution} {kind_in_words(statement.kind)}")
        pairs = [
            ("kind", statement.kind),
            ("issued at", f"{iso_time(statement.issued_at)} (as the signer claims)"),
            ("signed after", self._after(verdict, statement.observed)),
            ("signed before", self._before(verdict)),
            ("subject", encode_hex(statement.subject)),
            ("statement", encode_hex(verdict.statement_id) if verdict.statement_id else ""),
            ("place", f"entry {verdict.index} of {verdict.checkpoint.size} in {verdict.checkpoint.origin}"),
        ]
        for part in part_members(verdict.content) if verdict.content else ():
            if "withheld" in part:
                pairs.append((f"part {part['name']}", f"withheld; its hash:\n{part['withheld']}"))
            else:
                pairs.append((f"part {part['name']}", readable(part["value"])))
        output.pairs([(f"  {name}", value) for name, value in pairs])

    def _after(self, verdict: Verdict, observed: bytes) -> str:
        if observed == ZERO_WORD:
            return "nothing: the statement names no head it had seen"
        shown = self._shown(verdict, self.times and self.times.after, "whose hash is in the head that it had seen")
        return f"{shown}\nthe head: {encode_hex(observed)}"

    def _before(self, verdict: Verdict) -> str:
        return self._shown(verdict, self.times and self.times.before, "the first with a head that covers the entry")

    def _shown(self, verdict: Verdict, block: "Block | None", why: str) -> str:
        if self.times is None:
            return NOT_ASKED
        if not verdict.holds or verdict.claim("witnessed").state is not State.VERIFIED:
            return "not shown; see the claims"
        if block is None:
            return "not shown: the log has no such head before this entry"
        return f"{iso_time(block.timestamp)}, block {block.number}, {why}"


def _block_members(block: "Block | None") -> dict[str, Any]:
    """A block as JSON members, which are null where it was not shown."""
    return {"block": block.number if block else None, "time": iso_time(block.timestamp) if block else None}
