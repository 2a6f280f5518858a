"""What was audited: the verdict, the ledger and what is believed of it, the steps."""

from anchors.core.encoding import encode_hex
from anchors.core.trust import Trust
from ledger_service.audit_page.found import named, told
from ledger_service.audit_page.html import Child, Html, code, element, paragraph, section, table, together
from ledger_service.audit_page.words import COUNTS, STEPS
from ledger_service.shown import STATE_WORDS, Words, clock
from ledger_service.usecases.audit import AuditResult, Findings

HOLDS = Words("√ 核验通过：账本成立", "THE LEDGER HOLDS")
DIFFERS = Words("× 核验不通过：账本有不一致之处", "THE LEDGER DOES NOT HOLD")
UNKNOWN = Words("未知", "unknown")


def verdict(result: AuditResult) -> Html:
    """Whether it holds, what of it was not checked, and the first row that differs."""
    findings = result.findings
    open_steps = [step for step in STEPS if findings.state(step) == "NOT_CHECKED"]
    said: list[Child] = [element("strong", HOLDS if result.holds else DIFFERS)]
    if result.holds:
        derived = Words(
            "全部内容已由条目与链重新推导，没有不一致之处。",
            "Everything was derived again from entries and chain; nothing differs.",
        )
        partly = Words(
            "除下列未核验的步骤外，全部内容已由条目与链重新推导，没有不一致之处。",
            "All but the steps below was derived again from entries and chain; nothing differs.",
        )
        said.append(paragraph(partly if open_steps else derived))
    else:
        total, kinds = sum(fault.count for fault in findings.faults), len(findings.faults)
        said.append(
            paragraph(
                Words(f"共 {total:,} 处不一致，分 {kinds:,} 种。", f"Differences: {total:,}, of {kinds:,} kinds.")
            )
        )
        if findings.stop_at_first:
            stopped = Words(
                "按要求，审计在第一处停止；其后未查。",
                "It was asked to stop at the first; nothing behind it was looked at.",
            )
            said.append(paragraph(stopped))
    if open_steps:
        zh = "、".join(f"{step} {STEPS[step][0].zh}" for step in open_steps)
        en = ", ".join(f"{step} {STEPS[step][0].en}" for step in open_steps)
        said.append(paragraph(Words(f"未核验或未完全核验的步骤：{zh}。", f"Not checked, or not all of it: {en}.")))
    if findings.first is not None:
        said.append(element("h3", Words("第一处不一致", "The first row that differs")))
        said.append(element("p", named(findings.first)))
        said.append(element("p", told(findings.first)))
    return element("div", *said, class_=f"verdict {'holds' if result.holds else 'differs'}")


def tiles(result: AuditResult) -> Html:
    """The numbers that matter most."""
    findings = result.findings
    faults, warnings, left = (
        sum(found.count for found in kinds) for kinds in (findings.faults, findings.warnings, findings.left)
    )
    shown = (
        (Words("条目", "entries"), result.size, ""),
        (Words("已见证", "witnessed"), result.witnessed, ""),
        (Words("链上终局", "final"), result.measures.final_size, ""),
        (Words("不一致", "differences"), faults, "bad" if faults else ""),
        (Words("提示", "warnings"), warnings, "open" if warnings else ""),
        (Words("未核验项", "not checked"), left, "open" if left else ""),
    )
    return element(
        "div",
        *(element("div", element("b", count), words, class_=f"tile {kind}".strip()) for words, count, kind in shown),
        class_="tiles",
    )


def ledger(result: AuditResult, trust: Trust) -> Html:
    """Which log on which chain, as of which block."""
    measures, log = result.measures, trust.log(result.origin)
    tip, heads = measures.tip, measures.heads
    rows: list[tuple[Words, Child]] = [
        (Words("账本", "log, origin"), code(result.origin)),
        (Words("账本标识", "log id"), code(encode_hex(log.id))),
        (Words("链标识", "chain id"), code(str(trust.chain_id))),
        (Words("创世块", "genesis block"), code(encode_hex(trust.genesis))),
        (Words("登记合约", "registry contract"), code(encode_hex(trust.registry_contract.address))),
        (Words("见证合约", "witness contract"), code(encode_hex(trust.witness_contract.address))),
        (Words("终局规则", "finality"), code(str(trust.finality))),
        (Words("信任文件中的登记变更", "registry changes believed"), f"{len(trust.changes):,}"),
        (
            Words("最新区块", "newest block read"),
            together((f"{tip.number:,}, {clock(tip.timestamp)} ", code(encode_hex(tip.hash)))) if tip else UNKNOWN,
        ),
        (
            Words("最新日志头", "newest head"),
            _newest(*heads[-1]) if heads else Words("尚无", "none yet"),
        ),
    ]
    listed = element("dl", *(part for name, value in rows for part in (element("dt", name), element("dd", value))))
    believed = Words(
        "本报告只相信信任文件，以及其中所指合约在上述区块时所述。条目、内容、收据等原件是被核验的对象，其余一律重新推导。"
        "报告不含制作时刻：同一账本、同一区块得出同一文件。",
        "Believed are the trust file, and what the contracts named there said as of that block. Entries, contents, "
        "receipts and other originals are judged; all else is derived. The same ledger and block give the same file.",
    )
    return section(
        "ledger", Words("一、账本与依据", "1  The ledger, and what is believed"), listed, paragraph(believed)
    )


def _newest(size: int, time: int, block: int) -> Words:
    at = clock(time)
    return Words(f"{size:,} 条，{at}，区块 {block:,}", f"{size:,} entries, {at}, block {block:,}")


def steps(result: AuditResult) -> Html:
    """The steps with their states, and how much each kind of thing was counted."""
    findings = result.findings
    rows = []
    for step, (name, compared) in STEPS.items():
        state = findings.state(step)
        what = together(
            (
                element("b", name.zh),
                " ",
                element("span", name.en, lang="en"),
                element("span", compared, class_="about"),
            )
        )
        rows.append((step, what, element("span", STATE_WORDS[state], class_=state), _found_in(step, findings)))
    heads = (
        "#",
        Words("步骤与核对内容", "step, and what is compared"),
        Words("状态", "state"),
        Words("发现", "found"),
    )
    counted = [
        element("li", element("span", Words(COUNTS[name], name) if name in COUNTS else name), element("b", count))
        for name, count in findings.counts.items()
    ]
    empty = paragraph(Words("没有核对任何内容。", "Nothing was compared."), "none")
    return section(
        "steps",
        Words("二、核验步骤", "2  The steps"),
        table(heads, rows, "steps"),
        element("h3", Words("核对的数量", "How much was compared")),
        element("ul", *counted, class_="counted") if counted else empty,
    )


def _found_in(step: int, findings: Findings) -> Html:
    """How many faults, warnings and things left out a step has."""
    groups = (
        (findings.faults, Words("不一致", "differences"), "bad"),
        (findings.warnings, Words("提示", "warnings"), "open"),
        (findings.left, Words("未核验", "not checked"), "open"),
    )
    found = [(sum(one.count for one in kinds if one.first.step == step), words, kind) for kinds, words, kind in groups]
    some = [element("span", count, " ", words, class_=f"some {kind}") for count, words, kind in found if count]
    return together(some or ["—"])
