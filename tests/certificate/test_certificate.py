"""A certificate says what the verdict says, in both languages, in fonts that are part of it, and always in the same
bytes."""

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from anchors.core.errors import MalformedInput
from ledger_service.certificate.make import Certificate
from ledger_service.certificate.parties import Parties, Party, read_parties
from ledger_service.certificate.verdict import read_verdict
from tests.certificate import verdicts
from tests.certificate.reading import BELIEFS, codes_on, fonts_of, joined, made, page_texts, text_of
from tests.certificate.verdicts import DIGEST, DOCUMENT, SUBJECT, a_verdict, statement, statement_id, steps


@pytest.fixture(scope="module")
def small() -> Certificate:
    """Over the small package."""
    return made(a_verdict())


def test_it_says_what_the_verdict_says(small: Certificate) -> None:
    text = text_of(small.pdf)
    verdict = a_verdict()
    said = [step[language] for step in verdict["steps"] for language in ("zh", "en")]
    said += [fact[language] for fact in verdict["facts"] for language in ("zh", "en")]
    said += [
        item[language] for name in ("restsOn", "neverProved") for item in verdict[name] for language in ("zh", "en")
    ]
    said += [each["statement"] for each in verdict["statements"]] + [
        each["institution"] for each in verdict["statements"]
    ]
    said += [SUBJECT, DIGEST, DOCUMENT["sha256"], DOCUMENT["sm3"], "ab" * 32, "ledger.example/command", "SYN-COURT"]
    said += [BELIEFS.trust_sha256, BELIEFS.genesis, BELIEFS.registry, BELIEFS.witness, "chain id 31337"]
    missing = [each for each in said if joined(each) not in text]
    assert not missing


@pytest.mark.parametrize(
    "words",
    [
        ("证据包通过核验", "THE PACKAGE HOLDS"),
        ("签发报告", "issued a report"),
        ("不予互认", "did not recognise a result"),
        ("√ 核验通过 14 项", "14 VERIFIED, 0 FAILED, 3 NOT CHECKED, 1 NOT PROVABLE"),
        ("未出示的内容", "What is withheld"),
        ("保管链", "Chain of custody"),
        ("不证明的事项", "What is never proved"),
        ("离线核验", "huzheng verify case.zip --trust trust.json"),
        ("它不是鉴定意见、公证书或裁判", "it is no expert opinion, no notarial deed and no judgment".capitalize()),
        ("晚于 after 2026-11-24 17:46:36 +08:00（区块 block 31）", "before 2026-11-24 17:46:48 +08:00（区块 block 37"),
        ("起点未证明", "no proven start"),
        ("草稿一：区块链存证真实性说明", "Declaration on the authenticity of the record"),
        ("第十七条（二）：中立性", "Art. 17 (2): neutrality"),
        ("草稿二", "Certification under FRE 902(13) and 902(14)"),
        ("伪证", "under penalty of perjury"),
    ],
)  # fmt: skip
def test_it_says_so_in_both_languages(small: Certificate, words: tuple[str, str]) -> None:
    text = text_of(small.pdf)
    assert [word for word in words if joined(word).lower() not in text.lower()] == []


def test_every_page_bears_its_number_and_the_digest(small: Certificate) -> None:
    pages = page_texts(small.pdf)
    for number, page in enumerate(pages, 1):
        assert joined(f"第 {number} 页 共 {len(pages)} 页 / page {number} of {len(pages)}") in joined(page)
        assert f"SHA-256 {DIGEST}" in page
    assert len(pages) == 11


def test_only_drafts_are_marked_as_drafts(small: Certificate) -> None:
    pages = [joined(page) for page in page_texts(small.pdf)]
    first = next(number for number, page in enumerate(pages) if "草稿一" in page)
    marked = ["草稿DRAFT·须由有资格的人填写" in page for page in pages]
    assert marked == [number >= first for number in range(len(pages))]
    assert "自动生成" in pages[0]


