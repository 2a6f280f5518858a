"""Wires the fixtures of tests/fixtures, and the Hypothesis profiles."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures.chain",
    "tests.fixtures.postgres",
    "tests.fixtures.store",
    "tests.fixtures.ledger",
    "tests.fixtures.workers",
]

# No deadlines anywhere: a busy machine must not fail a test. CI always tries the same examples.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")
