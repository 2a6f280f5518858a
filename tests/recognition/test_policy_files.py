"""The policies that ship say what their sources say, and their digests are what others compute."""

import json
import re
from datetime import date
from hashlib import sha256

import pytest
import rfc8785

from anchors.core.errors import MalformedInput
from ledger_service.recognition.engine import check_refusal
from ledger_service.recognition.policies import shipped_policies, shipped_policy
from ledger_service.recognition.policy import convert_policy, policy_digest, policy_text
from ledger_service.recognition.warnings import WARNING_CODES, coded_warning
from tests.architecture.tree import ROOT
from tests.recognition.table import prepared

DIGESTS = {
    "sample-city": "2da8bc79009bd1eb2a7a7f04e5f2710f64d80a0ec42a0fe0b50d676b23d7724b",
    "zhanjiang-2024": "3306822de4925b8e087d12cd38f442f9cd47551eaf443fbf846dbf70cb12f0a7",
}
EIGHT_REASONS = [
    ("四（五）1", "病情变化"),
    ("四（五）2", "变化较快"),
    ("四（五）3", "手术、输血"),
    ("四（五）4", "急诊、急救"),
    ("四（五）5", "患者或其亲属要求"),
    ("四（五）6", "连续对比观察"),
    ("四（五）7", "司法、伤残及病退"),
    ("四（五）8", "其他情形"),
]


@pytest.mark.parametrize("name", shipped_policies())
def test_the_digest_is_that_of_the_canonical_text(name: str) -> None:
    text = shipped_policy(name)
    canonical = rfc8785.dumps(json.loads(text))
    document = convert_policy(json.loads(text))
    assert policy_text(document) == canonical
    assert policy_digest(document) == sha256(canonical).digest()
    assert policy_digest(document).hex() == DIGESTS[name], (
        "a policy that was published never changes; give it a version"
    )


@pytest.mark.parametrize("name", shipped_policies())
def test_a_file_is_named_for_its_policy_and_samples_say_so(name: str) -> None:
    document = convert_policy(json.loads(shipped_policy(name)))
    assert document.policy == name
    assert document.sample == name.startswith("sample")
    assert document.sample == ("SAMPLE" in document.title.en) == ("样例" in document.title.zh)


def test_no_other_policy_ships() -> None:
    assert set(shipped_policies()) == set(DIGESTS)
    with pytest.raises(MalformedInput, match="zhanjiang-2024"):
        shipped_policy("../policy")


def test_zhanjiang_is_the_document_of_2024() -> None:
    document = convert_policy(json.loads(shipped_policy("zhanjiang-2024")))
    assert document.issuers == ("湛江市卫生健康局", "湛江市医疗保障局", "湛江市财政局")
    assert document.issued == document.in_force.first == date(2024, 1, 24)
    assert document.number is None
    windows = {category.zh: category.window.days for category in document.categories.included}
    assert windows == {"医学检验": 14, "医学影像检查": 30}
    assert [category.zh for category in document.categories.excluded] == ["病理检查"]
    assert [mark.text for mark in document.qualification.marks] == ["湛江市 HR", "湛江市遂溪县 HR"]


def test_zhanjiang_lists_eight_reasons_and_each_owes_an_explanation() -> None:
    policy = prepared("zhanjiang-2024")
    reasons = policy.document.refusal.reasons
    assert [reason.clause for reason in reasons] == [clause for clause, _ in EIGHT_REASONS]
    for reason, (clause, words) in zip(reasons, EIGHT_REASONS, strict=True):
        assert words in reason.zh
        answer = check_refusal(policy, reason.code)
        assert (answer.listed, answer.explanation_owed, answer.clause) == (True, True, clause)


def test_a_reason_that_zhanjiang_does_not_list_still_owes_an_explanation() -> None:
    answer = check_refusal(prepared("zhanjiang-2024"), "too-old")
    assert (answer.listed, answer.explanation_owed, answer.clause) == (False, True, "四（四）")


def test_the_sample_has_no_list_of_reasons() -> None:
    answer = check_refusal(prepared("sample-city"), "emergency")
    assert (answer.listed, answer.explanation_owed) == (None, None)
    assert "填写理由" in answer.clause


def test_the_page_lists_every_warning_in_both_languages() -> None:
    page = (ROOT / "docs" / "spec" / "policy.md").read_text("utf-8").split("\n## Warnings\n")[1]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert rows == [(code, coded_warning(code).zh, coded_warning(code).en) for code in sorted(WARNING_CODES)]
