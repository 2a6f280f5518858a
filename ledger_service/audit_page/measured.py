"""What was measured: statements by day, delays, gaps; each as a chart with its numbers in words."""

from collections.abc import Sequence

from ledger_service.audit_page.charts import Piece, columns, share_bar, strip
from ledger_service.audit_page.html import Child, Html, element, first_rows, paragraph, section, table, together
from ledger_service.audit_page.periods import Periods
from ledger_service.shown import Words, clock
from ledger_service.usecases.audit import AuditResult, Measures
from ledger_service.usecases.audit.measures import MOST_SPANS

MOST_RANGES, MOST_PIECES = 20, 200
FEW = 12
"""Rows that stand under each other and not in columns."""
UNITS = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分", "min"), (1, "秒", "s"))


def duration(seconds: int) -> Words:
    """Seconds in the two largest units that say something."""
    sign, left, zh, en = "-" if seconds < 0 else "", abs(seconds), [], []
    for unit, name, short in UNITS:
        count, left = divmod(left, unit)
        if count:
            zh.append(f"{count:,} {name}")
            en.append(f"{count:,} {short}")
        if len(zh) == 2 or (zh and not left):
            break
    return Words(sign + (" ".join(zh) or "0 秒"), sign + (" ".join(en) or "0 s"))


def per_day(periods: Periods | None) -> Html:
    """Statements by the day of the block that witnessed them."""
    heading = Words("三、每日陈述数量", "3  Statements per day")
    if periods is None:
        return section(
            "days", heading, paragraph(Words("尚无日志头，无数据。", "There is no head yet, so no data."), "none")
        )
    words, bars = periods
    first, last, total = bars[0].name, bars[-1].name, sum(bar.count for bar in bars)
    most = max(bars, key=lambda bar: bar.count)
    name = (
        f"每{words.zh}陈述 statements per {words.en}: {first} – {last}, {total:,}; "
        f"最多 most {most.count:,} ({most.name})"
    )
    explained = Words(
        "按首次覆盖该陈述的日志头所在区块的时间（北京时间）计；陈述自称的时间不采用。",
        "By the time (UTC+8) of the block whose head covered a statement first; what statements claim is not used.",
    )
    summary = Words(
        f"{first} 至 {last}，共 {total:,} 条，每柱为一{words.zh}；最多 {most.count:,} 条（{most.name}）。",
        f"{first} to {last}: {total:,} in all, a column a {words.en}; most {most.count:,} ({most.name}).",
    )
    return section("days", heading, paragraph(summary), columns(name, bars), paragraph(explained), _see_data())


def data(periods: Periods | None) -> Html | None:
    """The numbers behind the columns."""
    if periods is None:
        return None
    words, bars = periods
    rows = [(bar.name, bar.count) for bar in bars]
    listed = table((words, Words("陈述", "statements")), rows, "data" if len(rows) > FEW else "small")
    return section("data", Words("附：每日陈述数量的数据", "Annex: the numbers behind section 3"), listed)


def _see_data() -> Html:
    return element("p", element("a", Words("数据见附表", "numbers in the annex"), href="#data"), class_="said")


def delays(result: AuditResult) -> Html:
    """From accepted to witnessed, and whether that was as promised."""
    promises = result.measures.promises
    histogram, quantiles = promises.histogram(), promises.quantiles()
    shown: list[Child] = []
    if _is_partial(result, 8):
        shown.append(_unfinished())
    if quantiles:
        names = {50: Words("半数不超过", "half within"), 100: Words("最长", "longest")}
        shown.append(
            element(
                "div",
                *(
                    element(
                        "div",
                        element("b", duration(seconds)),
                        names.get(share, Words(f"{share}% 不超过", f"{share}% within")),
                        class_="tile",
                    )
                    for share, seconds in quantiles.items()
                ),
                class_="tiles four",
            )
        )
        most = max(count for _, _, count in histogram)
        rows = [(_between(begin, end), count, share_bar(count, most)) for begin, end, count in histogram]
        heads = (Words("受理到见证", "accepted to witnessed"), Words("收据", "receipts"), Words("分布", "distribution"))
        shown.append(table(heads, rows, "bars"))
    else:
        shown.append(
            paragraph(Words("没有已见证的收据，无数据。", "No receipt was witnessed yet, so no data."), "none")
        )
    kept = (
        (Words("按期见证", "witnessed in time"), promises.kept, "witnessed"),
        (Words("逾期后见证", "witnessed late"), promises.late, "fault"),
        (Words("尚未见证，未到期", "not yet, not yet due"), promises.waiting, "pending"),
        (Words("尚未见证，已逾期", "not yet, overdue"), promises.overdue, "fault"),
        (Words("收据不符，未计", "not as signed, not measured"), promises.unmeasured, "warning"),
    )
    most = max(1, *(count for _, count, _ in kept))
    rows = [(words, count, share_bar(count, most, kind)) for words, count, kind in kept]
    heads = (Words("承诺的见证期限", "promised: witnessBy"), Words("收据", "receipts"), Words("比例", "share"))
    explained = Words(
        "受理时间由账本服务在收据中签署；见证时间为区块时间，两个时钟不同，可能出现负值。",
        "The service signed when it accepted; witnessed is the block's time: two clocks, so a delay may be below 0.",
    )
    return section(
        "delays",
        Words("四、从受理到见证", "4  From accepted to witnessed"),
        *shown,
        table(heads, rows, "bars"),
        paragraph(explained),
    )


