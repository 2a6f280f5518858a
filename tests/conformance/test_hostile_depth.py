"""Deeply nested JSON must be refused, not end the process.

JSON decoders in C recurse. Python's recursion limit guards their stack, but importing web3 or eth-account raises that
limit to 100,000 (py_ecc does it), far beyond what a stack of 8 MiB holds. Each case therefore runs in a process of
its own, as a service or command that has web3 imported.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.vectors import SPEC_VECTORS, files_of

HOSTILE_DEPTH = "depth-30000"
DECODE = """
import json, sys
import web3
from anchors import MalformedInput
from anchors.core import canonical
data = bytes.fromhex(json.load(open(sys.argv[1]))["input"]["bytes"])
try:
    canonical.decode(data * int(sys.argv[2]), 2**20)
except MalformedInput as error:
    sys.exit(0 if str(error) and "\\n" not in str(error) else "the message is empty or has two lines")
sys.exit("was not refused")
"""


def decode_in_a_process(file: Path, times: int) -> subprocess.CompletedProcess[str]:
    """Decode a vector's bytes, so many times over, where web3 is imported."""
    arguments = [sys.executable, "-c", DECODE, str(file), str(times)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, cwd=SPEC_VECTORS.parents[2])


HOSTILE = [file for file in files_of("canonical") if file.stem.startswith(HOSTILE_DEPTH)]


@pytest.mark.parametrize("file", HOSTILE, ids=[file.stem for file in HOSTILE])
def test_depth_is_refused(file: Path) -> None:
    done = decode_in_a_process(file, 1)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}"


def test_depth_of_a_mebibyte_is_refused() -> None:
    done = decode_in_a_process(SPEC_VECTORS / "canonical" / "depth-30000-unclosed.json", 30)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}"
