"""`exported`: one disputed report of a running ledger, and its evidence package as the court fetched it."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import new, sha256
from pathlib import Path

import pytest

from anchors import Part
from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality, Trust, format_trust
from anchors.evidence.archive import read_archive
from anchors.evidence.blocks_named import blocks_named
from anchors.evidence.build import Exporter, add_members
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import FINALITY_BLOCKS, database_of, running_ledger
from tests.fixtures.signer import Signed, document, example, links
from tests.privacy.people import People, gather, place_hold, sign_in
from tests.service.test_responsibility import DECIDED, EXAMINATION, rules

ORIGINAL = "（合成）检验报告原件".encode()
EXPORTED_AT = 1_800_000_000


@dataclass
class Exported:
    """The story, the package with its original document, and the trust file of the court."""

    people: People
    report: Signed
    order: Signed
    hold: Signed
    package: bytes = b""
    trust: Trust | None = None

    @property
    def members(self) -> dict[str, bytes]:
        """The package's members."""
        return read_archive(self.package)

    def fetch_trust(self, package: bytes | None = None) -> Trust:
        """The trust file as somebody would make it now, who has a package's blocks fixed by a node of their own."""
        ledger = self.people.ledger
        deployed = ledger.city.deployment
        chain = EthereumChain(ledger.chain.url, deployed.registry, deployed.witness)
        try:
            fixed = blocks_named(package) if package is not None else ()
            return ledger.city.trust(chain, Finality(FINALITY_BLOCKS), fixed)
        finally:
            chain.close()

    def fetch(self, role: str, subject: bytes, **asked: object) -> bytes:
        """The package as somebody of this role gets it."""
        response = self.people.ask(role, "POST", "/v1/evidence", json={"subject": encode_hex(subject), **asked})
        assert response.status_code == 200, response.text
        return response.content


@pytest.fixture(scope="package")
def exported(session_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    """Shared by the tests of this folder, which change nothing."""
    folder = tmp_path_factory.mktemp("evidence")
    with (
        database_of("sqlite", folder, lambda: None) as database,
        running_ledger(session_chain, folder, database) as ledger,
    ):
        people = gather(ledger)
        issuer, reader, court = (people.signers[role] for role in ("issuer", "opener", "court"))
        known = rules(ledger, issuer, reader)
        digests = {"sha256": sha256(ORIGINAL).hexdigest(), "sm3": new("sm3", ORIGINAL).hexdigest()}
        original = document(bytes=len(ORIGINAL), **digests)
        personal = Part.create("note", "（合成）患者自述")
        subject = sha256(b"the disputed report").digest()
        report = issuer.sign("report.issued", subject, original, example("examination", **EXAMINATION), personal)
        opened = reader.granted(report)
        named = Part.create("policy", known["policy"].content.value("policy"))
        why = Part.create("reason", {"code": "patient-asks"})
        behind = links(access=opened, repeats=report, policy=known["policy"])
        order = reader.sign("repeat.ordered", subject, named, why, DECIDED, behind)
        ledger.submit(*known.values(), report, opened, order)
        ledger.wait_for_state(order, "final")
        head = bytes.fromhex(ledger.get("/v1/heads/final").json()["witnessId"][2:])
        amended = issuer.amended(report, observed=head)
        hold = place_hold(court, amended)
        ledger.submit(amended, hold)
        ledger.wait_for_state(hold, "final")
        people.tokens["court"] = sign_in(ledger, court)
        story = Exported(people, report, order, hold)
        ledger.wait_for(lambda: ledger.heads_without_proof() == 0)
        fetched = story.fetch("opener", subject, personal=["note"])
        exporter = Exporter(reader.institution, reader.secret, EXPORTED_AT, "huzheng test")
        added = {f"documents/{digests['sha256']}": ORIGINAL}
        story.package = add_members(fetched, added, ledger.city.domain, exporter)
        story.trust = story.fetch_trust(story.package)
        yield story


@pytest.fixture(scope="module")
def files(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The court's folder: the package and the trust file."""
    folder = tmp_path_factory.mktemp("court")
    (folder / "case.zip").write_bytes(exported.package)
    (folder / "trust.json").write_bytes(format_trust(exported.trust))
    return folder