def test_what_the_statements_say_of_the_time_before_the_chain(small: Certificate) -> None:
    text = text_of(small.pdf)
    for answer in (
        "样例市第一示例医院检验系统 (sending-facility)",
        "SYN-MAKER (manufacturer)",
        "SYN-1000 (model)",
        "SYN-LABORATORY-01",
        "样例市示例检验中心 (performer)",
        "示例医师甲 (interpreter)",
        "2026-11-20T08:15:00+08:00 (examination)",
        "20261120081500+0800 (collected)",
        "20261120090200+0800 (reported)",
    ):
        assert joined(answer) in text
    assert joined("源系统签名 Signature of the source 未载明 not stated") in text


def test_the_court_form_names_what_it_is_about(small: Certificate) -> None:
    """Whatever its texts leave to be filled in is filled in, in both languages."""
    verdict, text = a_verdict(), text_of(small.pdf)
    assert not re.search(r"\{[a-z_]+\}", text)
    origin, exporter = verdict["package"]["origin"], verdict["package"]["exporter"]
    for words in (f"Log: {origin}; code of the exporter: {exporter}.", f"账本：{origin}；导出方登记代码：{exporter}"):
        assert joined(words) in text
    timeline = {told["institution"] for told in verdict["statements"] if told["role"] == "timeline"}
    for begin in ("Institutions on the timeline:", "本标的时间线上的机构："):
        named = text.partition(joined(begin))[2][:300]
        assert timeline and all(joined(code) in named for code in timeline)


def test_every_font_is_in_the_file(small: Certificate) -> None:
    fonts = fonts_of(small.pdf)
    names = {name.partition("+")[2] for name in fonts}
    assert names == {"NotoSansSC-Regular", "NotoSansSC-Bold"} and all(fonts.values()), fonts


def test_the_code_on_the_cover_names_the_package(small: Certificate) -> None:
    assert codes_on(small.pdf, 0) == [f"huzheng:sha256:{DIGEST}"]


def test_the_same_verdict_makes_the_same_bytes(small: Certificate) -> None:
    assert made(a_verdict()).pdf == small.pdf
    assert made(a_verdict(), at=verdicts.EXPORTED_AT).pdf == small.pdf
    assert made(a_verdict(), at=verdicts.EXPORTED_AT + 1).pdf != small.pdf


def test_its_date_is_that_of_the_export_or_the_given_one(small: Certificate) -> None:
    assert PdfReader(BytesIO(small.pdf)).metadata["/CreationDate"] == "D:20261125094640+00'00'"
    dated = made(a_verdict(), at=1_800_000_000)
    assert PdfReader(BytesIO(dated.pdf)).metadata["/CreationDate"] == "D:20270115080000+00'00'"


def test_parties_are_named_or_left_blank(small: Certificate) -> None:
    parties = Parties(
        court="样例市第一人民法院",
        case="（2026）样0101民初123号",
        parties=[Party("原告", "样例某甲"), Party("Defendant", "Synthetic <b>& Sons</b>", "SYN0001")],
    )
    cover = joined(page_texts(made(a_verdict(), parties).pdf)[0])
    for said in ("样例市第一人民法院", "（2026）样0101民初123号", "样例某甲", "Synthetic <b>& Sons</b>", "SYN0001"):
        assert joined(said) in cover
    assert "Plaintiff" not in cover and "证明目的" in cover
    assert "原告（申请人）" in joined(page_texts(small.pdf)[0])


