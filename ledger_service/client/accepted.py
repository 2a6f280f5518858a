"""Step 15 over an evidence package: the acceptances in it, under the certificate authorities that one trusts."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256

from anchors.core.errors import VerificationFailed
from anchors.core.registry import Action, Change
from anchors.core.verify import Claim, State
from anchors.evidence import members as forms
from anchors.evidence.case import Case
from anchors.evidence.outcome import Items, NotChecked, Outcome
from anchors.evidence.verify import Check


def acceptance_check(roots: Sequence[bytes]) -> Check:
    """The step, with the certificates (DER) of the authorities that are trusted."""
    return partial(_check, roots=roots)


def _check(case: Case, roots: Sequence[bytes]) -> Outcome:
    items = Items("机构对其密钥的确认书", "acceptances")
    changes: dict[bytes, Change] = {}
    for change in case.changes[: case.known_changes]:
        if change.action in _ACCEPTED_BY:
            changes.setdefault(change.data, change)
    for name, data in case.under(forms.ACCEPTANCE).items():
        items.look(f"{forms.ACCEPTANCE}/{name}", partial(_judge, case, name, data, roots, changes))
    return items.outcome()


def _judge(case: Case, name: str, file: bytes, roots: Sequence[bytes], changes: dict[bytes, Change]) -> None:
    from ledger_service.client.acceptance import Recorded, Terms, verify_acceptance  # takes long to load; few have one

    digest = sha256(file).digest()
    if name != f"{digest.hex()}.p7s":
        raise VerificationFailed("its SHA-256 is not its name")
    change = changes.get(digest)
    if change is None:
        raise VerificationFailed("no change of the registry names it")
    recorded = Recorded(digest, change.time)
    chain, registry = case.trust.chain_id, case.trust.registry_contract.address
    judged = []
    for key in _keys(case, change):
        terms = Terms(change.institution, key, chain, registry, case.log.origin)
        judged.append(verify_acceptance(file, terms, recorded=recorded, roots=roots, at=change.time))
    if not judged:
        raise NotChecked(f"no statement in the package is signed by a key of {change.institution}")
    _conclude(next((claims for claims in judged if _verified(claims, "text")), judged[0]))


_ACCEPTED_BY = (Action.KEY_ADDED, Action.ADMITTED)


def _keys(case: Case, change: Change) -> list[bytes]:
    """The keys that a change may have been about: that which it added, or those by which the institution signs here."""
    if change.action is Action.KEY_ADDED:
        return [change.key]
    told = [one for one in case.statements if one.entry.statement.institution == change.institution]
    return list(dict.fromkeys(one.key for one in told))


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
