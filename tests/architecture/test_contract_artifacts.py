"""The committed ABI and bytecode are what the contracts compile to."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_builder():
    spec = importlib.util.spec_from_file_location("build_contracts", ROOT / "scripts" / "build_contracts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def builder():
    return load_builder()


@pytest.fixture(scope="module")
def fresh(builder):
    return builder.compile_contracts()


@pytest.mark.parametrize("contract", ["CheckpointWitness", "InstitutionRegistry"])
@pytest.mark.parametrize("member", ["contractName", "abi", "bytecode", "deployedBytecode", "compiler"])
def test_committed_artifact_is_a_fresh_compile(builder, fresh, contract, member):
    committed = builder.committed(contract)
    assert committed[member] == fresh[contract][member], "run scripts/build_contracts.py and commit the artifacts"


def test_no_other_artifact_is_committed(builder, fresh):
    assert {path.stem for path in builder.ARTIFACTS.glob("*.json")} == set(fresh)


def test_contracts_fit_the_code_size_limit(fresh):
    for contract, artifact in fresh.items():
        size = (len(artifact["deployedBytecode"]) - 2) // 2
        assert 0 < size <= 24_576, f"{contract} is {size} bytes; EIP-170 allows 24576"