def gaps(result: AuditResult) -> Html:
    """What is missing, what is not witnessed yet, and when there was no head for long."""
    return section("gaps", Words("五、缺口", "5  Gaps"), *_positions(result), *_spans(result.measures))


def _positions(result: AuditResult) -> Sequence[Child]:
    measures = result.measures
    missing, waiting = measures.missing, max(0, result.size - result.witnessed)
    whole = max(result.size, result.witnessed)
    if not whole:
        return [paragraph(Words("账本为空。", "The log is empty."), "none")]
    pieces = [Piece("pending", 0, 1)]
    for kind, size in (("witnessed", result.witnessed), ("final", measures.final_size)):
        pieces += [Piece(kind, 0, size / whole)] if size else []
    pieces += [Piece("missing", gap.begin / whole, gap.end / whole) for gap in missing.ranges[:MOST_PIECES]]
    kinds = (
        ("final", Words("链上终局", "final"), measures.final_size),
        ("witnessed", Words("已见证，未终局", "witnessed, not final"), result.witnessed - measures.final_size),
        ("pending", Words("尚未见证", "not witnessed yet"), waiting),
        ("missing", Words("缺失", "missing"), missing.count),
    )
    name = "位置 positions: " + "; ".join(f"{words.zh} {words.en} {count:,}" for _, words, count in kinds)
    legend = (
        element(
            "li",
            element("svg", element("rect", width=12, height=12, class_=kind), aria_hidden="true"),
            words,
            " ",
            element("b", count),
        )
        for kind, words, count in kinds
    )
    shown: list[Child] = [
        element("h3", Words(f"位置 0 至 {whole - 1:,}", f"Positions 0 to {whole - 1:,}")),
        strip(name, pieces),
        element("ul", *legend, class_="key"),
    ]
    if _is_partial(result, 2):
        shown.append(_unfinished())
    since = measures.promises.waiting_since
    if waiting and since is not None:
        shown.append(
            paragraph(
                Words(
                    f"最早一条尚未见证的收据受理于 {clock(since)}。",
                    f"The first of those was accepted at {clock(since)}.",
                )
            )
        )
    if missing.ranges:
        rows = [(gap.begin, gap.end - 1, gap.end - gap.begin) for gap in missing.ranges[:MOST_RANGES]]
        heads = (Words("缺失：从", "missing from"), Words("到", "to"), Words("条", "entries"))
        cut = Words(f"仅列前 {MOST_RANGES} 段。", f"Only the first {MOST_RANGES} ranges are listed.")
        shown += first_rows(heads, rows, len(missing.ranges), cut, "small")
    return shown


def _spans(measures: Measures) -> Sequence[Child]:
    shown: list[Child] = [element("h3", Words("日志头之间的间隔", "Spans between heads"))]
    usual, long = measures.usual_span, measures.long_spans
    if usual is None:
        return [
            *shown,
            paragraph(Words("日志头不足两个，无间隔。", "There are fewer than two heads, so no span."), "none"),
        ]
    common, heads = duration(usual), len(measures.heads)
    counted = Words(
        f"共 {heads:,} 个日志头，间隔的中位数为 {common.zh}；达到其十倍的有 {len(long):,} 段。"
        "没有新陈述时不产生日志头，间隔长本身并非过错。",
        f"{heads:,} heads; the median span is {common.en}; ten times that or longer: {len(long):,}. "
        "There is no head while nothing is said: a long span is no fault by itself.",
    )
    shown.append(paragraph(counted))
    if long:
        most = long[0].seconds
        rows = [
            (
                together((_line(clock(span.begin)), _line(clock(span.end)))),
                duration(span.seconds),
                span.statements,
                share_bar(span.seconds, most),
            )
            for span in long[:MOST_SPANS]
        ]
        heads = (
            Words("从、到", "from, to"),
            Words("间隔", "span"),
            Words("随后见证", "then witnessed"),
            Words("长度", "length"),
        )
        cut = Words(f"仅列最长的 {MOST_SPANS} 段。", f"Only the {MOST_SPANS} longest are listed.")
        shown += first_rows(heads, rows, len(long), cut, "bars")
    return shown


def _line(text: str) -> Html:
    return element("span", text, class_="where")


def _between(begin: int | None, end: int | None) -> Words:
    if begin is None:
        return Words("早于受理（时钟不同）", "before accepted (two clocks)")
    low = duration(begin)
    if end is None:
        return Words(f"{low.zh}及以上", f"{low.en} and more")
    high = duration(end)
    return Words(f"{low.zh} – {high.zh}", f"{low.en} – {high.en}")


def _is_partial(result: AuditResult, step: int) -> bool:
    findings = result.findings
    return step not in findings.finished or any(one.first.step == step for one in findings.left)


def _unfinished() -> Html:
    words = Words(
        "该步骤未核验或未完成，数字不完整。", "That step was not checked to its end: these numbers are not complete."
    )
    return paragraph(words, "none")
