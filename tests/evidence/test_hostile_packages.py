"""What somebody may try with a package: each is seen by the step that is meant to see it, and nothing crashes."""

import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import pytest

from anchors.core.block.header import Header
from anchors.core.canonical import encode
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.note import SignerKey
from anchors.core.registry import Registry
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.trust import TrustedLog
from anchors.evidence import members as forms
from anchors.evidence.archive import read_archive, write_archive
from anchors.evidence.build import Carried, Exporter, Matter, complete, seal
from anchors.evidence.members import Manifest
from ledger_service.usecases.judge_evidence import judge_evidence
from tests.evidence.conftest import EXPORTED_AT, ORIGINAL, Exported

Members = dict[str, bytes]
Json = dict[str, object]


@dataclass
class Forger:
    """Somebody who has the exporter's key, and so can seal what he likes."""

    exported: Exported

    @property
    def matter(self) -> Matter:
        """What the true manifest says."""
        manifest = Manifest.read(self.exported.members[forms.MANIFEST])
        return Matter(manifest.origin, bytes.fromhex(manifest.subject[2:]), manifest.size, manifest.roles)

    def seal(self, members: Members, matter: Matter | None = None, **exporter: object) -> bytes:
        """A package of these members, rightly sealed."""
        signer = self.exported.people.signers["opener"]
        who = Exporter(signer.institution, signer.secret, EXPORTED_AT, "forger")
        rest = {path: data for path, data in members.items() if path not in (forms.MANIFEST, forms.SIGNATURE)}
        return seal(rest, matter or self.matter, signer.domain, replace(who, **exporter))

    def word(self, secret: bytes) -> bytes:
        """The word of completeness over the true package, signed with this key."""
        case = judge_evidence(self.exported.package, self.exported.trust).package
        carried = [Carried(told.role, told.id, told.content) for told in case.statements]
        return complete(self.matter.subject, self.matter.size, carried, case.domain, secret)

    def drop(self, index: int) -> tuple[Members, Matter]:
        """Everything but one statement, which the manifest does not name either."""
        members, roles = dict(self.exported.members), self.matter.roles
        del members[forms.statement_path(index)]
        kept = {role: [one for one in getattr(roles, role) if one != index] for role in forms.ROLES}
        return members, replace(self.matter, roles=forms.Roles(**kept))

    def failing(self, package: bytes, **trust: object) -> list[str]:
        """The claims that FAILED, in the order of their steps."""
        judged = judge_evidence(package, replace(self.exported.trust, **trust))
        assert judged.package.report.holds == (
            not [1 for step in judged.package.report.steps if step.state == "FAILED"]
        )
        assert judged.package.report.holds or not judged.facts
        return [step.claim for step in judged.package.report.steps if step.state == "FAILED"]


@pytest.fixture(scope="module")
def forger(exported: Exported) -> Forger:
    """The forger."""
    return Forger(exported)


def path_of(members: Members, folder: str, number: int = 0) -> str:
    return sorted(path for path in members if path.startswith(f"{folder}/"))[number]


def told(members: Members, forger: Forger) -> str:
    """The path of the disputed report."""
    return next(path for path in members if forger.exported.report.entry.to_bytes() in _entry(members, path))


def _entry(members: Members, path: str) -> bytes:
    return Extra.decode(TlogProof.parse(members[path]).extra).entry if path.startswith("statements/") else b""


def change_json(path: str, change: Callable[[Json], None], members: Members, _forger: Forger) -> None:
    value = msgspec.json.decode(members[path])
    change(value)
    members[path] = encode(value)


def change_head(change: Callable[[Json], None], members: Members, forger: Forger) -> None:
    change_json(path_of(members, "heads"), change, members, forger)


def change_proof(members: Members, forger: Forger, **changes: object) -> None:
    path = told(members, forger)
    members[path] = replace(TlogProof.parse(members[path]), **changes).format()


def change_part(members: Members, forger: Forger) -> None:
    path = told(members, forger)
    proof = TlogProof.parse(members[path])
    change_proof(members, forger, extra=proof.extra.replace("（合成）患者自述".encode(), "（合成）患者改口".encode()))


def change_entry(at: int, members: Members, forger: Forger) -> None:
    extra = Extra.decode(TlogProof.parse(members[told(members, forger)]).extra)
    entry = bytearray(extra.entry)
    entry[at] ^= 1
    change_proof(members, forger, extra=Extra(extra.key, bytes(entry), extra.content).encode())


