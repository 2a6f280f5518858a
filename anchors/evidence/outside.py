"""Steps about who is no part of the chain: time-stamp authorities and witnesses (docs/spec/evidence.md)."""

import re
from functools import partial

from anchors.core.checkpoint import Checkpoint
from anchors.core.encoding import decode_hex
from anchors.core.errors import MalformedInput, VerificationFailed
from anchors.core.times import iso_time
from anchors.core.verify import State, judge_cosigned
from anchors.evidence import members as forms
from anchors.evidence.case import Case
from anchors.evidence.outcome import Items, NotChecked, Outcome
from anchors.evidence.report import Said

_NAME = re.compile(r"([0-9]{12})-([0-9]{2})-([0-9]{4})\.tsr")


def check_timestamps(case: Case) -> Outcome:
    """Step 16."""
    items, earliest = Items("时间戳令牌链", "chains of time-stamps"), []
    for name, tokens in _chains(case).items():
        items.look(f"{forms.TIMESTAMPS}/{name}", partial(_check_chain, case, name, tokens, earliest))
    outcome = items.outcome()
    if outcome.state is not State.VERIFIED:
        return outcome
    before, authority, size = min(earliest)
    zh = f"{items.count}条时间戳令牌链核验通过；最早者：{authority}证明{size}条的检查点在{iso_time(before)}之前已存在"
    en = f"{items.count} chains hold; the earliest: {authority} saw the checkpoint of {size} before {iso_time(before)}"
    return Outcome(State.VERIFIED, Said(zh, en))


def check_cosigned(case: Case) -> Outcome:
    """Step 17."""
    judged = judge_cosigned(case.members[forms.CHECKPOINT], case.trust)
    if not judged:
        raise NotChecked("the trust file asks for no cosignatures")
    (claim,) = judged
    zh = {State.VERIFIED: "检查点已由法定数的见证方联署", State.FAILED: "联署核验未通过"}.get(
        claim.state, "联署未达法定数"
    )
    return Outcome(claim.state, Said(f"{zh}（{claim.why}）", claim.why))


def _chains(case: Case) -> dict[str, list[bytes]]:
    """The tokens of each chain in their order, by the beginning of their names."""
    chains: dict[str, list[bytes]] = {}
    for name, token in case.under(forms.TIMESTAMPS).items():  # the archive's order is that of the names
        match = _NAME.fullmatch(name)
        chain = f"{match[1]}-{match[2]}" if match else name
        known = chains.setdefault(chain, [])
        if match is None or int(match[3]) != len(known):
            raise MalformedInput(f"{forms.TIMESTAMPS}/{name}: its name is not that of the next token of a chain")
        known.append(token)
    return chains


def _check_chain(case: Case, name: str, tokens: list[bytes], earliest: list[tuple[int, str, int]]) -> None:
    from anchors.clocks import UnknownAuthority, verify_timestamps  # takes long to load; not every package has one

    size = int(name[:12])
    head = case.heads.get(size)
    if head is None:
        raise VerificationFailed(f"the package has no head of {size} entries, of which they should be")
    text = Checkpoint(case.manifest.origin, size, decode_hex(head.event.root, 32, "root")).to_text().encode()
    try:
        first = verify_timestamps(tokens, text, case.trust.authorities)[0]
    except UnknownAuthority as error:
        raise NotChecked(str(error)) from None
    earliest.append((first.before, first.authority, size))
