"""The month's figures: counted by the command, published by the health commission, counted again from the log."""

import calendar
import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from typing import Any

from anchors.core.encoding import encode_hex
from scripts.city.acts import ZONE, Act
from scripts.city.founding import Institution, derive_secret
from scripts.city.service import HUZHENG

Publish = Callable[[Act], bytes]
"""Signs and sends an act, and gives its statement id."""


class MonthlyFigures:
    """Of the ledger in a database."""

    def __init__(self, database: str, environment: dict[str, str]):
        self._database = database
        self._environment = environment

    def publish(self, seed: str, commission: Institution, publish: Publish) -> bool:
        """Publish this month's, and whether counting again gives the same."""
        now = datetime.now(ZONE)
        month = now.strftime("%Y-%m")
        last = calendar.monthrange(now.year, now.month)[1]
        counted = self._stats("--since", f"{month}-01", "--until", f"{month}-{last:02d}")
        part = counted["statistics"]
        name = f"figures/{month}"
        subject = derive_secret(seed, name)
        act = Act(name, 0, commission, "statistics.published", subject, parts={"statistics": part})
        return self._stats("--check", encode_hex(publish(act)))["check"] == "ok"

    def _stats(self, *arguments: str) -> dict[str, Any]:
        command = [HUZHENG, "stats", "--database", self._database, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise FiguresFailed((done.stderr.strip() or f"exit status {done.returncode}")[-2_000:]) from None


class FiguresFailed(Exception):
    """Nothing could be counted; the message says why."""