def claim_other_key(members: Members, forger: Forger) -> None:
    extra = Extra.decode(TlogProof.parse(members[told(members, forger)]).extra)
    change_proof(members, forger, extra=Extra(b"\x07" * 20, extra.entry, extra.content).encode())


def change_inclusion(members: Members, forger: Forger) -> None:
    proof = TlogProof.parse(members[told(members, forger)])
    change_proof(members, forger, hashes=[bytes(32), *proof.hashes[1:]])


def other_checkpoint(members: Members, forger: Forger) -> None:
    proof = TlogProof.parse(members[told(members, forger)])
    change_proof(members, forger, checkpoint=proof.checkpoint.replace(b"\n\n", b"\n\n" + _stranger_line(proof), 1))


def _stranger_line(proof: TlogProof) -> bytes:
    text = proof.checkpoint.split(b"\n\n")[0].decode() + "\n"
    return SignerKey("stranger", b"\x09" * 32).sign(text).rpartition("\n\n")[2].encode()


def strangers_checkpoint(members: Members, forger: Forger) -> None:
    text = members[forms.CHECKPOINT].split(b"\n\n")[0].decode() + "\n"
    members[forms.CHECKPOINT] = SignerKey(forger.matter.origin, b"\x09" * 32).sign(text).encode()


def change_document(members: Members, forger: Forger) -> None:
    members[path_of(members, "documents")] = ORIGINAL + b" "


def foreign_document(members: Members, forger: Forger) -> None:
    members[f"documents/{forms.sha256(b'another').hexdigest()}"] = b"another"


def other_block(members: Members, _forger: Forger) -> None:
    first, second = (msgspec.json.decode(members[path_of(members, "heads", number)]) for number in (0, 1))
    members[path_of(members, "heads")] = encode(first | {"block": second["block"]})


def _later(block: Json) -> None:
    """The header with its time one second later."""
    header = Header.decode(bytes.fromhex(block["header"][2:]))
    later = (header.timestamp + 1).to_bytes(4, "big")
    block["header"] = encode_hex(Header((*header.items[:11], later, *header.items[12:])).encode())


def drop_covering_head(members: Members, forger: Forger) -> None:
    del members[path_of(members, "heads")]


def drop_newest_head(members: Members, forger: Forger) -> None:
    del members[path_of(members, "heads", -1)]


def own_word(members: Members, forger: Forger) -> None:
    """The exporter says himself that nothing is missing."""
    members[forms.COMPLETENESS] = forger.word(forger.exported.people.signers["opener"].secret)


def _set(*path: object) -> Callable[[Json], None]:
    *way, last, value = path

    def change(json: Json) -> None:
        for step in way:
            json = json[step]
        json[last] = value

    return change


