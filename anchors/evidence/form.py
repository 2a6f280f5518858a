"""Steps about the file itself: archive, manifest, registry, exporter, completeness (docs/spec/evidence.md, Steps)."""

from hashlib import sha256

from anchors.core import signature as signatures
from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.registry import Key, Purpose, Registry
from anchors.core.trust import read_changes
from anchors.core.verify import State
from anchors.evidence import members as forms
from anchors.evidence.archive import read_archive
from anchors.evidence.case import Case
from anchors.evidence.links import linked_ids
from anchors.evidence.outcome import NotProvable, Outcome
from anchors.evidence.report import Said

FOLDERS = {forms.STATEMENTS, forms.HEADS, forms.DOCUMENTS, forms.ACCEPTANCE, forms.TIMESTAMPS}
FILES = {
    forms.MANIFEST,
    forms.SIGNATURE,
    forms.COMPLETENESS,
    forms.CUSTODY,
    forms.METHOD,
    forms.REGISTRY,
    forms.CHECKPOINT,
}


def check_archive(case: Case) -> Outcome:
    """Step 1."""
    case.members = read_archive(case.data)
    count = len(case.members)
    return Outcome(
        State.VERIFIED,
        Said(
            f"由{count}个成员重建的归档与本文件逐位一致",
            f"rebuilt from its {count} members, it is this file bit for bit",
        ),
    )


def check_manifest(case: Case) -> Outcome:
    """Step 2."""
    manifest = forms.Manifest.read(_member(case, forms.MANIFEST))
    case.manifest = manifest
    for path in case.members:
        folder, separator, _ = path.partition("/")
        if path not in FILES and not (separator and folder in FOLDERS):
            raise VerificationFailed(f"{path} is no member of an evidence package")
    _compare_lists(manifest.members, forms.list_members(case.members))
    if manifest.bytes != sum(listed.bytes for listed in manifest.members):
        raise VerificationFailed("the manifest's bytes are not the sum over its members")
    forms.read_acts(_member(case, forms.CUSTODY))
    there = {path for path in case.members if path.startswith(forms.STATEMENTS + "/")}
    named = {forms.statement_path(index) for index in manifest.roles.of()}
    if there != named:
        raise VerificationFailed(f"{min(there ^ named)} stands in the archive or in the manifest's roles alone")
    return Outcome(
        State.VERIFIED,
        Said(
            f"清单所列{len(manifest.members)}个成员的长度与SHA-256全部相符，无遗漏、无多余",
            f"all {len(manifest.members)} members have the length and SHA-256 that it names, and there are no others",
        ),
    )


def _compare_lists(named: list[forms.Listed], found: list[forms.Listed]) -> None:
    if named == found:
        return
    wanted, there = {item.path: item for item in named}, {item.path: item for item in found}
    if missing := wanted.keys() - there.keys():
        raise VerificationFailed(f"{min(missing)} is in the manifest and not in the archive")
    if extra := there.keys() - wanted.keys():
        raise VerificationFailed(f"{min(extra)} is in the archive and not in the manifest")
    wrong = [path for path in there if wanted[path] != there[path]]
    raise VerificationFailed(
        f"{min(wrong)} is not what the manifest names: its bytes were changed"
        if wrong
        else "its members are out of order"
    )


def check_registry(case: Case) -> Outcome:
    """Step 3."""
    trust = case.trust
    count, head, changes = read_changes(_member(case, forms.REGISTRY), "registry.json")
    shared = min(len(changes), len(trust.changes))
    if tuple(changes[:shared]) != trust.changes[:shared]:
        raise VerificationFailed("its changes are not those of the trust file: another chain, or another registry")
    registry = Registry(trust.chain_id, trust.registry_contract.address)
    heads = [registry.head]
    for change in changes:
        registry.apply(change)
        heads.append(registry.head)
    if (registry.count, registry.head) != (count, head):
        raise VerificationFailed("its changes do not fold to the count and head that it names")
    case.registry, case.changes, case.registry_heads = registry, changes, heads
    return Outcome(
        State.VERIFIED,
        Said(
            f"登记册的{count}次变更折叠得到其链头，前{shared}次与信任文件一致",
            f"its {count} changes fold to its head; the first {shared} are those of the trust file",
        ),
    )


