"""Every problem stands on the page that a sender's programmer reads, and none stands there that does not exist."""

import re

from ledger_service import problems
from tests.architecture.tree import ROOT

ROW = re.compile(r"\| `([a-z-]+)` \| (\d+) \| (yes)? ?\|")
CODE = re.compile(r"`([a-z]+(?:-[a-z]+)*)`")
MEMBERS = {"type", "title", "status", "detail", "retry", "key", "instance", "traceparent"}


def test_the_page_lists_every_problem() -> None:
    known = {value.code: value for value in vars(problems).values() if isinstance(value, problems.Problem)}
    page = (ROOT / "docs" / "spec" / "api.md").read_text("utf-8").split("## Problems")[1].split("## Reading")[0]
    rows = {code: (int(status), retry) for code, status, retry in ROW.findall(page)}
    assert set(CODE.findall(page)) - MEMBERS == set(known)
    assert {code: (known[code].status, "yes" if known[code].retry else "") for code in rows} == rows
