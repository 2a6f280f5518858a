"""The documents that the tests read: the project's samples, and a folder of others' where HUZHENG_SAMPLES names one."""

import os
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples"
FORMAT_OF_FOLDER = {"fhir": "fhir-json", "hl7v2": "hl7v2", "cda": "cda", "dicom": "dicom", "pdf": "pdf"}


def folders() -> list[Path]:
    other = os.environ.get("HUZHENG_SAMPLES")
    return [SAMPLES, Path(other)] if other else [SAMPLES]


def documents() -> list[Path]:
    return sorted(path for folder in folders() for name in FORMAT_OF_FOLDER for path in (folder / name).glob("*"))


def sample(path: str) -> bytes:
    return (SAMPLES / path).read_bytes()
