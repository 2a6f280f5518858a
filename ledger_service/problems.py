"""Every reason for which a request or a statement is refused (docs/spec/api.md, Problems)."""

from dataclasses import dataclass

from ledger_service import answer as wire

TYPE_PREFIX = "urn:huzheng:problem:"
DETAIL_CHARACTERS = 400


@dataclass(frozen=True)
class Problem:
    """A kind of refusal: its code, HTTP status and title; `retry` where the same bytes may be accepted later."""

    code: str
    status: int
    title: str
    retry: bool = False

    @property
    def type(self) -> str:
        """The RFC 9457 type."""
        return TYPE_PREFIX + self.code


class Refused(Exception):
    """Something was refused for a problem; `detail` says in one line what is wrong and what to do.

    It may quote what was sent, and is therefore cut short. `retry_after_seconds` is what `Retry-After` says where the
    whole request is refused for something that passes."""

    def __init__(self, problem: Problem, detail: str, retry_after_seconds: int = 1):
        line = " ".join(detail[: 4 * DETAIL_CHARACTERS].split())
        self.problem = problem
        self.retry_after_seconds = retry_after_seconds
        self.detail = line if len(line) <= DETAIL_CHARACTERS else line[: DETAIL_CHARACTERS - 1] + "…"
        super().__init__(f"{problem.code}: {self.detail}")

    def to_wire(self) -> wire.Problem:
        """The RFC 9457 problem."""
        problem = self.problem
        return wire.Problem(problem.type, problem.title, problem.status, self.detail, problem.retry)


MALFORMED_REQUEST = Problem("malformed-request", 400, "The request cannot be read")
TOO_LARGE = Problem("too-large", 413, "The request is too large")
WRONG_ORIGIN = Problem("wrong-origin", 409, "Another log is kept here")
UNAUTHORIZED = Problem("unauthorized", 401, "A token is needed")
CHALLENGE_REFUSED = Problem("challenge-refused", 401, "The challenge is not good any more")
NOT_PERMITTED = Problem("not-permitted", 403, "No rule lets this institution do that 无权限")
NOT_ERASABLE = Problem("not-erasable", 422, "This cannot be erased 不可删除")
HELD = Problem("held", 409, "Under a hold or a dispute 证据保全中")
RETAINED = Problem("retained", 409, "To be kept by a retention duty 保存期未满")
NOT_CONFIRMED = Problem("not-confirmed", 409, "Not confirmed as it was told 未确认")
SUBJECTS_MISSING = Problem("subjects-missing", 412, "It is not said which reports are meant 未给出报告标识")
REASON_NOT_LISTED = Problem("reason-not-listed", 422, "The policy does not list this reason 理由不在办法所列之内")
NOT_FOUND = Problem("not-found", 404, "There is no such thing here")
RATE_LIMITED = Problem("rate-limited", 429, "Too much in too short a time", retry=True)
BUSY = Problem("busy", 503, "Too much is waiting", retry=True)
NOT_READY = Problem("not-ready", 503, "Nothing can be promised now", retry=True)
INTERNAL = Problem("internal", 500, "Something broke on our side", retry=True)

MALFORMED_STATEMENT = Problem("malformed-statement", 400, "No well-formed entry")
MALFORMED_PART = Problem("malformed-part", 400, "No well-formed part")
DUPLICATE_KEY = Problem("duplicate-key", 400, "A part names a member twice")
FLOAT = Problem("float", 400, "A part holds a number that is not an integer")
CONTENT_MISMATCH = Problem("content-mismatch", 400, "The parts are not those that were signed")
WRONG_SIGNATURE = Problem("wrong-signature", 401, "Not signed by this key for this log")
WRONG_LOG = Problem("wrong-log", 401, "Signed for another log")
UNKNOWN_KIND = Problem("unknown-kind", 422, "Unknown kind of statement")
UNKNOWN_KEY = Problem("unknown-key", 403, "The registry does not know this key")
KEY_NOT_FINAL = Problem("key-not-final", 403, "The key's admission is not final yet", retry=True)
KEY_REVOKED = Problem("key-revoked", 403, "The key is frozen or revoked")
WRONG_INSTITUTION = Problem("wrong-institution", 403, "The key belongs to another institution")
INSTITUTION_SUSPENDED = Problem("institution-suspended", 403, "The institution is suspended", retry=True)
INSTITUTION_EXITED = Problem("institution-exited", 403, "The institution has left")
ROLE_MISSING = Problem("role-missing", 403, "No role of the institution may sign this kind")
SEQUENCE_GAP = Problem("sequence-gap", 409, "An earlier statement of this key is missing", retry=True)
SEQUENCE_FORK = Problem("sequence-fork", 409, "The number is taken by another statement of this key")
OBSERVED_UNKNOWN = Problem("observed-unknown", 409, "The observed head is not final here", retry=True)
OBSERVED_BACKWARDS = Problem("observed-backwards", 409, "The observed head is older than the one before")
ISSUED_IN_FUTURE = Problem("issued-in-future", 422, "Issued in the future", retry=True)
MISSING_PART = Problem("missing-part", 422, "A required part is missing")
INVALID_PART = Problem("invalid-part", 422, "A part has the wrong form")
INVALID_LINKS = Problem("invalid-links", 422, "The links are not those of this kind")
NOT_SAID_LATE = Problem("not-said-late", 422, "Recorded long after, and does not say so 补录未注明")
POLICY_DIFFERS = Problem("policy-differs", 422, "The policy has another digest 政策摘要不符")
NOT_SAID_KNOWINGLY = Problem("not-said-knowingly", 409, "Not the current version, and does not say so 非现行版本未注明")
LINK_UNKNOWN = Problem("link-unknown", 409, "A linked statement is not in the log", retry=True)
LINK_REFUSED = Problem("link-refused", 422, "A linked statement does not fit")
SUBJECT_TAKEN = Problem("subject-taken", 409, "The subject exists already")
SUBJECT_UNKNOWN = Problem("subject-unknown", 409, "The subject does not exist", retry=True)
NOT_OWNER = Problem("not-owner", 403, "The report is another institution's")
NOT_CURRENT = Problem("not-current", 409, "The replaced version is not the current one")
