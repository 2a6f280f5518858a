"""The scoreboard, run small: every figure is there and is one, and what is not met is said in words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmark.processes import MemoryWatch, running_processes, tree_of
from scripts.benchmark.scoreboard import at_least, at_most
from scripts.benchmark.writing import BEGIN, END
from scripts.bootstrap import ROOT
from tests.fixtures.availability import missing

pytestmark = pytest.mark.alone  # its windows are of a fifth of a second

OPTIONS = ["--json", "--database", "sqlite", "--leaves", "1000", "--streams", "4", "--windows", "1"]
QUICK = ["--seconds", "0.2", "--batch", "20", "--processes", "1"]
POSITIVE = """
    recover_per_s sha256_per_s flush_per_s sqlite_rows_per_s ingest_per_s_sqlite ingest_ratio_sqlite single_per_s_sqlite
    single_ratio_sqlite service_peak_mb service_peak_mb_sqlite service_process_peak_mb_sqlite bytes_per_statement
    bytes_per_statement_sqlite gas_per_statement_256 gas_head_2_20 integrate_per_s proof_growth_1e2_1e3
    proof_from_disk_growth_1e2_1e3 statistics_seconds_1e3 statistics_cpu_seconds_1e3 statistics_peak_mb
    evidence_verify_ms_100 audit_ratio_full audit_ratio_log audit_entries audit_memory_mib audit_process_memory_mib
"""
POSITIVE_AT_EACH_SIZE = (
    "proof_p50_ms proof_p99_ms proof_from_disk_p99_ms integrate_per_s bytes_per_statement service_mb"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    """The figures of a small run, and the folder with its page and its chart."""
    if not (ROOT / "node_modules").is_dir():
        missing("the local chain does not start here: run scripts/test, which sets it up")
    folder = tmp_path_factory.mktemp("bench")
    (folder / "page.md").write_text(f"# Before\n\n{BEGIN}\nan older table\n{END}\n\nAfter\n")
    pages = ["--markdown", str(folder / "page.md"), "--chart", str(folder / "chart.svg")]
    command = [sys.executable, "-m", "scripts.benchmark", *OPTIONS, *QUICK, *pages]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.strip().splitlines()[-1]), folder


def test_every_figure_is_there_and_positive(run: tuple[dict, Path]) -> None:
    figures, _ = run
    names = POSITIVE.split() + [f"{name}_{size}" for name in POSITIVE_AT_EACH_SIZE.split() for size in ("1e2", "1e3")]
    assert {name: figures.get(name) for name in names if not figures.get(name, 0) > 0} == {}
    assert figures["cpu_us_sqlite"]["api"] > 0


def test_the_page_has_the_table_and_nothing_else_changed(run: tuple[dict, Path]) -> None:
    page = (run[1] / "page.md").read_text("utf-8")
    assert page.startswith(f"# Before\n\n{BEGIN}\n") and page.endswith(f"\n{END}\n\nAfter\n")
    assert "an older table" not in page
    assert "| accepted, sqlite, batches of 20, 4 connections |" in page
    assert "| at least 0.7 | " in page
    assert "](chart.svg)" in page


def test_the_chart_is_a_picture(run: tuple[dict, Path]) -> None:
    chart = (run[1] / "chart.svg").read_text("utf-8")
    assert "<svg" in chart and chart.rstrip().endswith("</svg>")


def test_a_page_without_marks_is_refused_at_once(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks")
    command = [sys.executable, "-m", "scripts.benchmark", "--markdown", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 1
    assert BEGIN in done.stderr


def test_a_limit_is_met_or_not() -> None:
    assert at_least(0.7, 0.7)["verdict"] == at_most(2.0, 2.0)["verdict"] == "met"
    assert at_least(0.69, 0.7)["verdict"] == at_most(2.01, 2.0)["verdict"] == "NOT MET"


def test_memory_is_that_of_the_whole_tree() -> None:
    hold = "import sys; held = b'x' * 50_000_000; print('held', flush=True); sys.stdin.read()"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    parent = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        parent.stdout.readline()
        assert len(tree_of(parent.pid, running_processes())) == 2
        watch = MemoryWatch(parent.pid)
        watch.look()
        assert watch.process_mb > 47, "the child's memory counts"
        assert watch.tree_mb > 47
    finally:
        parent.stdin.close()
        parent.wait()