def check_exporter(case: Case) -> Outcome:
    """Step 4."""
    signed = forms.Signed.read(_member(case, forms.SIGNATURE))
    digest = case.domain.evidence(sha256(_member(case, forms.MANIFEST)).digest())
    key = _signer(case, digest, signed.key, signed.signature)
    if key.purpose not in (Purpose.STATEMENT, Purpose.RECEIPT):
        raise VerificationFailed(f"the manifest is signed by a {key.purpose} key, which signs no packages")
    if key.institution != case.manifest.exporter:
        raise VerificationFailed(f"the key that signed is of {key.institution}, not of {case.manifest.exporter}")
    _check_in_force(case, key)
    return Outcome(
        State.VERIFIED,
        Said(
            f"清单由{key.institution}登记的密钥{signed.key}签名",
            f"the manifest is signed by {signed.key}, a key of {key.institution}",
        ),
    )


def check_complete(case: Case) -> Outcome:
    """Step 18: never VERIFIED."""
    word, key = _check_word(case)
    _check_in_force(case, key)
    timeline, linked, rules, beyond = map(len, (word.timeline, word.linked, word.rules, word.notCarried))
    zh = (
        f"运营方签名声明：截至该检查点，关于本标识的陈述仅此{timeline}件，其所链接的陈述仅此{linked}件，"
        f"据以判断的规则仅此{rules}件，另有{beyond}件被链接而未收入；"
        "声明若不实即为可追究的不实签名，但离线无法证明没有其他陈述"
    )
    en = (
        f"{key.institution} signed that among the first {word.size} entries these {timeline} are all statements about "
        f"the subject, these {linked} all that they lead to, these {rules} all rules of the case, and that links lead "
        f"on to {beyond} that are not in the package; that there are no others nobody can show offline"
    )
    return Outcome(State.NOT_PROVABLE, Said(zh, en))


def _check_word(case: Case) -> tuple[forms.Completeness, Key]:
    word = forms.Completeness.read(_member(case, forms.COMPLETENESS))
    manifest = case.manifest
    if word.subject != manifest.subject or word.size != manifest.size:
        raise VerificationFailed("the operator's word is about another subject or another size than the manifest")
    _check_carried(case, word)
    key = _signer(case, word.digest(case.domain), word.key, word.signature)
    if key.purpose != Purpose.RECEIPT:
        raise VerificationFailed(f"the operator's word is signed by a {key.purpose} key, not by a receipt key")
    return word, key


def _check_carried(case: Case, word: forms.Completeness) -> None:
    """The package has the statements that the operator names, each in its role, and none leads to one that is neither
    there nor named as not carried."""
    told = sorted(case.statements, key=lambda one: one.index)
    about = {one.index for one in told if encode_hex(one.entry.statement.subject) == case.manifest.subject}
    if about != set(case.manifest.roles.timeline):
        raise VerificationFailed("the manifest's timeline is not what is said about the subject")
    for role, named in (("timeline", word.timeline), ("linked", word.linked), ("rules", word.rules)):
        if [encode_hex(one.id) for one in told if one.role == role] != named:
            raise VerificationFailed(
                f"the package's statements of the role {role} are not those that the operator names"
            )
    carried, beyond = {encode_hex(one.id) for one in told}, set(word.notCarried)
    if both := carried & beyond:
        raise VerificationFailed(f"{min(both)} is in the package, and the operator names it as not carried")
    for one in told:
        if left_out := set(linked_ids(one.content)) - carried - beyond:
            path = forms.statement_path(one.index)
            raise VerificationFailed(
                f"{path} leads to {min(left_out)}, which is neither there nor named as not carried"
            )


def _signer(case: Case, digest: bytes, claimed: str, signature: str) -> Key:
    """The key of this log that signed, by changes of the registry that are known to be the chain's."""
    address = signatures.recover(digest, decode_hex(signature, 65, "signature"))
    if encode_hex(address) != claimed:
        raise VerificationFailed(f"the signature is by {encode_hex(address)}, not by {claimed}")
    key = case.registry.keys.get(address)
    if key is None or key.log != case.log.id:
        raise VerificationFailed(f"{claimed} is no key of this log")
    if key.added_by > case.known_changes:
        raise VerificationFailed(
            f"{claimed} was added by registry change {key.added_by}, which neither the trust file nor a proven head "
            "has; take a newer trust file"
        )
    return key


def _check_in_force(case: Case, key: Key) -> None:
    """Nobody can tell when a key signed, so one that is revoked by now raises `NotProvable`. A revocation that only
    registry.json has is heeded too, and said to be its word."""
    for registry, name in ((case.trust.registry, "the trust file"), (case.registry, forms.REGISTRY)):
        known = registry.keys.get(key.address)
        if known is not None and known.revoked_by is not None:
            raise NotProvable(
                f"{encode_hex(key.address)} of {key.institution} signed, and is revoked by {name}: "
                "it may have signed afterwards"
            )


def _member(case: Case, path: str) -> bytes:
    try:
        return case.members[path]
    except KeyError:
        raise MalformedInput(f"{path} is missing") from None
