"""What the city's hospitals report: the documents of a folder, and a seeded stream of synthetic laboratory reports."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anchors.formats import Document, read_document

_ITEMS = (
    ("6690-2", "白细胞计数", "10*9/L", 3.5, 9.5, 2),
    ("789-8", "红细胞计数", "10*12/L", 4.3, 5.8, 2),
    ("718-7", "血红蛋白", "g/L", 130, 175, 0),
    ("777-3", "血小板计数", "10*9/L", 125, 350, 0),
    ("2345-7", "葡萄糖", "mmol/L", 3.9, 6.1, 1),
    ("1742-6", "丙氨酸氨基转移酶", "U/L", 9, 50, 0),
)
_FIRST_DAY = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


OF_FOLDER = "DOC-"
"""How the numbers of reports begin that stand in the folder, under the rest of the number."""


@dataclass(frozen=True)
class Report:
    """A document with the number under which its hospital files it."""

    number: str
    document: Document


def read_folder(folder: Path) -> list[Report]:
    """Every file below `folder`, read. Files that describe the folder (README) are no documents."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("README", ".")))
    return [
        Report(f"{OF_FOLDER}{path.relative_to(folder)}", read_document(path.read_bytes(), name=path.name))
        for path in files
    ]


def count_documents(reports: list[Report]) -> dict[str, dict[str, int]]:
    """Per format, how many could be parsed and of how many only the raw bytes are attested."""
    counts: Counter = Counter((report.document.format, report.document.parsed) for report in reports)
    formats = sorted({form for form, _ in counts})
    return {form: {"parsed": counts[form, True], "raw_only": counts[form, False]} for form in formats}


def synthetic_reports(seed: str) -> Iterator[Report]:
    """An endless stream of blood counts, as HL7 v2 messages; the same seed gives the same bytes."""
    chance = random.Random(f"reports {seed}")
    number = 0
    while True:
        number += 1
        report_number = f"SYN-2026-{number:08d}"
        raw = _message(report_number, chance, _FIRST_DAY + timedelta(minutes=7 * number)).encode("utf-8")
        yield Report(report_number, read_document(raw, name=f"{report_number}.hl7"))


def _message(number: str, chance: random.Random, taken: datetime) -> str:
    time = taken.strftime("%Y%m%d%H%M%S+0000")
    segments = [
        f"MSH|^~\\&|LIS|合成医院|HUZHENG|合成平台|{time}||ORU^R01^ORU_R01|{number}|T|2.5.1||||||UNICODE UTF-8",
        f"OBR|1||{number}|58410-2^血常规^LN|||{time}",
        "NTE|1|L|合成数据，非真实患者 SYNTHETIC, NO REAL PATIENT",
    ]
    for position, (code, name, unit, low, high, digits) in enumerate(_ITEMS, 1):
        value = chance.gauss((low + high) / 2, (high - low) / 4)
        flag = "L" if value < low else "H" if value > high else "N"
        segments.append(
            f"OBX|{position}|NM|{code}^{name}^LN||{value:.{digits}f}|{unit}|{low}-{high}|{flag}|||F|||{time}"
        )
    return "\r".join(segments) + "\r"
