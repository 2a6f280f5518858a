"""What the result rests on, what is never proved, and how anybody judges again."""

from collections.abc import Sequence

from reportlab.platypus import Flowable, Spacer

from ledger_service.certificate.cover import Beliefs
from ledger_service.certificate.layout import CHINESE, DIGEST, ENGLISH, Builder
from ledger_service.certificate.verdict import Both, Verdict
from ledger_service.certificate.words import clip
from ledger_service.shown import Words

_RESTS_ON = Words(
    "以下任何一项不属实时，上述结果可能不成立。",
    "If any of these were false, the result above might be wrong.",
)
_NEVER = Words("本证书在任何情况下都不证明：", "Whatever the result, this certificate never proves:")
_AGAIN = Words(
    "任何人都可以离线复核，无须信任账本运营方，也无须连接网络。信任文件须从您所信任的人处取得；其摘要应与封面一致，"
    "否则结果可能不同。",
    "Anybody can judge again, offline, without trusting the operator of the log. Get the trust file from somebody you "
    "trust; its digest should be the one on the cover, or the result may be another.",
)
_COMMANDS: Sequence[tuple[Words, str]] = (
    (
        Words("1. 核对证据包的摘要（应与本页页脚一致）", "1. Compare the package's digest with the foot of this page"),
        "sha256sum case.zip",
    ),
    (Words("2. 核对信任文件的摘要", "2. Compare the trust file's digest with the cover"), "sha256sum trust.json"),
    (Words("3. 安装核验程序", "3. Install the verifier"), "python3 -m pip install 'huzheng[certificate]'"),
    (
        Words("4. 离线核验（退出状态 0 为通过）", "4. Judge, offline (exit status 0: it holds)"),
        "huzheng verify case.zip --trust trust.json",
    ),
    (
        Words("5. 重新生成本证书", "5. Make this certificate again"),
        "huzheng certificate case.zip --trust trust.json -o certificate.pdf",
    ),
    (
        Words(
            "6. 复算单个原件的两个摘要（证据包是普通 ZIP 文件）",
            "6. Compute a document's digests (the package is a plain ZIP file)",
        ),
        "unzip -p case.zip documents/DIGEST | openssl dgst -sha256\nunzip -p case.zip documents/DIGEST | openssl "
        "dgst -sm3",
    ),
)


def rests_on(build: Builder, verdict: Verdict) -> list[Flowable]:
    """What would have to be false for the verdict to be wrong."""
    heading = build.heading("rests-on", Words("七、结果的前提", "7  What the result rests on"))
    return [*heading, *build.paragraph(_RESTS_ON), *_list(build, verdict.rests_on)]


def never_proved(build: Builder, verdict: Verdict) -> list[Flowable]:
    """What is never among the claims."""
    heading = build.heading("never-proved", Words("八、不证明的事项", "8  What is never proved"))
    return [*heading, *build.paragraph(_NEVER), *_list(build, verdict.never_proved)]


def verify_again(build: Builder, beliefs: Beliefs) -> list[Flowable]:
    """The commands."""
    flowables = build.heading("again", Words("九、如何自行核验", "9  How to verify it oneself")) + build.paragraph(
        _AGAIN
    )
    for words, command in _COMMANDS:
        flowables.append(build.text((words.zh, CHINESE), (words.en, ENGLISH), (command, DIGEST)))
        flowables.append(Spacer(1, 6))
    return flowables


def _list(build: Builder, items: Sequence[Both]) -> list[Flowable]:
    flowables: list[Flowable] = []
    for number, item in enumerate(items, 1):
        flowables.append(build.text((f"{number}. {clip(item.zh, 800)}", CHINESE), (clip(item.en, 800), ENGLISH)))
        flowables.append(Spacer(1, 4))
    return flowables
