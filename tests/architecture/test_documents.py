"""Documents: decisions are numbered and short, and every link leads somewhere."""

import re
from pathlib import Path

from tests.architecture.tree import ROOT, text_of, tracked

DECISION_LINES = 80
DECISION_NAME = re.compile(r"\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(<?([^)\s>]+)>?[^)\n]*\)|^\[[^\]\n]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def broken_links(file: Path, text: str) -> list[str]:
    """The relative links of a Markdown text that lead to no file, or to no heading of it."""
    targets = [match[1] or match[2] for match in LINK.finditer(CODE.sub("", text))]
    return [target for target in targets if not _leads_somewhere(file, text, target)]


def _leads_somewhere(file: Path, text: str, target: str) -> bool:
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return True  # of another place: not for a test without a network
    name, _, heading = target.partition("#")
    path = (ROOT / file).parent / name if name else ROOT / file
    if not path.exists() or ROOT not in path.resolve().parents:
        return False
    if not heading or path.suffix != ".md":
        return True
    return heading in headings(text if not name else path.read_text(encoding="utf-8"))


def headings(text: str) -> set[str]:
    """The names by which a link may call the headings of a Markdown text, as code hosts make them."""
    names: set[str] = set()
    for match in HEADING.finditer(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "").replace("*", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        unique, again = name, 0
        while unique in names:
            again += 1
            unique = f"{name}-{again}"
        names.add(unique)
    return names


def faults_of_decisions(decisions: dict[str, str]) -> list[str]:
    """What is wrong with a folder of decisions, given as name to text."""
    faults = [f"{name}: name it NNNN-what-it-decides.md" for name in decisions if not DECISION_NAME.fullmatch(name)]
    numbers = [name[:4] for name in decisions]
    faults += [f"{name}: another decision has this number" for name in decisions if numbers.count(name[:4]) > 1]
    for name, text in decisions.items():
        if len(text.splitlines()) > DECISION_LINES:
            faults.append(f"{name}: longer than {DECISION_LINES} lines")
        if not text.startswith("# "):
            faults.append(f"{name}: does not begin with a title")
    return faults


def test_links_lead_somewhere() -> None:
    found = {str(file): broken for file in tracked(".md") if (broken := broken_links(file, text_of(file) or ""))}
    assert not found, f"mend these links: {found}"


def test_decisions_are_numbered_and_short() -> None:
    folder = Path("docs/adr")
    files = [file for file in tracked(".md") if file.parent == folder and file.name != "README.md"]
    assert faults_of_decisions({file.name: text_of(file) or "" for file in files}) == []


def test_broken_links_are_caught() -> None:
    page = Path("docs/spec/README.md")
    text = (
        "# The log\n[a](nowhere.md) [b](README.md) [c](#the-log) [d](#no-such) `[e](code.md)` [f](https://x.example/y)"
    )
    assert broken_links(page, text) == ["nowhere.md", "#no-such"]
    assert broken_links(page, "[up](../../../elsewhere.md)") == ["../../../elsewhere.md"]


def test_faulty_decisions_are_caught() -> None:
    good = "# Title\n"
    assert faults_of_decisions({"0001-one-log.md": good, "0002-two-keys.md": good}) == []
    assert len(faults_of_decisions({"one-log.md": good})) == 1
    assert len(faults_of_decisions({"0001-one-log.md": good, "0001-two-keys.md": good})) == 2
    assert len(faults_of_decisions({"0001-one-log.md": good + "x\n" * DECISION_LINES})) == 1
    assert len(faults_of_decisions({"0001-one-log.md": "text\n"})) == 1
