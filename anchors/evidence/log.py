"""Steps about the log and its chain, from the checkpoint to documents (docs/spec/evidence.md, Steps)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import new, sha256

from anchors.core.block.proof import BlockProof
from anchors.core.block.verify import NotBelieved, Strength, find_set_changes, verify_block_proof
from anchors.core.checkpoint import Checkpoint
from anchors.core.encoding import ZERO_WORD, decode_hex, encode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from anchors.core.note import VerifierKey, open_note
from anchors.core.registry import check_attribution, note_key_address
from anchors.core.statement import Entry
from anchors.core.tlog_proof import Extra, TlogProof
from anchors.core.verify import State
from anchors.evidence import members as forms
from anchors.evidence.case import BlockTime, Case, Told
from anchors.evidence.outcome import Items, NotChecked, NotProvable, Outcome
from anchors.evidence.report import Said

Digests = tuple[int, str, str]
"""A document's length in bytes, its SHA-256 and its SM3 in hex."""


def check_checkpoint(case: Case) -> Outcome:
    """Step 5."""
    data = case.members.get(forms.CHECKPOINT)
    if data is None:
        raise MalformedInput(f"{forms.CHECKPOINT} is missing")
    if not case.log.keys:
        named = ", ".join(log.origin for log in case.trust.logs) or "none"
        raise VerificationFailed(f"the package is of the log {case.log.origin}, the trust file names {named}")
    note = open_note(data, case.log.keys)
    checkpoint = Checkpoint.from_text(note.text)
    if (checkpoint.origin, checkpoint.size) != (case.manifest.origin, case.manifest.size):
        raise VerificationFailed("it is not the checkpoint that the manifest names")
    case.checkpoint = checkpoint
    if all(_is_revoked(case, key) for key in note.signers):
        raise NotProvable("it is signed by a revoked key alone")
    return Outcome(
        State.VERIFIED,
        Said(
            f"日志{checkpoint.origin}的检查点（{checkpoint.size}条）由其密钥签名",
            f"a key of {checkpoint.origin} signed the checkpoint of {checkpoint.size} entries",
        ),
    )


def _is_revoked(case: Case, key: VerifierKey) -> bool:
    """Whether a note key is revoked by now: by the trust file, or by registry.json, which may go further."""
    told = case.registry.keys.get(note_key_address(key.public_key)) if case.registry else None
    return case.trust.is_revoked(key) or (told is not None and told.revoked_by is not None)


def check_heads(case: Case) -> Outcome:
    """Step 6."""
    items = Items("见证链头", "heads")
    for name, data in case.under(forms.HEADS).items():
        items.look(f"{forms.HEADS}/{name}", lambda name=name, data=data: _check_head(case, name, data))
    outcome = items.outcome()
    if outcome.state is State.VERIFIED and case.checkpoint.size not in case.heads:
        raise VerificationFailed(f"the package has no head of the checkpoint's own {case.checkpoint.size} entries")
    return outcome


def _check_head(case: Case, name: str, data: bytes) -> None:
    head = forms.Head.read(data)
    event = head.event
    if forms.head_path(event.newSize) != f"{forms.HEADS}/{name}":
        raise VerificationFailed(f"it is the head of {event.newSize} entries, not the one that its path names")
    if not event.oldSize < event.newSize <= case.checkpoint.size:
        raise VerificationFailed("its sizes are not in order, or above the checkpoint's")
    if event.oldSize < (below := case.head_sizes[-1] if case.head_sizes else 0):
        raise VerificationFailed(
            f"it begins at {event.oldSize}, within the head of {below} entries; heads do not overlap"
        )
    root = decode_hex(event.root, 32, "root")
    proof = forms.hashes(head.consistency)
    verify_consistency(event.newSize, case.checkpoint.size, proof, root, case.checkpoint.root)
    if event.registryCount > case.registry.count:
        raise VerificationFailed(f"it is of registry change {event.registryCount}, registry.json ends before")
    if encode_hex(case.registry_heads[event.registryCount]) != event.registryHead:
        raise VerificationFailed(
            f"the registry's first {event.registryCount} changes do not fold to the head that it names"
        )
    case.take_head(head)


def check_blocks(case: Case) -> Outcome:
    """Step 7."""
    items, strengths = Items("见证区块", "blocks of heads"), Counter()
    set_changes = find_set_changes(_headers(case.heads.values()), case.trust)
    for size, head in case.heads.items():
        items.look(forms.head_path(size), lambda head=head: _check_block(case, head, set_changes, strengths))
    outcome = items.outcome()
    if outcome.state is not State.VERIFIED:
        return outcome
    sealed, fixed = strengths[Strength.SEALED], strengths[Strength.FIXED]
    zh = f"{items.count}个链头所在区块均已证明：{sealed}个由信任文件所列验证者法定数封印，{fixed}个由信任文件固定"
    en = f"{items.count} blocks of heads: {sealed} sealed by a quorum of trusted validators, {fixed} fixed"
    return Outcome(outcome.state, Said(zh, en))


def _headers(heads: Iterable[forms.Head]) -> list[bytes]:
    """The headers of the heads' blocks: where validators changed, one of them may show to whom."""
    headers = []
    for head in heads:
        with suppress(MalformedInput):
            headers.append(BlockProof.from_json(head.block).header)
    return headers


