"""Step 15 over an evidence package: the acceptances in it, under the certificate authorities that one trusts."""

from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from anchors.core.errors import VerificationFailed
from anchors.core.registry import Action, Purpose
from anchors.core.verify import Claim, State
from anchors.evidence import members as forms
from anchors.evidence.case import Case
from anchors.evidence.outcome import Items, NotChecked, Outcome
from anchors.evidence.verify import Check

if TYPE_CHECKING:
    from ledger_service.client.acceptance import Recorded, Terms


def acceptance_check(roots: Sequence[bytes]) -> Check:
    """The step, with the certificates (DER) of the authorities that are trusted."""
    return partial(_check, roots=roots)


def _check(case: Case, roots: Sequence[bytes]) -> Outcome:
    items = Items("机构对其密钥的确认书", "acceptances")
    for name, data in case.under(forms.ACCEPTANCE).items():
        items.look(f"{forms.ACCEPTANCE}/{name}", partial(_judge, case, name, data, roots))
    return items.outcome()


def _judge(case: Case, name: str, file: bytes, roots: Sequence[bytes]) -> None:
    from ledger_service.client.acceptance import verify_acceptance  # takes long to load; not every package has one

    digest = sha256(file).digest()
    if name != f"{digest.hex()}.p7s":
        raise VerificationFailed("its SHA-256 is not its name")
    judged = [
        verify_acceptance(file, terms, recorded=recorded, roots=roots, at=recorded.time)
        for terms, recorded in _named(case, digest)
    ]
    if not judged:
        raise VerificationFailed("no change of the registry names it for a key that signs statements in this log")
    _conclude(next((claims for claims in judged if _verified(claims, "text")), judged[0]))


def _named(case: Case, digest: bytes) -> Iterator[tuple["Terms", "Recorded"]]:
    """The terms of every key for which a known change names the file, which of several keys an admission does not
    say."""
    from ledger_service.client.acceptance import Terms, find_recorded

    known = case.changes[: case.known_changes]
    institutions = {change.institution for change in known if change.data == digest}
    chain, registry = case.trust.chain_id, case.trust.registry_contract.address
    for change in known:
        added = change.action is Action.KEY_ADDED and (change.role, change.log) == (Purpose.STATEMENT, case.log.id)
        if added and change.institution in institutions:
            terms = Terms(change.institution, change.key, chain, registry, case.log.origin)
            recorded = find_recorded(known, terms, digest)
            if recorded is not None and recorded.digest == digest:
                yield terms, recorded


def _conclude(claims: Sequence[Claim]) -> None:
    from ledger_service.client.acceptance import NEEDED

    for claim in claims:
        if claim.state is State.FAILED:
            raise VerificationFailed(f"{claim.name}: {claim.why}")
    for claim in claims:
        if claim.name in NEEDED and claim.state is not State.VERIFIED:
            raise NotChecked(f"{claim.name}: {claim.why}")


def _verified(claims: Sequence[Claim], name: str) -> bool:
    return any(claim.name == name and claim.state is State.VERIFIED for claim in claims)
