"""The kinds of statement, as data. To add a kind, add a row here, and `python -m scripts.make_kind_pages`.

What the door checks, what the audit re-checks, docs/spec/kinds.md and the JSON Schemas beside it are all read from this
table and from the forms in `parts.py`.
"""

from ledger_service.kind_form import Effect, Kind, LinkRule, Role, Subject

_ISSUERS = frozenset({Role.HOSPITAL, Role.LABORATORY})
_DECIDERS = frozenset({Role.HOSPITAL})
_QUALIFIERS = frozenset({Role.QUALITY_CONTROL, Role.REGULATOR})
_REGULATORS = frozenset({Role.REGULATOR})
_FIGURERS = frozenset({Role.REGULATOR, Role.QUALITY_CONTROL, Role.INSURER, Role.OPERATOR})
_DISPUTERS = frozenset({Role.HOSPITAL, Role.LABORATORY, Role.REGULATOR, Role.INSURER, Role.COURT})
_HOLDERS = frozenset({Role.HOSPITAL, Role.LABORATORY, Role.REGULATOR, Role.COURT})
_ANYBODY = frozenset(value for name, value in vars(Role).items() if name.isupper())

VERSIONS = frozenset({"report.issued", "report.amended", "import.issued", "import.amended"})
"""What brings a version of a report about, or one of another log in."""
OPENINGS = frozenset({"access.granted", "access.emergency"})
"""By what a report is opened; decisions rest on one of them."""
REFUSALS = frozenset({"recognition.declined", "repeat.ordered"})
"""The decisions that are to be explained to the patient."""
_REPORTS = ("report.amended", "report.issued")
_IMPORTS = ("import.amended", "import.issued")
_QUALIFIED = frozenset({"qualification.granted", "qualification.renewed", "qualification.suspended"})


def _replaces(*targets: str) -> LinkRule:
    return LinkRule("replaces", frozenset(targets), current=True)


def _elsewhere(rel: str, *targets: str, own: bool = False, optional: bool = True) -> LinkRule:
    """A link to a statement about another subject."""
    return LinkRule(rel, frozenset(targets) or None, same_subject=False, own=own, optional=optional)


def _brings_in(*originals: str) -> LinkRule:
    return LinkRule("original", frozenset(originals), same_subject=False, foreign=True)


_REPLACES_VERSION = (_replaces(*_REPORTS),)
_REPLACES_QUALIFICATION = (_replaces(*sorted(_QUALIFIED)),)
_CONSENT = _elsewhere("consent", "consent.given")
_OPENS_A_VERSION = (LinkRule("report", VERSIONS), _CONSENT)
_RESTS_ON_ACCESS = LinkRule("access", OPENINGS, own=True)
_BY_POLICY = LinkRule("policy", frozenset({"policy.published"}), same_subject=False, policy=True, optional=True)
_DECIDES = (_RESTS_ON_ACCESS, LinkRule("report", VERSIONS, named_by=("access", "report")), _BY_POLICY)
_REPEATS = (
    _RESTS_ON_ACCESS,
    LinkRule("repeats", VERSIONS, named_by=("access", "report")),
    _BY_POLICY,
    LinkRule("reminder", frozenset({"reminder.shown"}), own=True, optional=True),
)
_RESULTS = (
    LinkRule("order", frozenset({"repeat.ordered"}), own=True),
    _elsewhere("result", "report.issued", own=True, optional=False),
)
_ABOUT_ANYTHING = _elsewhere("about", optional=False)
_DISPUTE = _elsewhere("dispute", "dispute.opened")

_N, _E, _O = Subject.NEW, Subject.EXISTING, Subject.OWNED