def _check_block(case: Case, head: forms.Head, set_changes: Sequence[bytes], strengths: Counter[Strength]) -> None:
    if head.block is None:
        raise NotChecked("the package has no proof of its block")
    try:
        proven = verify_block_proof(BlockProof.from_json(head.block), case.trust, set_changes)
    except NotBelieved as error:
        raise NotChecked(str(error)) from None
    event, shown = head.event, proven.head
    named = (event.oldSize, event.newSize, event.root, event.registryHead, event.registryCount, event.witnessId)
    hexes = [encode_hex(value) for value in (shown.root, shown.registry_head, shown.witness_id)]
    found = (shown.old_size, shown.new_size, hexes[0], hexes[1], shown.registry_count, hexes[2])
    if shown.log != case.log.id or found != named:
        raise VerificationFailed("the event in its block is another than the head says")
    case.blocks[event.newSize] = BlockTime(proven.block.number, proven.block.timestamp)
    case.parents[event.newSize] = BlockTime(proven.parent.number, proven.parent.timestamp)
    strengths[proven.strength] += 1


def check_content(case: Case) -> Outcome:
    """Step 8. Reads the statements."""
    items = Items("陈述的内容", "statements' contents")
    roles = case.manifest.roles.of()
    for index in sorted(roles):
        path = forms.statement_path(index)
        items.look(path, lambda index=index, path=path: _read_statement(case, index, roles[index], path))
    return items.outcome()


def _read_statement(case: Case, index: int, role: str, path: str) -> None:
    data = case.members.get(path)
    if data is None:
        raise MalformedInput("it is missing")
    proof = TlogProof.parse(data)
    if proof.extra is None:
        raise MalformedInput("no extra line, so the entry is not there")
    if proof.format() != data:
        raise VerificationFailed("it is not written as such proofs are")
    extra = Extra.decode(proof.extra)
    entry = Entry.from_bytes(extra.entry)
    told = Told(
        proof.index,
        role,
        entry,
        extra.entry,
        entry.statement.id(case.domain),
        extra.key,
        extra.content,
        proof.checkpoint,
        tuple(proof.hashes),
    )
    if told.index != index:
        raise VerificationFailed(f"it is a proof of entry {told.index}")
    case.statements.append(told)
    if extra.content.hash != entry.statement.content:
        raise VerificationFailed("the parts do not hash to the content that the entry names: a part was changed")


def check_logged(case: Case) -> Outcome:
    """Step 9."""
    items = Items("陈述的入链证明", "inclusion proofs")
    for told in case.statements:
        items.look(forms.statement_path(told.index), lambda told=told: _check_logged(case, told))
    return items.outcome()


def _check_logged(case: Case, told: Told) -> None:
    if told.checkpoint != case.members[forms.CHECKPOINT]:
        raise VerificationFailed("it stands under another checkpoint than the package")
    if told.index >= case.checkpoint.size:
        raise VerificationFailed(f"its index is not below the checkpoint's size {case.checkpoint.size}")
    leaf = leaf_hash(told.entry_bytes)
    verify_inclusion(leaf, told.index, case.checkpoint.size, told.inclusion, case.checkpoint.root)


def check_signed(case: Case) -> Outcome:
    """Step 10."""
    items = Items("陈述的签名与归属", "signatures")
    for told in case.statements:
        items.look(forms.statement_path(told.index), lambda told=told: _check_signed(case, told))
    return items.outcome()


def _check_signed(case: Case, told: Told) -> None:
    statement = told.entry.statement
    signer = told.entry.signer(case.domain)
    if signer != told.key:
        raise VerificationFailed(f"the signature is by {encode_hex(signer)}, not by {encode_hex(told.key)}")
    event = case.covering(told.index)
    if event is not None and event.newSize in case.blocks:
        registry, count = case.registry, event.registryCount
    else:
        registry, count = case.trust.registry, case.trust.registry.count
    key = registry.keys.get(signer)
    check_attribution(key, case.log.id, statement.institution, statement.sequence, count)


def check_times(case: Case) -> Outcome:
    """Step 11."""
    items = Items("陈述的时间", "statements' times")
    for told in case.statements:
        items.look(forms.statement_path(told.index), lambda told=told: _check_times(case, told))
    return items.outcome()


def _check_times(case: Case, told: Told) -> None:
    event = case.covering(told.index)
    if event is None:
        raise VerificationFailed("the package has no head that covers it first")
    if event.newSize not in case.blocks:
        raise NotChecked(
            f"the block of the head of {event.newSize} entries was not proved: nothing is known of before when"
        )
    if told.role != "timeline" or told.entry.statement.observed == ZERO_WORD:
        return
    head = case.observed(told)
    if head is None:
        raise VerificationFailed("the package has no head below it that is the one it observed")
    if head.newSize not in case.parents:
        raise NotChecked(
            f"the block before the head of {head.newSize} entries was not proved: nothing is known of after when"
        )


def check_documents(case: Case) -> Outcome:
    """Step 14."""
    items, named = Items("原始文件", "documents"), documents_named(case)
    for name, data in case.under(forms.DOCUMENTS).items():
        items.look(f"{forms.DOCUMENTS}/{name}", lambda name=name, data=data: _check_document(named, name, data))
    return items.outcome()


def _check_document(named: Mapping[Digests, Told], name: str, data: bytes) -> None:
    digest = sha256(data).hexdigest()
    if digest != name:
        raise VerificationFailed(f"its SHA-256 is {digest}: the document was changed")
    if digests_of(data) not in named:
        raise VerificationFailed("no shown part of a statement in the package has its SHA-256 and SM3")


def documents_named(case: Case) -> dict[Digests, Told]:
    """The first statement of each length and pair of digests that a shown part `document` names."""
    named: dict[Digests, Told] = {}
    for told in case.statements:
        value = told.content.value("document")
        if isinstance(value, dict):
            length, *digests = (value.get(member) for member in ("bytes", "sha256", "sm3"))
            if type(length) is int and all(type(digest) is str for digest in digests):
                named.setdefault((length, *digests), told)
    return named


def digests_of(document: bytes) -> Digests:
    """What a part `document` says of these bytes."""
    return len(document), sha256(document).hexdigest(), new("sm3", document).hexdigest()
