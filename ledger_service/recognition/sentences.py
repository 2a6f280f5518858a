"""What a fact about responsibility says, in Chinese and in English: one pair of sentences for each claim and answer
(docs/RESPONSIBILITY.md lists them). They tell what the log says, and never who is to blame."""

from collections.abc import Mapping
from typing import Any

_TEXTS: dict[tuple[str, str], tuple[str, str]] = {
    # The report
    ("issued", "issued"): ("{who}签发报告（第{version}版）", "{who} issued the report (version {version})"),
    ("issued", "amended"): (
        "{who}以第{version}版更正第{old}版",
        "{who} put version {version} in the place of version {old}",
    ),
    ("issued", "withdrawn"): (
        "{who}撤回第{old}版，原因代码“{reason}”",
        "{who} withdrew version {old}, for the reason {reason!r}",
    ),
    ("imported", "issued"): (
        "{who}自日志“{origin}”第{entry}条引入{issuer}的报告（第{version}版），入账时已按信任文件核验其证明",
        "{who} brought in the report of {issuer} from entry {entry} of the log {origin!r} (version {version}); "
        "its proof was checked by a trust file when it was taken",
    ),
    ("imported", "amended"): (
        "{who}自日志“{origin}”第{entry}条引入{issuer}的更正（第{version}版），取代第{old}版，入账时已按信任文件核验其证明",
        "{who} brought in a later version of {issuer} from entry {entry} of the log {origin!r}, version {version} in "
        "the place of version {old}; its proof was checked by a trust file when it was taken",
    ),
    ("imported", "withdrawn"): (
        "{who}自日志“{origin}”第{entry}条引入{issuer}对第{old}版的撤回，原因代码“{reason}”，入账时已按信任文件核验其证明",
        "{who} brought in that {issuer} withdrew version {old}, for the reason {reason!r}, from entry {entry} of the "
        "log {origin!r}; its proof was checked by a trust file when it was taken",
    ),
    ("imported-witnessed", "named"): (
        "引入时指明了日志“{origin}”的见证头部，是否属实须查该日志所在的链",
        "a head of the log {origin!r} was named; only the chain on which that log is witnessed can confirm it",
    ),
    ("imported-latest", "unknown"): (
        "日志“{origin}”此后是否更正或撤回第{version}版，本账本无法得知",
        "whether version {version} was amended or withdrawn since in the log {origin!r} cannot be known here",
    ),
    ("examined-by", "other"): (
        "第{version}版所载检查由{performer}实施，签发机构为{who}",
        "the examination in version {version} was made by {performer}; {who} signed the report",
    ),
    ("kept-by", "other"): ("第{version}版由{custodian}保管", "version {version} is kept by {custodian}"),
    ("qualified", "granted"): (
        "{performer}于{day}具有项目“{item}”的互认资质",
        "{performer} was qualified for the item {item!r} on {day}",
    ),
    ("qualified", "lapsed"): (
        "{performer}的项目“{item}”互认资质在{day}已超过有效期",
        "the qualification of {performer} for the item {item!r} had lapsed on {day}",
    ),
    ("qualified", "suspended"): (
        "{performer}的项目“{item}”互认资质在{day}处于暂停状态",
        "the qualification of {performer} for the item {item!r} was suspended on {day}",
    ),
    ("qualified", "revoked"): (
        "{performer}的项目“{item}”互认资质在{day}已被撤销",
        "the qualification of {performer} for the item {item!r} had been revoked on {day}",
    ),
    ("qualified", "none"): (
        "账本中没有{performer}在{day}对项目“{item}”的互认资质",
        "the log has no qualification of {performer} for the item {item!r} on {day}",
    ),
    ("qualified", "contradictory"): (
        "关于{performer}在{day}对项目“{item}”的资质，账本中的陈述相互矛盾，全部保留",
        "what the log says of {performer}'s qualification for {item!r} on {day} contradicts itself; all of it is kept",
    ),
    ("qualified", "unknown"): (
        "账本未载明足以判断{performer}资质的内容（检查项目、时间或机构信息）",
        "the log does not say enough to tell whether {performer} was qualified (item, time or institution)",
    ),
    ("marked", "backed"): (
        "第{version}版所标互认标识“{mark}”有{performer}当日的资质为据",
        "the mark {mark!r} on version {version} rests on a qualification that {performer} had that day",
    ),
    ("marked", "unbacked"): (
        "第{version}版标有互认标识“{mark}”，而账本中没有支持它的{performer}当日资质",
        "version {version} bears the mark {mark!r}; no qualification of {performer} that day carries it",
    ),
    ("marked", "unknown"): (
        "第{version}版标有互认标识“{mark}”，账本不足以判断其是否有资质为据",
        "version {version} bears the mark {mark!r}; the log cannot tell whether a qualification carries it",
    ),
    # Reminders and accesses
    ("reminded", "patient-view"): ("就诊时向{who}提示可互认结果", "{who} was reminded of the result at the visit"),
    ("reminded", "order-sign"): ("开单时向{who}提示可互认结果", "{who} was reminded of the result at ordering"),
    ("reminded", "dismissed"): (
        "{who}关闭互认提醒，原因代码“{reason}”",
        "{who} put the reminder aside, for the reason {reason!r}",
    ),
    ("opened", "granted"): (
        "{who}调阅第{version}版，依据“{basis}”",
        "{who} opened version {version}, on the basis {basis!r}",
    ),
    ("opened", "emergency"): (
        "{who}紧急调阅第{version}版，依据“{basis}”，原因代码“{reason}”",
        "{who} opened version {version} in an emergency, on the basis {basis!r}, for the reason {reason!r}",
    ),
    ("opened", "denied"): (
        "{who}调阅第{version}版被拒，原因代码“{reason}”",
        "{who} was refused version {version}, for the reason {reason!r}",
    ),
    ("opened-current", "current"): (
        "{who}调阅的第{version}版当时为现行版本",
        "version {version} was the current one when {who} opened it",
    ),
    ("opened-current", "superseded"): (
        "{who}调阅的第{version}版当时已被更正",
        "version {version} had been replaced when {who} opened it",
    ),
    ("opened-current", "withdrawn"): (
        "{who}调阅第{version}版时，该报告已撤回",
        "the report had been withdrawn when {who} opened version {version}",
    ),
    ("recorded-in-time", "yes"): (
        "{who}的紧急调阅在规定时间内记录",
        "the emergency access of {who} was recorded within the hour",
    ),
    ("recorded-in-time", "late"): (
        "{who}的紧急调阅为补录，距调阅{seconds}秒",
        "the emergency access of {who} was recorded late, {seconds} s after it",
    ),
    ("consented", "held"): (
        "{who}的调阅以知情同意为据，当时未撤回且未到期",
        "the access of {who} rests on a consent that had neither been withdrawn nor ended",
    ),
    ("consented", "withdrawn"): (
        "{who}调阅所依据的知情同意此前已撤回",
        "the consent on which the access of {who} rests had been withdrawn before",
    ),
    ("consented", "ended"): (
        "{who}调阅所依据的知情同意已于{until}到期",
        "the consent on which the access of {who} rests had ended on {until}",
    ),
    ("consented", "unknown"): (
        "{who}调阅所依据的知情同意在此无法查阅",
        "the consent on which the access of {who} rests cannot be read here",
    ),
    # Decisions
    ("decided", "recognition.accepted"): (
        "{who}依据政策“{policy}”（{edition}）对第{version}版予以互认",
        "{who} recognised version {version} under the policy {policy!r} ({edition})",
    ),
    ("decided", "recognition.declined"): (
        "{who}依据政策“{policy}”（{edition}）对第{version}版不予互认，原因代码“{reason}”",
        "{who} did not recognise version {version} under the policy {policy!r} ({edition}), for the reason {reason!r}",
    ),
    ("decided", "repeat.ordered"): (
        "{who}依据政策“{policy}”（{edition}）重新开单检查（原为第{version}版），原因代码“{reason}”",
        "{who} ordered the examination of version {version} again under the policy {policy!r} ({edition}), "
        "for the reason {reason!r}",
    ),
    ("decided-version", "current"): (
        "{who}所依据的第{version}版当时为现行版本",
        "version {version} was the current one when {who} decided",
    ),
    ("decided-version", "knowingly"): (
        "{who}注明知悉第{version}版并非现行版本（{state_zh}）",
        "{who} said that version {version} was known to be {state}",
    ),
    ("decided-version", "unsaid"): (
        "第{version}版当时{state_zh}，{who}未注明知悉",
        "version {version} was {state} when {who} decided, and {who} did not say so",
    ),
    ("policy-published", "published"): (
        "{who}所引政策此前已在本账本发布，摘要一致",
        "the policy that {who} names had been published here before, with this digest",
    ),
    ("policy-published", "contradictory"): (
        "同一政策版本在本账本中有内容不同的发布；{who}所引的是其中之一，全部保留",
        "this version of the policy was published here with different rules; {who} names one of them, all are kept",
    ),
    ("policy-published", "several"): (
        "同一政策版本在本账本中有内容不同的发布，而{who}未注明摘要",
        "this version of the policy was published here with different rules, and {who} names no digest",
    ),
    ("policy-published", "no"): (
        "{who}所引政策此前未在本账本发布",
        "the policy that {who} names had not been published here before",
    ),
    ("eligible", "yes"): (
        "按所引政策与账本所载事实，该结果属于应予互认（{clauses}）",
        "by the policy and the facts in the log, the result is one to recognise ({clauses})",
    ),
    ("eligible", "no"): (
        "按所引政策与账本所载事实，政策不要求互认该结果（{clauses}）",
        "by the policy and the facts in the log, the policy does not call for recognising it ({clauses})",
    ),
    ("eligible", "unknown"): (
        "账本所载事实不足以按所引政策判断，缺少：{missing}",
        "the facts in the log do not suffice to ask the policy; missing: {missing}",
    ),
    ("eligible", "no-policy"): (
        "所引政策的规则在此无法读取，未作判断",
        "the rules of the policy cannot be read here, so it was not asked",
    ),
    ("insured", "cover"): (
        "{who}称该决定在{insurer}的保险之下（编号“{reference}”）",
        "{who} said that {insurer} insures this decision (number {reference!r})",
    ),
    ("insured", "claim"): (
        "{who}称已就该决定向{insurer}提出理赔（编号“{reference}”）",
        "{who} said that a claim about this decision was made to {insurer} (number {reference!r})",
    ),
    ("insured", "settlement"): (
        "{who}称该决定列入{insurer}的清算（编号“{reference}”）",
        "{who} said that this decision is settled by {insurer} (number {reference!r})",
    ),
    ("reason-listed", "listed"): (
        "{who}所给原因“{reason}”在政策清单内（{clause}）",
        "the reason {reason!r} of {who} is on the policy's list ({clause})",
    ),
    ("reason-listed", "not-listed"): (
        "{who}所给原因“{reason}”不在政策清单内",
        "the reason {reason!r} of {who} is not on the policy's list",
    ),
    ("reason-listed", "no-list"): (
        "该政策的原因清单未知，无法核对{who}所给原因“{reason}”",
        "the policy's list of reasons is not known, so the reason {reason!r} of {who} cannot be compared",
    ),
    # Explanations, repeats, experts
    ("explained", "given"): (
        "{who}此后向患者或家属作了解释说明（{of}）",
        "{who} explained it afterwards to the patient or the family ({of})",
    ),
    ("explained", "owed"): (
        "按政策（{clause}）应向患者说明，账本中没有{who}此后的解释说明",
        "the policy ({clause}) asks for an explanation to the patient; the log has none of {who} afterwards",
    ),
    ("explained", "none"): (
        "账本中没有{who}此后的解释说明；政策是否要求说明，在此无法得知",
        "the log has no explanation of {who} afterwards; whether the policy asks for one is not known here",
    ),
    ("resulted", "agrees"): (
        "{who}重复检查的结果与原结果一致",
        "the result of the repeat by {who} agrees with the first",
    ),
    ("resulted", "differs"): (
        "{who}重复检查的结果与原结果不同",
        "the result of the repeat by {who} differs from the first",
    ),
    ("resulted", "not-comparable"): (
        "{who}重复检查的结果与原结果不可比",
        "the result of the repeat by {who} cannot be compared with the first",
    ),
    ("resulted", "unsaid"): (
        "{who}的重复检查已有结果，未载明与原结果的比较",
        "the repeat by {who} has its result; how it compares with the first is not said",
    ),
    ("resulted", "none"): ("账本中没有{who}重复检查的结果", "the log has no result of the repeat that {who} ordered"),
    ("reviewed", "necessary"): ("{who}评议认为重复检查必要", "{who} found the repeat necessary"),
    ("reviewed", "unnecessary"): ("{who}评议认为重复检查不必要", "{who} found the repeat unnecessary"),
    ("reviewed", "undecided"): ("{who}评议未作结论", "{who} came to no finding about the repeat"),
    # What became of statements
    ("corrected", "corrected"): (
        "{who}更正其先前陈述中的：{parts}",
        "{who} corrected of an earlier statement: {parts}",
    ),
    ("erased", "erased"): (
        "{who}删除其先前陈述中的：{parts}，依据“{basis}”；此后无人能够证明这些内容",
        "{who} erased of an earlier statement: {parts}, on the basis {basis!r}; nobody can prove these any more",
    ),
    ("exported", "exported"): (
        "{who}导出证据（披露：{disclosed}；未披露：{withheld}）",
        "{who} exported evidence (disclosed: {disclosed}; withheld: {withheld})",
    ),
}

ANSWERS = frozenset(_TEXTS)
"""Every (claim, answer) that has sentences."""

_UNKNOWN = ("（未载明）", "(not said)")


def sentence(code: str, says: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The Chinese and the English sentence; a value that is None is said to be unknown."""
    zh, en = _TEXTS[code, says]
    return zh.format_map(_Shown(values, _UNKNOWN[0])), en.format_map(_Shown(values, _UNKNOWN[1]))


class _Shown(dict):
    """Values as a sentence shows them."""

    def __init__(self, values: Mapping[str, Any], unknown: str):
        separator = "、" if unknown == _UNKNOWN[0] else ", "
        super().__init__({name: _shown(value, unknown, separator) for name, value in values.items()})


def _shown(value: Any, unknown: str, separator: str) -> Any:
    if value is None:
        return _Bare(unknown)
    if isinstance(value, list | tuple):
        return separator.join(map(str, value)) or "–"
    return value


class _Bare(str):
    """Stands without quotation marks, also where a value would have them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