@pytest.mark.parametrize("text", [b"{}", b'{"parties": []}', '{"court": "法院"}'.encode()])
def test_parties_may_be_given_in_part(text: bytes) -> None:
    assert read_parties(text).parties == []


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"cort": "x"}', b'{"parties": [{"role": "x"}]}', b'{"case": ""}', b"\xff"]
)
def test_parties_of_another_form_are_refused(text: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_parties(text)


def test_a_verdict_of_another_form_is_refused() -> None:
    with pytest.raises(MalformedInput, match="huzheng verify"):
        read_verdict({"holds": True})
    with pytest.raises(MalformedInput, match="state"):
        read_verdict(a_verdict(steps=[*steps()[:-1], steps(complete="PERHAPS")[-1]]))


# Packages of other shapes


def test_what_does_not_hold_says_so_first() -> None:
    failed = steps(signed="FAILED")
    failed[9]["items"] = [
        {
            "about": "statements/000000000002.tlog-proof",
            "state": "FAILED",
            "zh": "（合成）签名不符",
            "en": "synthetic: the signature differs",
        }
    ]
    counts = {"VERIFIED": 16, "FAILED": 1, "NOT_CHECKED": 0, "NOT_PROVABLE": 1}
    pages = page_texts(made(a_verdict(holds=False, steps=failed, counts=counts, error="case.zip: step 10 failed")).pdf)
    assert "证据包未通过核验" in pages[0] and "DOES NOT HOLD" in pages[0] and "case.zip: step 10 failed" in pages[0]
    text = joined("".join(pages))
    assert joined("（合成）签名不符") in text and joined("synthetic: the signature differs") in text
    assert "×核验不通过" in text and "THEPACKAGEHOLDS" not in text


def test_where_no_block_is_proved_the_cover_says_so(small: Certificate) -> None:
    said = joined("签署时间和账本已由区块链见证这两点，本次均未证明")
    cover = page_texts(made(a_verdict(steps=steps(blocks="NOT_CHECKED"))).pdf)[0]
    assert said in joined(cover) and "Neither when anything was signed" in cover
    assert said not in text_of(small.pdf)


def test_a_file_that_is_no_package() -> None:
    first = steps(archive="FAILED")[:1]
    empty = {name: [] for name in ("statements", "documents", "facts", "custody")}
    counts = {"VERIFIED": 0, "FAILED": 1, "NOT_CHECKED": 0, "NOT_PROVABLE": 0}
    text = text_of(made(a_verdict(holds=False, package=None, steps=first, counts=counts, **empty)).pdf)
    for said in ("证据包中没有此类陈述", "证据包不含原件", "没有得出事实", "没有载明保管情况", "没有未出示的内容"):
        assert said in text


def test_a_hundred_statements_keep_their_order_and_their_heads() -> None:
    many = [statement(index, "access.granted", f"SYN-{index:028}", withheld=["note"]) for index in range(100)]
    pages = page_texts(made(a_verdict(statements=many)).pdf)
    text = joined("".join(pages))
    places = [text.index(f"SYN-{index:028}") for index in range(100)]
    assert places == sorted(places)
    timeline = [page for page in pages if "SYN-0000" in page and "晚于" in page and "Institution" in page]
    assert len(timeline) >= 5, "the head of the table stands on every page of it"
    assert all(len(page.split("\n")) > 8 for page in pages), "no page is all but empty"


def test_what_is_too_long_is_cut_and_says_so() -> None:
    long = statement(0, "report.issued", parts={"note": "很长" * 5_000})
    text = text_of(
        made(
            a_verdict(
                statements=[long], facts=[verdicts.fact("issued", "issued", "VERIFIED", "甲" * 9_000, "A" * 9_000, 0)]
            )
        ).pdf
    )
    assert "共10000字符" in text and "共9000字符" in text and "甲" * 800 + "…" in text


def test_a_kind_or_claim_of_a_later_version_is_named() -> None:
    later = steps()
    later[0]["claim"] = "weather"
    text = text_of(made(a_verdict(steps=later, statements=[statement(0, "moon.observed")])).pdf)
    assert "weather" in text and "moon.observed" in text


# Characters


def test_no_character_becomes_a_box() -> None:
    """What the fonts lack stands as its code, and is told beside the certificate and in it."""
    strange = statement(0, "report.issued", parts={"note": "龘𠮷\u202e镕喆䶮㛃\u0007😀"})
    certificate = made(a_verdict(statements=[strange]), Parties(parties=[Party("原告", "𠮷某")]))
    text = text_of(certificate.pdf)
    assert set(certificate.missing) == {"𠮷", "😀"}
    assert "龘\\U00020bb7\\u202e镕喆䶮㛃\\x07\\U0001f600" in text
    assert "\\U00020bb7某" in text
    assert joined("附注：字体所缺字符") in text


def test_nothing_is_missing_otherwise(small: Certificate) -> None:
    assert small.missing == ()
    assert "字体所缺字符" not in text_of(small.pdf)


def test_ids_of_the_statements_are_whole(small: Certificate) -> None:
    """A digest that is broken over lines is still read whole, in order."""
    text = text_of(small.pdf)
    assert all(statement_id(number) in text for number in range(1, 7))
