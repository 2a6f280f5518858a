"""The growth as a picture: what a proof, a statement on the disk, integration and accepting cost at each size."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from scripts.benchmark.growth import AtSize
from scripts.benchmark.scoreboard import INGEST_RATIO, PROOF_MS, STATEMENT_BYTES

# Lines differ in dash and mark as well as in colour, which not everybody can tell apart.
FIRST = {"color": "#0b5fa5", "marker": "o"}
SECOND = {"color": "#b3541e", "marker": "s", "linestyle": "--"}
LIMIT = {"color": "#444444", "linestyle": ":", "linewidth": 1.5}


def draw_growth(file: Path, growth: Sequence[AtSize]) -> None:
    """Write it as SVG; the same figures give the same file."""
    matplotlib.rcParams |= {"svg.hashsalt": "huzheng", "svg.fonttype": "none"}
    figure, panels = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    sizes = [size.leaves for size in growth]
    _proofs(panels[0][0], growth, sizes)
    disk = [size.bytes_per_statement for size in growth]
    _panel(panels[0][1], "disk a statement, bytes without content", sizes, disk, "bytes", STATEMENT_BYTES)
    integrated = [size.integration.leaves_per_s for size in growth]
    _panel(panels[1][0], "integrated, leaves a second", sizes, integrated, "leaves a second", None)
    sent = [size for size in growth if size.ingest is not None]
    ratios = [size.ingest.speed.ratio for size in sent]
    title = "accepted, beside recovery on one core"
    _panel(panels[1][1], title, [size.leaves for size in sent], ratios, "ratio", INGEST_RATIO)
    for panel in panels.flat:
        panel.set_xlabel("statements in the log")
        panel.set_xscale("log")
        panel.set_ylim(0, 1.15 * max(max(line.get_ydata()) for line in panel.lines))
        panel.yaxis.set_major_formatter("{x:,g}")
        panel.grid(alpha=0.3)
        panel.legend()
    figure.savefig(file, format="svg", metadata={"Date": None, "Title": "What it costs as the log grows"})
    plt.close(figure)


def _proofs(panel: Axes, growth: Sequence[AtSize], sizes: list[int]) -> None:
    panel.set_title("a proof, 99th percentile, ms")
    panel.plot(sizes, [size.proofs.p99_ms for size in growth], label="database in memory", **FIRST)
    panel.plot(sizes, [size.proofs_from_disk.p99_ms for size in growth], label="all of it on the disk", **SECOND)
    panel.axhline(PROOF_MS, label="limit", **LIMIT)


def _panel(panel: Axes, title: str, sizes: list[int], values: list[float], name: str, limit: float | None) -> None:
    panel.set_title(title)
    panel.plot(sizes, values, label=name, **FIRST)
    if limit is not None:
        panel.axhline(limit, label="limit", **LIMIT)
