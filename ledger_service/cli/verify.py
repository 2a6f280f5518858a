"""`huzheng verify`: judge proof files and evidence packages by a trust file. Without --rpc it opens no connection."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anchors.core.errors import Error, MalformedInput
from anchors.core.tlog_proof import MAX_PROOF_BYTES
from anchors.core.trust import Trust
from anchors.core.verify import State, Verdict, verify_proof
from ledger_service.cli.judgement import Judged
from ledger_service.cli.options import AsJson, TrustFile, read_bounded, read_trust
from ledger_service.cli.output import Output
from ledger_service.client.errors import ClientError, WrongInput

if TYPE_CHECKING:
    from anchors.chain.witnessed import Times

HOLDS, DOES_NOT_HOLD, WRONG_INPUT = 0, 1, 2
_ARCHIVE = b"PK\x03\x04"


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
        """Judge one proof file. Never raises for what is in it."""
        try:
            return self.judge_bytes(read_bounded(path, MAX_PROOF_BYTES, "proof file"), str(path))
        except ClientError as error:
            return Judged(str(path), WRONG_INPUT, error=str(error))

    def judge_bytes(self, data: bytes, name: str) -> Judged:
        """Judge the bytes of one file."""
        try:
            verdict, times = self._with_node(verify_proof(data, self._trust))
        except MalformedInput as error:
            return Judged(name, WRONG_INPUT, error=f"{name}: {error}; it is no proof that can be judged, get it again")
        except Error as error:
            return Judged(name, DOES_NOT_HOLD, error=f"{name}: {error}")
        error = self._wrong_trust_file(verdict, name)
        witnessed = verdict.claim("witnessed").state is State.VERIFIED
        if self._witnessed and verdict.holds and not witnessed:
            error = f"{name}: the claim witnessed is not VERIFIED, which --require-witnessed asks for; see why above"
        holds = verdict.holds and (witnessed or not self._witnessed)
        return Judged(name, HOLDS if holds else DOES_NOT_HOLD, verdict, error, times)

    def _wrong_trust_file(self, verdict: Verdict, name: str) -> str | None:
        """What to say where the proof is of a log that the trust file knows nothing of."""
        named = [log.origin for log in self._trust.logs]
        if verdict.checkpoint.origin in named:
            return None
        return (
            f"{name}: is of the log {verdict.checkpoint.origin}, the trust file names {', '.join(named) or 'none'}; "
            "give the trust file of the proof's log"
        )

    def _with_node(self, verdict: Verdict) -> "tuple[Verdict, Times | None]":
        if self._chain is None:
            return verdict, None
        from anchors.chain.witnessed import judge_with_node

        return judge_with_node(verdict, self._trust, self._chain, self._first_block)


def is_package(path: Path) -> bool:
    """Whether a file begins as an archive does."""
    try:
        with path.open("rb") as file:
            return file.read(len(_ARCHIVE)) == _ARCHIVE
    except OSError:
        return False  # reading it as a proof says why


def _judge_package(path: Path, trust: Trust, roots: list[Path], output: Output, *, witnessed: bool) -> int:
    from anchors.evidence.archive import MAX_ARCHIVE_BYTES  # what proofs do not need is not loaded for them
    from ledger_service.cli.case_verdict import CaseVerdict
    from ledger_service.cli.options import read_certificate
    from ledger_service.client.accepted import acceptance_check
    from ledger_service.usecases.judge_evidence import judge_evidence

    data = read_bounded(path, MAX_ARCHIVE_BYTES, "evidence package")
    checks = {"acceptance": acceptance_check([read_certificate(root) for root in roots])}
    verdict = CaseVerdict(str(path), data, judge_evidence(data, trust, checks))
    members = verdict.members()
    output.result(members)
    verdict.show(output)
    if members["error"]:
        output.note(f"huzheng: {members['error']}")
        return DOES_NOT_HOLD
    if witnessed and not verdict.judged.package.report.verified("blocks"):
        output.note(
            f"huzheng: {path}: step 7 (blocks) is not VERIFIED, which --require-witnessed asks for; see why above"
        )
        return DOES_NOT_HOLD
    return HOLDS


def app(
    files: Annotated[
        list[Path], typer.Argument(help="Proof files (.tlog-proof), or one evidence package.", show_default=False)
    ],
    trust: TrustFile,
    rpc: Annotated[
        str | None, typer.Option("--rpc", help="JSON-RPC address of a node, to check the claim 'witnessed' too.")
    ] = None,
    first_block: Annotated[
        int, typer.Option("--first-block", min=0, help="With --rpc: the block in which the contracts were deployed.")
    ] = 0,
    require_witnessed: Annotated[
        bool,
        typer.Option(
            "--require-witnessed", help="Exit with 1 unless 'witnessed' (of a package: blocks) is VERIFIED as well."
        ),
    ] = False,
    roots: Annotated[
        list[Path] | None,
        typer.Option("--root", help="Of a package: certificate of an authority you trust, for acceptances; repeat."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Judge proof files, or one evidence package, by a trust file.

    Offline unless --rpc is given. Exit status 0: every proof holds; 1: one does not; 2: one cannot be read.
    """
    output, trusted = Output(as_json), read_trust(trust)
    if len(files) == 1 and is_package(files[0]):
        if rpc is not None or first_block:
            raise WrongInput(
                "a package is judged offline: leave --rpc and --first-block; --fix-evidence of chain trust asks a node"
            )
        return _judge_package(files[0], trusted, roots or [], output, witnessed=require_witnessed)
    if roots:
        raise WrongInput("--root is for acceptances in an evidence package; proof files have none")
    judge = Judge(trusted, rpc, first_block, witnessed=require_witnessed)
    judged = [judge.judge(path) for path in files]
    output.result({"holds": all(one.status == HOLDS for one in judged), "files": [one.members() for one in judged]})
    for one in judged:
        one.show(output)
    for one in judged:
        if one.error is not None:
            output.note(f"huzheng: {one.error}")
    return max(one.status for one in judged)
