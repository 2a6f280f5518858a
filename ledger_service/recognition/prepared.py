"""A policy, compiled once for any number of decisions."""

from datetime import date, timedelta, timezone
from typing import NamedTuple

from ledger_service.recognition.decision import Finding
from ledger_service.recognition.policy import Caveat, ItemWindow, PolicyDocument, Window
from ledger_service.recognition.scope import CompiledScope
from ledger_service.recognition.warnings import WARNING_CODES, CodedWarning, coded_warning


class Rule(NamedTuple):
    """A rule by its name and clause, with its findings made ready."""

    name: str
    clause: str
    yes: Finding
    no: Finding


class OpenWindow(NamedTuple):
    """A window, and the warning for what lies outside it."""

    days: int
    warning: CodedWarning


class OpenCaveat(NamedTuple):
    """A caveat, and the warning that it gives."""

    category: str
    modalities: frozenset[str]
    warning: CodedWarning


class Prepared:
    """What `decide` reads of a policy. Days are proleptic Gregorian ordinals; rules that the policy lacks are None.

    Nothing in it changes after it is made.
    """

    def __init__(self, document: PolicyDocument) -> None:
        self.document = document
        self.zone = _zone(document.zone)
        self.warnings = _warnings(document)

        self.in_force = _rule("in-force", document.in_force)
        self.days_in_force = _days_in_force(document)
        self.area = _named_rule("area", document.area_clause)
        self.place = next((area.level, frozenset(area.places)) for area in document.areas if area.id == document.area)

        listed = document.categories
        self.other_categories = _named_rule("category", listed.clause)
        self.categories = {category.id: self.other_categories.yes for category in listed.included}
        self.categories |= {category.id: _named_rule("category", category.clause).no for category in listed.excluded}
        self.category_windows = {
            category.id: _window(category.window) for category in listed.included if category.window
        }
        self.item_windows = {item.item: _window(item) for item in document.items}
        self.caveats = tuple(map(_caveat, document.caveats))
        self.excluded_parts = {part.id: _named_rule("part", part.clause) for part in document.excluded_parts}
        self.catalogue = _rule("catalogue", document.catalogue)

        scopes = sorted(document.scopes, key=lambda scope: scope.id)
        self.scopes = tuple(
            (_named_rule(f"scope:{scope.id}", scope.clause), CompiledScope(document, scope)) for scope in scopes
        )
        self.qualification = _rule("qualification", document.qualification)
        self.evaluation_months = document.qualification.months if document.qualification else None
        self.marks = _marks(document)
        self.physical = _rule("physical", document.physical)

        reasons = document.refusal.reasons if document.refusal else None
        self.reasons = None if reasons is None else {reason.code: reason for reason in reasons}


def prepare(document: PolicyDocument) -> Prepared:
    """Compile a policy."""
    return Prepared(document)


def _named_rule(name: str, clause: str) -> Rule:
    return Rule(name, clause, Finding(name, clause, "yes"), Finding(name, clause, "no"))


def _rule(name: str, form) -> Rule | None:
    return None if form is None else _named_rule(name, form.clause)


def _zone(text: str) -> timezone:
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _days_in_force(document: PolicyDocument) -> range:
    if document.in_force is None:
        return range(0)
    last = document.in_force.last or date.max
    return range(document.in_force.first.toordinal(), last.toordinal() + 1)


def _window(window: Window | ItemWindow) -> OpenWindow:
    return OpenWindow(window.days, coded_warning("outside-window", window.clause))


def _caveat(caveat: Caveat) -> OpenCaveat:
    warning = CodedWarning(f"caveat:{caveat.id}", caveat.clause, caveat.zh, caveat.en)
    return OpenCaveat(caveat.category, frozenset(caveat.modalities), warning)


def _marks(document: PolicyDocument) -> dict[str, frozenset[str]]:
    """The places that each mark names."""
    places = {area.id: frozenset(area.places) for area in document.areas}
    return {mark.text: places[mark.area] for mark in document.qualification.marks} if document.qualification else {}


def _warnings(document: PolicyDocument) -> dict[str, CodedWarning]:
    """Every warning by its code, with the clause of this policy where it rests on one."""
    rules = {
        "emergency": document.emergency,
        "incomplete": document.complete,
        "not-in-catalogue": document.catalogue,
        "policy-not-in-force": document.in_force,
    }
    rules |= dict.fromkeys(("film", "paper", "physical-although-connected"), document.physical)
    rules |= dict.fromkeys(_OF_QUALIFICATION, document.qualification)
    return {code: coded_warning(code, rule.clause if (rule := rules.get(code)) else "") for code in WARNING_CODES}


_OF_QUALIFICATION = (
    "evaluation-overdue",
    "mark-missing",
    "mark-other-area",
    "mark-without-qualification",
    "not-qualified",
    "outside-qualification-scope",
    "qualification-lapsed",
    "qualification-revoked",
    "qualification-suspended",
)
