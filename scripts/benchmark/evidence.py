"""How long the offline verifier takes for one case of a hundred statements, spread over many heads."""

import secrets
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from anchors.chain.ethereum import EthereumChain
from anchors.core.content import Content, Part
from anchors.core.encoding import ZERO_WORD, decode_hex, encode_base64, encode_hex
from anchors.core.statement import Statement
from anchors.core.trust import Finality
from ledger_service.client.api import Api, submission_body
from ledger_service.usecases.judge_evidence import judge_evidence
from scripts.benchmark.ingest import FoundedCity, founded_city
from scripts.city.founding import City, Institution
from scripts.city.service import TOKEN, ServiceProcess, free_port, service_settings
from scripts.local_chain import FINALITY_CONFIRMATIONS

STATEMENTS, ROUNDS, RUNS = 100, 10, 5
WITHIN_SECONDS = 60


@dataclass(frozen=True)
class CaseTimes:
    """A package of so many statements and heads: its bytes, and milliseconds of one verification (median)."""

    statements: int
    heads: int
    package_bytes: int
    verify_ms: float


def measure_evidence(folder: Path) -> CaseTimes:
    """A report, and accesses to it by ninety-nine keys' statements, each round under a head of its own."""
    with founded_city(folder, ROUNDS) as founded:
        settings = service_settings(
            founded.city, folder, f"sqlite:///{folder / 'ledger.sqlite'}", FINALITY_CONFIRMATIONS, free_port()
        )
        with ServiceProcess(settings, folder / "service.log") as service, Api(service.url, token=TOKEN) as api:
            subject = _tell(founded.city, api)
            package = api.evidence({"subject": encode_hex(subject)})
        return _judge(founded, package)


def _judge(founded: FoundedCity, package: bytes) -> CaseTimes:
    deployed = founded.city.deployment
    chain = EthereumChain(founded.chain.url, deployed.registry, deployed.witness)
    trust = founded.city.trust(chain, Finality(FINALITY_CONFIRMATIONS))
    chain.close()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        judged = judge_evidence(package, trust).package
        times.append((time.perf_counter() - began) * 1_000)
        if not judged.report.holds:
            raise RuntimeError(f"the package does not hold: {[step.said.en for step in judged.report.steps]}")
    return CaseTimes(len(judged.statements), len(judged.heads), len(package), statistics.median(times))


def _tell(city: City, api: Api) -> bytes:
    """The report and all accesses; its subject."""
    hospitals = [institution for institution in city.institutions if institution.role == "hospital"]
    subject, sequences, observed = secrets.token_bytes(32), dict.fromkeys(hospitals, 0), ZERO_WORD
    digests = {"sha256": secrets.token_hex(32), "sm3": secrets.token_hex(32)}
    report = _Signed(
        city,
        hospitals[0],
        "report.issued",
        subject,
        0,
        observed,
        [Part.create("document", {"bytes": 9, "format": "raw", **digests})],
    )
    sequences[hospitals[0]] = 1
    wire, count = [report.wire], 1
    for _ in range(ROUNDS):
        for number in range((STATEMENTS - 1) // ROUNDS + 1):
            if count == STATEMENTS:
                break
            reader = hospitals[number % len(hospitals)]
            access = Part.create("access", {"at": int(time.time()), "basis": "treatment, consent recorded"})
            links = Part.create("links", [{"rel": "report", "statement": encode_hex(report.id)}])
            signed = _Signed(city, reader, "access.granted", subject, sequences[reader], observed, [access, links])
            sequences[reader] += 1
            wire.append(signed.wire)
            count += 1
        api.submit_body(submission_body(city.origin, wire))
        wire, observed = [], _wait_final(api, count)
    return subject


class _Signed:
    def __init__(
        self, city: City, who: Institution, kind: str, subject: bytes, sequence: int, observed: bytes, parts: list[Part]
    ):
        content = Content.of(parts)
        statement = Statement(kind, who.code, subject, sequence, int(time.time()), observed, content.hash)
        entry = statement.sign(city.domain, who.secret)
        self.id = statement.id(city.domain)
        self.wire = {"key": encode_hex(who.key), "entry": encode_base64(entry.to_bytes()), "parts": content.to_wire()}


def _wait_final(api: Api, size: int) -> bytes:
    """The id of the first final head that covers so many entries."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while (head := api.final_head()) is None or head["newSize"] < size:
        if time.monotonic() > deadline:
            raise RuntimeError(f"no head became final within {WITHIN_SECONDS} s")
        time.sleep(0.1)
    return decode_hex(head["witnessId"], 32, "head")