ZERO = "0x" + "00" * 32
FORGERIES: dict[str, tuple[Callable[[Members, Forger], None], str]] = {
    "a part is changed": (change_part, "content"),
    "the entry's subject is changed": (partial(change_entry, 70), "logged"),
    "the entry's sequence is changed": (partial(change_entry, 127), "logged"),
    "the entry's content is changed": (partial(change_entry, 200), "content"),
    "the entry's signature is changed": (partial(change_entry, 230), "logged"),
    "the signature's last byte is changed": (partial(change_entry, 288), "content"),
    "another key is claimed": (claim_other_key, "signed"),
    "the inclusion proof is changed": (change_inclusion, "logged"),
    "a proof has another signature under its checkpoint": (other_checkpoint, "logged"),
    "the checkpoint is by a stranger": (strangers_checkpoint, "checkpoint"),
    "the document is changed": (change_document, "documents"),
    "a document of another case is added": (foreign_document, "documents"),
    "a head has another root": (partial(change_head, _set("event", "root", ZERO)), "heads"),
    "a head has another registry head": (partial(change_head, _set("event", "registryHead", ZERO)), "heads"),
    "a head counts changes that are not there": (partial(change_head, _set("event", "registryCount", 10_000)), "heads"),
    "a head covers from the beginning": (partial(change_head, _set("event", "oldSize", 12)), "heads"),
    "a head's consistency proof is empty": (partial(change_head, _set("consistency", [])), "heads"),
    "the covering head is left out": (drop_covering_head, "times"),
    "the checkpoint's own head is left out": (drop_newest_head, "heads"),
    "a head's block is that of another": (other_block, "blocks"),
    "a head's block proof lacks a node": (partial(change_head, lambda json: json["block"]["receipt"].pop()), "blocks"),
    "a head's block proof names another log": (partial(change_head, _set("block", "log", 1)), "blocks"),
    "a head's block proof has another parent": (
        partial(change_head, lambda json: json["block"].update(parent=json["block"]["header"])),
        "blocks",
    ),
    "a head's header has another time": (partial(change_head, lambda json: _later(json["block"])), "blocks"),
    "a change of the registry is another": (
        partial(change_json, forms.REGISTRY, _set("changes", 3, "institution", "SYN-OTHER")),
        "registry",
    ),
    "the registry's last change is left out": (
        partial(change_json, forms.REGISTRY, lambda json: json["changes"].pop()),
        "registry",
    ),
    "the registry's head is another": (partial(change_json, forms.REGISTRY, _set("head", ZERO)), "registry"),
    "the operator's word names fewer statements": (
        partial(change_json, forms.COMPLETENESS, lambda json: json["timeline"].pop()),
        "complete",
    ),
    "the operator's word names fewer rules": (
        partial(change_json, forms.COMPLETENESS, lambda json: json["rules"].pop()),
        "complete",
    ),
    "the operator's word names more that is not carried": (
        partial(change_json, forms.COMPLETENESS, lambda json: json["notCarried"].append(ZERO)),
        "complete",
    ),
    "the operator's word is of another size": (partial(change_json, forms.COMPLETENESS, _set("size", 1)), "complete"),
    "the operator's word is the exporter's": (own_word, "complete"),
    "the custody log is no such thing": (partial(change_json, forms.CUSTODY, lambda json: json.append(1)), "manifest"),
    "a JSON member is written in another way": (
        lambda members, _: members.update({forms.CUSTODY: members[forms.CUSTODY] + b" "}),
        "manifest",
    ),
    "something is added": (lambda members, _: members.update({"readme.txt": b"trust me"}), "manifest"),
    "a folder is added": (lambda members, _: members.update({"notes/a": b"trust me"}), "manifest"),
    "the registry is left out": (lambda members, _: members.pop(forms.REGISTRY), "registry"),
    "the checkpoint is left out": (lambda members, _: members.pop(forms.CHECKPOINT), "checkpoint"),
    "the operator's word is left out": (lambda members, _: members.pop(forms.COMPLETENESS), "complete"),
    "a statement is left out": (lambda members, forger: members.pop(told(members, forger)), "manifest"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_sealed_forgery_is_seen(forger: Forger, name: str) -> None:
    """By whoever holds the exporter's key, and seals again what he changed."""
    members, (forge, claim) = dict(forger.exported.members), FORGERIES[name]
    forge(members, forger)
    assert members != forger.exported.members
    failing = forger.failing(forger.seal(members))
    assert failing and failing[0] == claim, failing


@pytest.mark.parametrize("name", FORGERIES)
def test_without_the_key_the_manifest_tells(forger: Forger, name: str) -> None:
    """Whoever changes a member and not the manifest."""
    members = dict(forger.exported.members)
    FORGERIES[name][0](members, forger)
    assert forger.failing(write_archive(members))[0] == "manifest"


def test_a_statement_is_dropped_from_the_timeline(forger: Forger) -> None:
    path = told(forger.exported.members, forger)
    assert "complete" in forger.failing(forger.seal(*forger.drop(int(path[len("statements/") : -len(".tlog-proof")]))))


def test_a_statement_of_the_timeline_is_called_something_else(forger: Forger) -> None:
    matter = forger.matter
    last = matter.roles.timeline[-1]
    roles = forms.Roles([last], matter.roles.rules, matter.roles.timeline[:-1])
    assert forger.failing(forger.seal(forger.exported.members, replace(matter, roles=roles))) == ["complete"]


@pytest.mark.parametrize("change", [{"subject": bytes(32)}, {"size": 1}, {"origin": "ledger.example/other"}])
def test_the_matter_is_another(forger: Forger, change: dict[str, object]) -> None:
    assert forger.failing(forger.seal(forger.exported.members, replace(forger.matter, **change)))


def test_a_stranger_seals(forger: Forger) -> None:
    assert forger.failing(forger.seal(forger.exported.members, secret=b"\x05" * 32)) == ["exporter"]


def test_somebody_seals_in_anothers_name(forger: Forger) -> None:
    assert forger.failing(forger.seal(forger.exported.members, code="SYN-COURT")) == ["exporter"]


def test_the_trust_file_is_of_another_log(forger: Forger) -> None:
    other = TrustedLog("ledger.example/other", ())
    assert "checkpoint" in forger.failing(forger.exported.package, logs=(other,))


def test_the_trust_file_is_of_another_registry(forger: Forger) -> None:
    trust = forger.exported.trust
    changes = (replace(trust.changes[0], time=1), *trust.changes[1:])
    registry = Registry.fold(trust.chain_id, trust.registry_contract.address, changes)
    assert forger.failing(forger.exported.package, changes=changes, registry=registry)[0] == "registry"


def test_the_trust_file_is_of_another_chain(forger: Forger) -> None:
    assert forger.failing(forger.exported.package, chain_id=1)[0] == "registry"


def test_any_byte_of_the_file(forger: Forger) -> None:
    """No bit is free: the archive is the only one that its members make."""
    package, chance = forger.exported.package, random.Random(20261128)
    for at in chance.sample(range(len(package)), 400):
        changed = bytearray(package)
        changed[at] ^= 1 << chance.randrange(8)
        with pytest.raises((MalformedInput, VerificationFailed)):
            read_archive(bytes(changed))
    assert forger.failing(package[:-1]) == ["archive"]
    assert forger.failing(package + b"\x00") == ["archive"]
    assert forger.failing(b"") == ["archive"]


def test_every_bit_of_a_small_archive() -> None:
    archive = write_archive({"a.json": b"{}", "documents/b": b"\x00" * 40})
    for bit in range(len(archive) * 8):
        changed = bytearray(archive)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises((MalformedInput, VerificationFailed)):
            read_archive(bytes(changed))


def _zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
        file.comment = comment
    return data.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (_zip(("../outside", b"x")), "is no path"),
        (_zip(("/etc/passwd", b"x")), "is no path"),
        (_zip(("a/b/c", b"x")), "is no path"),
        (_zip(("A", b"x")), "is no path"),
        (_zip(("..", b"x")), "is no path"),
        (_zip(("a\\b", b"x")), "is no path"),
        (_zip(("folder/", b"")), "is no path"),
        (_zip(("x" * 121, b"x")), "is no path"),
        (_zip(("报告", b"x")), "is no path"),
        (_zip(("a", b"x"), ("a", b"y")), "two members"),
        (_zip(("a", bytes(10_000_000)), method=zipfile.ZIP_DEFLATED), "say that they are larger"),
        (_zip(("a", b"x" * 10), method=zipfile.ZIP_DEFLATED), "compressed"),
        (_zip(("a", bytes(1_000)), method=zipfile.ZIP_LZMA), "larger"),
        (_zip(("a", b"x")), "does not follow"),
        (_zip(comment=b"trust me"), "does not follow"),
        (b"PK\x03\x04", "no evidence package"),
        (b"not a zip", "no evidence package"),
        (b"", "no evidence package"),
    ],
)
def test_an_archive_of_another_form_is_refused(archive: bytes, why: str) -> None:
    with pytest.raises((MalformedInput, VerificationFailed), match=why):
        read_archive(archive)


