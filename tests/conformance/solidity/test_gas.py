"""A head moves for at most 110,000 gas, by the receipt of a chain (docs/adr/0001-where-the-gas-goes.md)."""

from __future__ import annotations

import pytest

from scripts.measure_gas import MOVES, measure

GAS_BOUND = 110_000


@pytest.mark.parametrize(("old_size", "new_size"), MOVES)
def test_a_second_head_stays_within_the_bound(old_size, new_size):
    hashes, gas, parts = measure(old_size, new_size)
    print(f"{old_size:,} -> {new_size:,}: {hashes} hashes, {gas:,} gas")
    assert gas <= GAS_BOUND
    assert sum(parts.values()) == gas
    assert min(parts.values()) >= 0, parts
