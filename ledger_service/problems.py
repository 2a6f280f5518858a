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


MALFORMED_REQUEST = Problem("malformed-request", 400, "The request cannot be read 请求无法读取")
TOO_LARGE = Problem("too-large", 413, "The request is too large 请求过大")
WRONG_ORIGIN = Problem("wrong-origin", 409, "Another log is kept here 此处为另一日志")
UNAUTHORIZED = Problem("unauthorized", 401, "A token is needed 需要令牌")
CHALLENGE_REFUSED = Problem("challenge-refused", 401, "The challenge is not good any more 质询已失效")
NOT_PERMITTED = Problem("not-permitted", 403, "No rule lets this institution do that 无权限")
NOT_ERASABLE = Problem("not-erasable", 422, "This cannot be erased 不可删除")
HELD = Problem("held", 409, "Under a hold or a dispute 证据保全中")
RETAINED = Problem("retained", 409, "To be kept by a retention duty 保存期未满")
NOT_CONFIRMED = Problem("not-confirmed", 409, "Not confirmed as it was told 未确认")
SUBJECTS_MISSING = Problem("subjects-missing", 412, "It is not said which reports are meant 未给出报告标识")
REASON_NOT_LISTED = Problem("reason-not-listed", 422, "The policy does not list this reason 理由不在办法所列之内")
NOT_FOUND = Problem("not-found", 404, "There is no such thing here 此处无此内容")
RATE_LIMITED = Problem("rate-limited", 429, "Too much in too short a time 短时间内请求过多", retry=True)
BUSY = Problem("busy", 503, "Too much is waiting 等待处理者过多", retry=True)
NOT_READY = Problem("not-ready", 503, "Nothing can be promised now 暂不能承诺", retry=True)
INTERNAL = Problem("internal", 500, "Something broke on our side 本方故障", retry=True)

MALFORMED_STATEMENT = Problem("malformed-statement", 400, "No well-formed entry 条目格式不符")
MALFORMED_PART = Problem("malformed-part", 400, "No well-formed part 部分格式不符")
DUPLICATE_KEY = Problem("duplicate-key", 400, "A part names a member twice 部分中成员重复")
FLOAT = Problem("float", 400, "A part holds a number that is not an integer 部分含非整数")
CONTENT_MISMATCH = Problem("content-mismatch", 400, "The parts are not those that were signed 所附部分与签名不符")
WRONG_SIGNATURE = Problem("wrong-signature", 401, "Not signed by this key for this log 非该密钥为本日志所签")
WRONG_LOG = Problem("wrong-log", 401, "Signed for another log 为另一日志所签")
UNKNOWN_KIND = Problem("unknown-kind", 422, "Unknown kind of statement 未知的声明种类")
UNKNOWN_KEY = Problem("unknown-key", 403, "The registry does not know this key 注册表无此密钥")
KEY_NOT_FINAL = Problem("key-not-final", 403, "The key's admission is not final yet 密钥登记尚未终局", retry=True)
KEY_REVOKED = Problem("key-revoked", 403, "The key is frozen or revoked 密钥已冻结或吊销")
WRONG_INSTITUTION = Problem("wrong-institution", 403, "The key belongs to another institution 密钥属于另一机构")
INSTITUTION_SUSPENDED = Problem("institution-suspended", 403, "The institution is suspended 机构已暂停", retry=True)
INSTITUTION_EXITED = Problem("institution-exited", 403, "The institution has left 机构已退出")
ROLE_MISSING = Problem("role-missing", 403, "No role of the institution may sign this kind 机构无签此种类之角色")
SEQUENCE_GAP = Problem(
    "sequence-gap", 409, "An earlier statement of this key is missing 缺该密钥较早的声明", retry=True
)
SEQUENCE_FORK = Problem(
    "sequence-fork", 409, "The number is taken by another statement of this key 序号已被另一声明占用"
)
OBSERVED_UNKNOWN = Problem(
    "observed-unknown", 409, "The observed head is not final here 所见头部在此尚未终局", retry=True
)
OBSERVED_BACKWARDS = Problem(
    "observed-backwards", 409, "The observed head is older than the one before 所见头部早于前一声明"
)
ISSUED_IN_FUTURE = Problem("issued-in-future", 422, "Issued in the future 签发时间在将来", retry=True)
MISSING_PART = Problem("missing-part", 422, "A required part is missing 缺必需部分")
INVALID_PART = Problem("invalid-part", 422, "A part has the wrong form 部分形式不符")
INVALID_LINKS = Problem("invalid-links", 422, "The links are not those of this kind 链接与该种类不符")
NOT_SAID_LATE = Problem("not-said-late", 422, "Recorded long after, and does not say so 补录未注明")
POLICY_DIFFERS = Problem("policy-differs", 422, "The policy has another digest 政策摘要不符")
NOT_SAID_KNOWINGLY = Problem("not-said-knowingly", 409, "Not the current version, and does not say so 非现行版本未注明")
LINK_UNKNOWN = Problem("link-unknown", 409, "A linked statement is not in the log 所链声明不在日志中", retry=True)
LINK_REFUSED = Problem("link-refused", 422, "A linked statement does not fit 所链声明不合")
ORIGIN_UNKNOWN = Problem("origin-unknown", 422, "No trust file names this log 无该日志的信任文件")
PROOF_MALFORMED = Problem("proof-malformed", 422, "The other log's proof cannot be read 外地证明无法读取")
ORIGINAL_DIFFERS = Problem("original-differs", 422, "The proof is of something else 证明与所链声明不符")
PROOF_FAILS = Problem("proof-fails", 422, "The other log's proof does not hold 外地证明不成立")
ORIGINAL_KEY_UNKNOWN = Problem("original-key-unknown", 422, "The trust file does not know a key 信任文件中无该密钥")
SUBJECT_RESERVED = Problem("subject-reserved", 422, "The subject is that of an import 主题为引入报告所保留")
SUBJECT_TAKEN = Problem("subject-taken", 409, "The subject exists already 主题已存在")
SUBJECT_UNKNOWN = Problem("subject-unknown", 409, "The subject does not exist 主题不存在", retry=True)
NOT_OWNER = Problem("not-owner", 403, "The report is another institution's 报告属于另一机构")
NOT_CURRENT = Problem("not-current", 409, "The replaced version is not the current one 所替版本非现行版本")
