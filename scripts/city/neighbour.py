"""The neighbouring city: a log of its own on the same chain, with its own operator, keys and service. Its reports are
brought in here by their proofs; one proof that somebody forged is refused.

    found_neighbour  ->  (its service starts)  ->  plan_reports, told there  ->  plan_visits, told here
"""

import time
from dataclasses import replace
from datetime import date

from anchors.chain.acts import Admit, add_key
from anchors.chain.administration import Administrator
from anchors.core.encoding import ZERO_WORD, decode_hex
from anchors.core.registry import Purpose
from anchors.core.tlog_proof import TlogProof
from anchors.core.trust import Trust
from anchors.core.typed_data import log_id
from ledger_service import problems
from ledger_service.client.answers import ReceiptKeys, read_answer
from ledger_service.client.api import Api, submission_body
from ledger_service.client.bringing_in import BroughtIn, bring_in
from ledger_service.client.compose import Material, compose, report_subject
from ledger_service.client.store import Store
from ledger_service.client.stored import sign_draft
from ledger_service.originals import TrustedOrigins
from scripts.city.acts import NOW, Act, DaysBefore
from scripts.city.authorities import ITEMS, NEIGHBOUR, RULES_ACT, SYSTEM, named_policy, plan_profile, sample_rules
from scripts.city.documents import synthetic_reports
from scripts.city.founding import City, Institution, OperatorSecrets, derive_secret, operator_acts
from scripts.city.story import AMEND, DECIDE, FOLLOW, ISSUE, OPEN, REMIND
from scripts.city.telling import StoryStopped, Told

OPERATOR = "SYN-NEIGHBOUR-OPERATOR"
PLACES = (5, 11)
"""Where its institutions stand among all: in the neighbouring city."""
REPORTS = 4


def name_neighbour(city: City, origin: str, seed: str, relay_secret: bytes) -> City:
    """The neighbour that was founded with this seed beside a city."""
    seed = f"{seed}/neighbour"
    names = ((3, "hospital", "（合成）邻市三级医院"), (0, "laboratory", "（合成）邻市医学检验所"))
    institutions = tuple(
        Institution(
            code := f"SYN9{number:014d}", name, tier, role, *(derive_secret(seed, f"{of} {code}") for of in _SECRETS)
        )
        for number, (tier, role, name) in enumerate(names)
    )
    secrets = (derive_secret(seed, purpose) for purpose in ("checkpoint", "receipt", "note"))
    operator = OperatorSecrets(*secrets, relay=relay_secret)
    domain = replace(city.domain, log=log_id(origin))
    return City(city.rpc, origin, city.deployment, domain, operator, institutions, ())


_SECRETS = ("key", "subject")


def found_neighbour(neighbour: City, administrator_secret: bytes) -> None:
    """Open its log and admit everybody; returns when all of it is mined."""
    administrator = Administrator(neighbour.rpc, neighbour.deployment.registry, administrator_secret)
    administrator.perform(
        *operator_acts(neighbour.domain, neighbour.origin, neighbour.operator, OPERATOR),
        *(Admit(item.code, (item.role,)) for item in neighbour.institutions),
        *(add_key(neighbour.domain, item.code, Purpose.STATEMENT, item.secret) for item in neighbour.institutions),
    )
    administrator.close()


def plan_reports(seed: str, neighbour: City) -> list[Act]:
    """What the neighbour's institutions sign in their own log: reports, a later version of one, one withdrawn."""
    acts, documents = [], synthetic_reports(f"{seed}/neighbour")
    for number in range(REPORTS):
        issuer, report = neighbour.institutions[number % 2], next(documents)
        subject = report_subject(issuer.subject_secret, report.number)
        examination = {
            "at": DaysBefore(2 + number),
            "category": "laboratory",
            "item": ITEMS["laboratory"][number % 3][0],
            "marks": [f"{NEIGHBOUR} HR"],
            "system": SYSTEM,
        }
        parts = {"examination": examination}
        issued = Act(_name(number), ISSUE, issuer, "report.issued", subject, {}, report, parts)
        acts.append(issued)
        replaces = {"replaces": issued.name}
        if number == 1:
            name = f"{issued.name}/amend"
            acts.append(Act(name, AMEND, issuer, "report.amended", subject, replaces, next(documents), parts))
        elif number == 2:
            reason = {"reason": "sample-mixed-up"}
            acts.append(
                Act(f"{issued.name}/withdraw", AMEND, issuer, "report.withdrawn", subject, replaces, None, reason)
            )
    return acts


