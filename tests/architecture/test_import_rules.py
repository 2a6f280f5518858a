"""The import rules of pyproject.toml bite: each violation, put into a tree of stubs, is refused by its rule."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, text_of

MODULES = [
    "anchors/__init__.py",
    "anchors/core/__init__.py",
    "anchors/core/merkle.py",
    "anchors/chain/__init__.py",
    "anchors/chain/port.py",
    "anchors/formats/__init__.py",
    "anchors/evidence/__init__.py",
    "anchors/evidence/log.py",
    "ledger_service/__init__.py",
    "ledger_service/audit_page/__init__.py",
    "ledger_service/audit_page/make.py",
    "ledger_service/certificate/__init__.py",
    "ledger_service/certificate/make.py",
    "ledger_service/http/__init__.py",
    "ledger_service/storage/__init__.py",
    "ledger_service/monitor/__init__.py",
    "ledger_service/cosigner/__init__.py",
    "ledger_service/workers/__init__.py",
    "ledger_service/usecases/__init__.py",
    "ledger_service/usecases/submit.py",
    "ledger_service/client/__init__.py",
    "ledger_service/client/compose.py",
    "ledger_service/fhir/__init__.py",
    "ledger_service/fhir/inward.py",
    "ledger_service/storage/reader.py",
    "ledger_service/app.py",
    "ledger_service/cli.py",
]
ALLOWED = {
    "ledger_service/cli.py": "import ledger_service.app, anchors.chain",
    "ledger_service/app.py": "import ledger_service.http, ledger_service.storage, ledger_service.workers, fastapi",
    "ledger_service/storage/__init__.py": "import ledger_service.usecases, sqlalchemy",
    "ledger_service/usecases/submit.py": "import anchors.core",
    "ledger_service/http/__init__.py": "import ledger_service.fhir",
    "ledger_service/fhir/__init__.py": "import ledger_service.client",
    "anchors/chain/port.py": "import anchors.core.merkle, web3, os",
    "anchors/core/merkle.py": "import hashlib, dataclasses",
}
VIOLATIONS = [
    ("anchors/core/merkle.py", "import anchors.chain", "Dependencies point one way"),
    ("anchors/chain/port.py", "import anchors.formats", "Dependencies point one way"),
    ("anchors/evidence/log.py", "import anchors.chain", "Dependencies point one way"),
    ("anchors/evidence/log.py", "import time", "A package is judged without network"),
    ("ledger_service/certificate/make.py", "import time", "A certificate and an audit's page are functions"),
    ("ledger_service/audit_page/make.py", "import time", "A certificate and an audit's page are functions"),
    ("ledger_service/audit_page/__init__.py", "import ledger_service.storage", "Dependencies point one way"),
    ("ledger_service/usecases/submit.py", "import ledger_service.storage", "Dependencies point one way"),
    ("ledger_service/http/__init__.py", "import ledger_service.storage", "Dependencies point one way"),
    ("ledger_service/workers/__init__.py", "def f():\n    import ledger_service.http", "Dependencies point one way"),
    ("ledger_service/client/__init__.py", "import ledger_service.usecases", "Dependencies point one way"),
    ("ledger_service/fhir/__init__.py", "import ledger_service.http", "Dependencies point one way"),
    ("ledger_service/monitor/__init__.py", "import ledger_service.storage", "Dependencies point one way"),
    ("ledger_service/usecases/submit.py", "import ledger_service.cosigner", "Dependencies point one way"),
    ("ledger_service/usecases/submit.py", "import ledger_service.client.compose", "The service's inside knows nothing"),
    ("ledger_service/storage/reader.py", "import ledger_service.fhir.inward", "The service's inside knows nothing"),
    ("ledger_service/storage/__init__.py", "import ledger_service.app", "Dependencies point one way"),
    ("anchors/formats/__init__.py", "import ledger_service.usecases", "The library knows no service"),
    ("anchors/chain/port.py", "import httpx", "The library knows no service"),
    ("anchors/core/merkle.py", "import sqlalchemy", "The library knows no service"),
    ("anchors/core/merkle.py", "from web3 import Web3", "The core takes bytes and gives values"),
    ("anchors/core/merkle.py", "import os", "The core takes bytes and gives values"),
    ("anchors/core/merkle.py", "from urllib.request import urlopen", "The core takes bytes and gives values"),
    ("ledger_service/app.py", "from scripts.local_chain import LocalChain", "What is installed needs nothing"),
]


def _judge(tree: Path, modules: list[str], lines: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name in modules:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(lines.get(name, "") + "\n")
    (tree / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, env={"COLUMNS": "200"})


def _broken_rules(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.endswith("BROKEN")]


@pytest.mark.parametrize("modules", [MODULES, ["anchors/__init__.py", "anchors/core/__init__.py", MODULES[8]]])
def test_what_is_allowed_passes(tmp_path: Path, modules: list[str]) -> None:
    done = _judge(tmp_path, modules, ALLOWED)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("module", "line", "rule"), VIOLATIONS)
def test_what_is_forbidden_is_refused(tmp_path: Path, module: str, line: str, rule: str) -> None:
    done = _judge(tmp_path, MODULES, ALLOWED | {module: f"{ALLOWED.get(module, '')}\n{line}"})
    assert done.returncode == 1, done.stdout
    assert any(broken.startswith(rule) for broken in _broken_rules(done.stdout)), done.stdout


def test_the_page_shows_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    named = [[part.strip(" ()\n").removeprefix("ledger_service.") for part in layer.split("|")] for layer in layers]
    shown = "\n".join(" | ".join(parts) for parts in named)
    assert f"```\n{shown}\n```" in text_of(Path("docs/ARCHITECTURE.md"))