def test_members_that_lie_over_each_other_do_not_expand() -> None:
    """A thousand names for the same bytes: what the members say of their sizes is more than the file has."""
    data = bytearray(_zip(("a", bytes(100_000))))
    directory = data.rindex(b"PK\x01\x02")
    entry, end = bytes(data[directory : directory + 47]), bytes(data[-22:])
    names = [entry[:46] + bytes((97 + number % 26,)) for number in range(26)]
    forged = data[:directory] + b"".join(names)
    count = (26).to_bytes(2, "little")
    size = (26 * 47).to_bytes(4, "little")
    forged += end[:8] + count + count + size + end[16:]
    with pytest.raises(MalformedInput, match="larger than it is"):
        read_archive(bytes(forged))


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedInput, match="members"):
        write_archive({f"a{number}": b"" for number in range(20_001)})


def test_garbage_members_are_told(forger: Forger) -> None:
    """Every member in turn is nothing, or noise, or deep: some step fails, none crashes."""
    noise = random.Random(7).randbytes(300)
    for path in forger.exported.members:
        for wrong in (b"", noise, b"[" * 100_000, b"{}", b"null"):
            members = dict(forger.exported.members) | {path: wrong}
            assert forger.failing(write_archive(members)), path
            if path not in (forms.MANIFEST, forms.SIGNATURE, forms.METHOD):
                assert forger.failing(forger.seal(members)), path
