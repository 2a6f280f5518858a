"""Wires the fixtures of tests/fixtures, and the Hypothesis profiles."""

import os

from hypothesis import HealthCheck, settings

from tests.fixtures.examples import THOROUGH

pytest_plugins = [
    "tests.fixtures.chain",
    "tests.fixtures.postgres",
    "tests.fixtures.store",
    "tests.fixtures.ledger",
    "tests.fixtures.workers",
]

# readline, which pytest loads, writes a size of the terminal into the environment that workers and programs inherit.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)
    os.unsetenv(_name)

# No deadlines anywhere: a busy machine must not fail a test. CI always tries the same examples, but where it is told
# to be thorough.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("thorough" if THOROUGH else "ci" if os.environ.get("CI") == "true" else "local")