_TABLE = (
    # Reports
    Kind("report.issued", "issued a report 签发报告", _ISSUERS, _N, ("document",), effect=Effect.ISSUES),
    Kind(
        "report.amended",
        "amended its report 更正报告",
        _ISSUERS,
        _O,
        ("document", "links"),
        _REPLACES_VERSION,
        Effect.REPLACES,
        while_suspended=True,
    ),
    Kind(
        "report.withdrawn",
        "withdrew its report 撤回报告",
        _ISSUERS,
        _O,
        ("reason", "links"),
        _REPLACES_VERSION,
        Effect.WITHDRAWS,
        while_suspended=True,
    ),
    # Reports of other logs
    Kind(
        "import.issued",
        "brought in a report of another log 引入外地报告",
        _ISSUERS,
        _N,
        ("proof", "links"),
        (_brings_in(*_REPORTS),),
        Effect.ISSUES,
    ),
    Kind(
        "import.amended",
        "brought in a later version from another log 引入外地报告的更正",
        _ISSUERS,
        _O,
        ("proof", "links"),
        (_brings_in("report.amended"), _replaces(*_IMPORTS)),
        Effect.REPLACES,
        while_suspended=True,
    ),
    Kind(
        "import.withdrawn",
        "brought in a withdrawal from another log 引入外地报告的撤回",
        _ISSUERS,
        _O,
        ("proof", "links"),
        (_brings_in("report.withdrawn"), _replaces(*_IMPORTS)),
        Effect.WITHDRAWS,
        while_suspended=True,
    ),
    # Reminders and accesses
    Kind(
        "reminder.shown",
        "was reminded of a result 互认提醒",
        _DECIDERS,
        _E,
        ("reminder", "links"),
        (LinkRule("report", VERSIONS),),
    ),
    Kind(
        "reminder.dismissed",
        "put a reminder aside 关闭提醒",
        _DECIDERS,
        _E,
        ("reminder", "reason", "links"),
        (LinkRule("reminder", frozenset({"reminder.shown"}), own=True),),
    ),
    Kind("access.granted", "opened a report 调阅报告", _ISSUERS, _E, ("access", "links"), _OPENS_A_VERSION),
    Kind(
        "access.denied", "was refused a report 调阅被拒", _ISSUERS, _E, ("access", "reason", "links"), _OPENS_A_VERSION
    ),
    Kind(
        "access.emergency",
        "opened a report in an emergency 紧急调阅",
        _ISSUERS,
        _E,
        ("access", "reason", "links"),
        _OPENS_A_VERSION,
        while_suspended=True,
    ),
    # Decisions
    Kind(
        "recognition.accepted",
        "recognised a result 互认",
        _DECIDERS,
        _E,
        ("policy", "links"),
        _DECIDES,
        knowingly="report",
    ),
    Kind(
        "recognition.declined",
        "did not recognise a result 不予互认",
        _DECIDERS,
        _E,
        ("policy", "reason", "links"),
        _DECIDES,
    ),
    Kind("repeat.ordered", "ordered the test again 重复检查", _DECIDERS, _E, ("policy", "reason", "links"), _REPEATS),
    Kind("repeat.resulted", "has the result of the repeated test 重复检查结果", _DECIDERS, _E, ("links",), _RESULTS),
    Kind(
        "repeat.reviewed",
        "reviewed a repeat 专家评议重复检查",
        _QUALIFIERS,
        _E,
        ("review", "links"),
        (LinkRule("reviews", frozenset({"repeat.ordered"})),),
    ),
    Kind(
        "explanation.given",
        "explained it to the patient 解释说明",
        _DECIDERS,
        _E,
        ("explanation", "links"),
        (LinkRule("explains", REFUSALS, own=True),),
        while_suspended=True,
    ),
    # The patient
    Kind("consent.given", "recorded a consent 知情同意", _ISSUERS, _N, ("consent",), effect=Effect.ISSUES),
    Kind(
        "consent.withdrawn",
        "recorded that a consent was withdrawn 撤回同意",
        _ISSUERS,
        _O,
        ("links",),
        (_replaces("consent.given"),),
        Effect.WITHDRAWS,
        while_suspended=True,
    ),
    # Institutions
    Kind(
        "qualification.granted",
        "granted a qualification 授予互认资质",
        _QUALIFIERS,
        _N,
        ("qualification",),
        effect=Effect.ISSUES,
    ),
    Kind(
        "qualification.renewed",
        "renewed a qualification 资质续期",
        _QUALIFIERS,
        _O,
        ("qualification", "links"),
        _REPLACES_QUALIFICATION,
        Effect.REPLACES,
    ),
    Kind(
        "qualification.suspended",
        "suspended a qualification 暂停资质",
        _QUALIFIERS,
        _O,
        ("since", "reason", "links"),
        _REPLACES_QUALIFICATION,
        Effect.REPLACES,
    ),
    Kind(
        "qualification.revoked",
        "revoked a qualification 撤销资质",
        _QUALIFIERS,
        _O,
        ("since", "reason", "links"),
        _REPLACES_QUALIFICATION,
        Effect.WITHDRAWS,
    ),
    Kind(
        "institution.profiled",
        "described an institution 机构登记信息",
        _REGULATORS,
        _N,
        ("profile",),
        (_elsewhere("replaces", "institution.profiled"),),
        Effect.ISSUES,
    ),
    # Rules
    Kind(
        "policy.published",
        "published a policy 发布互认政策",
        _REGULATORS,
        _N,
        ("policy", "rules"),
        (_elsewhere("replaces", "policy.published"),),
        Effect.ISSUES,
        of_policy=True,
    ),
    Kind(
        "catalogue.published",
        "published a catalogue 发布互认项目目录",
        _REGULATORS,
        _N,
        ("catalogue",),
        (_elsewhere("replaces", "catalogue.published"),),
        Effect.ISSUES,
    ),
    Kind(
        "codemap.published",
        "published a code map 发布项目代码对照",
        _REGULATORS,
        _N,
        ("codemap",),
        (_elsewhere("replaces", "codemap.published"),),
        Effect.ISSUES,
    ),
    # Disputes and evidence
    Kind(
        "dispute.opened",
        "opened a dispute 提起争议",
        _DISPUTERS,
        _N,
        ("basis", "links"),
        (_ABOUT_ANYTHING,),
        Effect.ISSUES,
        while_suspended=True,
    ),
    Kind(
        "dispute.closed",
        "closed a dispute 争议终结",
        _DISPUTERS,
        _O,
        ("reason", "links"),
        (_replaces("dispute.opened"),),
        Effect.WITHDRAWS,
        while_suspended=True,
    ),
    Kind(
        "hold.placed",
        "placed a hold 证据保全",
        _HOLDERS,
        _N,
        ("basis", "links"),
        (_ABOUT_ANYTHING, _DISPUTE),
        Effect.ISSUES,
        while_suspended=True,
    ),
    Kind(
        "hold.released",
        "released a hold 解除保全",
        _HOLDERS,
        _O,
        ("basis", "links"),
        (_replaces("hold.placed"),),
        Effect.WITHDRAWS,
        while_suspended=True,
    ),
    Kind(
        "evidence.exported",
        "exported evidence 导出证据",
        _ANYBODY,
        _E,
        ("export", "links"),
        (LinkRule("about", None), _DISPUTE),
        while_suspended=True,
    ),
    # Figures
    Kind(
        "statistics.published",
        "published figures 发布统计",
        _FIGURERS,
        _N,
        ("statistics",),
        (_elsewhere("replaces", "statistics.published", own=True),),
        Effect.ISSUES,
    ),
    # What happens to content
    Kind(
        "content.erased",
        "erased content 删除内容",
        _ANYBODY,
        _E,
        ("erasure", "links"),
        (LinkRule("erases", None, own=True),),
        while_suspended=True,
    ),
    Kind(
        "statement.corrected",
        "corrected a statement 更正陈述",
        _ANYBODY,
        _E,
        ("correction", "links"),
        (LinkRule("corrects", None, own=True),),
        while_suspended=True,
    ),
    Kind(
        "readings.headed",
        "closed a day of the reading log 查阅日志封存",
        frozenset({Role.OPERATOR}),
        _N,
        ("readings",),
        effect=Effect.ISSUES,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}
IMPORTS = frozenset(kind.name for kind in _TABLE if kind.original)
"""The kinds that bring in what another log said."""
