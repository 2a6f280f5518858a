"""The committed ABI and bytecode are what the contracts compile to."""

from __future__ import annotations

import pytest

from scripts import build_contracts


@pytest.fixture(scope="module")
def fresh():
    return build_contracts.compile_contracts()


@pytest.mark.parametrize("contract", ["CheckpointWitness", "InstitutionRegistry"])
@pytest.mark.parametrize("member", ["contractName", "abi", "bytecode", "deployedBytecode", "compiler"])
def test_committed_artifact_is_a_fresh_compile(fresh, contract, member):
    committed = build_contracts.committed(contract)
    assert committed[member] == fresh[contract][member], "run scripts/build_contracts.py and commit the artifacts"


def test_no_other_artifact_is_committed(fresh):
    assert {path.stem for path in build_contracts.ARTIFACTS.glob("*.json")} == set(fresh)


def test_contracts_fit_the_code_size_limit(fresh):
    for contract, artifact in fresh.items():
        size = (len(artifact["deployedBytecode"]) - 2) // 2
        assert 0 < size <= 24_576, f"{contract} is {size} bytes; EIP-170 allows 24576"