def bring_in_all(told: Told, api: Api, trust: Trust) -> dict[str, BroughtIn]:
    """What was told there, by the name of its act, with proofs that hold by the neighbour's trust file."""
    trusted = TrustedOrigins([trust])

    def brought_in(statement: bytes) -> BroughtIn:
        head = api.statement(statement)["head"]
        return bring_in(api.proof(statement), trusted, decode_hex(head["witnessId"], 32, "head") if head else ZERO_WORD)

    return {name: brought_in(statement) for name, statement in told.statements.items()}


def plan_visits(seed: str, city: City, neighbour: City, brought: dict[str, BroughtIn], today: date) -> list[Act]:
    """What is said of these reports here: the commission describes who issued them; hospitals bring them in, open them,
    recognise or decline them, and hear of a later version and a withdrawal."""
    commission, centre, _ = city.authorities
    acts = [
        act
        for number, institution in zip(PLACES, neighbour.institutions, strict=True)
        for act in plan_profile(seed, (commission, centre), number, institution, today)
    ]
    hospitals = [item for item in city.institutions if item.role == "hospital"]
    for number in range(REPORTS):
        for reader in hospitals[number : number + 2]:
            acts += _visit(number, reader, brought)
    return acts


def _visit(number: int, reader: Institution, brought: dict[str, BroughtIn]) -> list[Act]:
    there, here = _name(number), f"{_name(number)}/{reader.code}"
    subject = brought[there].subject(reader.code)
    first = Act(f"{here}/import", AMEND, reader, "import.issued", subject, original=brought[there])
    acts, version = [first], first.name
    if (later := brought.get(f"{there}/amend")) is not None:
        version = f"{here}/later"
        replaces = {"replaces": first.name}
        acts.append(Act(version, REMIND, reader, "import.amended", subject, replaces, original=later))
    parts = {"access": {"at": NOW, "basis": "treatment, consent recorded"}}
    access = Act(f"{here}/access", OPEN, reader, "access.granted", subject, {"report": version}, parts=parts)
    links = {"access": access.name, "policy": RULES_ACT, "report": version}
    decided = {"policy": named_policy(sample_rules()), "decision": {"at": DaysBefore(0), "extent": ["result"]}}
    if number == REPORTS - 1:
        decided["reason"] = "condition-changed"
        declined = Act(f"{here}/decline", DECIDE, reader, "recognition.declined", subject, links, parts=decided)
        said = {"explanation": {"at": NOW, "of": ["purpose", "necessity"]}}
        explains = {"explains": declined.name}
        explained = Act(f"{here}/explain", FOLLOW, reader, "explanation.given", subject, explains, parts=said)
        return [*acts, access, declined, explained]
    acts += [access, Act(f"{here}/accept", DECIDE, reader, "recognition.accepted", subject, links, parts=decided)]
    if (withdrawn := brought.get(f"{there}/withdraw")) is not None:
        replaces, name = {"replaces": version}, f"{here}/withdraw"
        acts.append(Act(name, FOLLOW, reader, "import.withdrawn", subject, replaces, original=withdrawn))
    return acts


def _name(number: int) -> str:
    return f"neighbour/{number}"


def refuse_forgery(city: City, store: Store, api: Api, trust: Trust, brought: BroughtIn) -> None:
    """Send an import whose proof somebody forged, which must be refused. It adds nothing, here or in the store, and
    leaves its number free. Raises `StoryStopped` where it is taken."""
    reader = city.institutions[0]
    stream, keys = store.stream(reader.key), ReceiptKeys.of(trust.registry, city.domain.log)
    proof = TlogProof.parse(brought.proof["file"].encode())
    file = replace(proof, hashes=[bytes(32), *proof.hashes[1:]]).format().decode()
    material = Material(original=replace(brought, proof={"file": file}))
    draft = compose("import.issued", brought.subject(reader.code), material)
    forged = sign_draft(stream, reader.secret, draft, stream.next_sequence, 0, ZERO_WORD, time.time, None)
    body = api.submit_body(submission_body(city.origin, [forged.to_wire()]))
    (result,) = read_answer(body, [forged.statement], city.domain, keys).results
    if result.problem != problems.PROOF_FAILS.code:
        raise StoryStopped(f"a forged proof of {brought.origin} was answered with {result.problem or result.index}")
