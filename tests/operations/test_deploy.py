"""What is in deploy/ agrees with the service: settings, metrics, alerts, files. Where a tool that judges such a file is
installed, it does so; deploy/README.md says what was really run."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger_service.settings import Settings
from scripts.qbft_genesis import make_network
from tests.architecture.tree import ROOT, text_of, tracked
from tests.fixtures.availability import left_out
from tests.fixtures.ledger import Ledger
from tests.operations.tools import installed

DEPLOY = ROOT / "deploy"
FOREIGN_METRICS = {"up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_timex_sync_status"} | {
    "node_timex_offset_seconds"
}
METRIC = re.compile(r"\b(?:huzheng|node)_[a-z_]+")
UNITS = ("huzheng-api.service", "huzheng-anchorer.service")


def compose() -> dict[str, Any]:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def alerts() -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[str]:
    """Every PromQL expression of alerts and dashboard."""
    dashboard = json.loads((DEPLOY / "grafana" / "huzheng.json").read_text("utf-8"))
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(shown) > 25
    return shown + [alert["expr"] for alert in alerts()]


def test_every_variable_is_a_setting() -> None:
    known = {f"HUZHENG_{name.upper()}" for name in Settings.model_fields}
    files = [file for file in tracked(*{path.suffix for path in DEPLOY.rglob("*")}) if file.parts[0] == "deploy"]
    used = {name for file in files for name in re.findall(r"HUZHENG_[A-Z_]+", text_of(file) or "")}
    assert len(used) > 10 and used <= known


def test_every_metric_exists(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.submit(sqlite_ledger.signer(0).issued())
    sqlite_ledger.submit_raw(b"{}")
    shown = sqlite_ledger.get("/metrics").text
    served = set(re.findall(r"^# TYPE (\w+)", shown, re.MULTILINE)) | set(
        re.findall(r"^(\w+)[ {]", shown, re.MULTILINE)
    )
    used = {name for query in queries() for name in METRIC.findall(re.sub(r"[{][^}]*[}]|by \([^)]*\)", "", query))}
    assert used - served - FOREIGN_METRICS == set()
    watched = {name for name in served if name.startswith("huzheng_") and not name.endswith(("_bucket", "_created"))}
    unused = {re.sub("_(total|sum|count)$", "", name) for name in watched}
    unused -= {re.sub("_(total|sum|count|bucket)$", "", name) for name in used}
    assert unused == set(), "nobody looks at these"


def test_prometheus_reads_the_metrics(sqlite_ledger: Ledger) -> None:
    promtool = installed("promtool")
    shown = sqlite_ledger.get("/metrics").text
    done = subprocess.run([promtool, "check", "metrics"], input=shown, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs" / "OPERATIONS.md").read_text("utf-8")
    headings = set(re.findall(r"^### (Huzheng\w+)$", page, re.MULTILINE))
    assert headings == {alert["alert"] for alert in alerts()}
    assert {alert["labels"]["severity"] for alert in alerts()} == {"page", "ticket"}


def test_compose_names_only_what_is_there() -> None:
    found = compose()
    example = (DEPLOY / "compose.env.example").read_text("utf-8")
    variables = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "compose.yaml").read_text("utf-8")))
    assert variables == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    for name, service in found["services"].items():
        secrets = [one if isinstance(one, str) else one["source"] for one in service.get("secrets", [])]
        assert set(secrets) <= set(found["secrets"]), name
        assert set(service["networks"]) <= set(found["networks"]), name
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            known = source in found["volumes"] or source in ("/", "./network") or (DEPLOY / source).exists()
            assert known, (name, source)
    roles = [service.get("environment", {}).get("HUZHENG_ROLE") for service in found["services"].values()]
    assert (roles.count("api"), roles.count("anchorer")) == (3, 2)


def test_the_network_is_the_one_that_the_maker_makes(tmp_path: Path) -> None:
    """The command of docs/OPERATIONS.md names the addresses of the compose file, and makes every file it mounts."""
    found = compose()
    addresses = [found["services"][f"validator-{n}"]["networks"]["chain"]["ipv4_address"] for n in (1, 2, 3, 4)]
    page = (ROOT / "docs" / "OPERATIONS.md").read_text("utf-8")
    assert re.findall(r"--node (172[\d.]+):30303", page) == addresses
    make_network(tmp_path / "network", [f"{address}:30303" for address in addresses], 2026, accounts=["0x" + "1" * 40])
    command = found["services"]["validator-1"]["command"]
    mounted = {option.partition("/network/")[2] for option in command if "/network/" in option}
    secrets = {path["file"].removeprefix("network/") for name, path in found["secrets"].items() if "validator" in name}
    assert len(mounted) == 3 and len(secrets) == 4
    assert all((tmp_path / "network" / name).is_file() for name in mounted | secrets)


def test_compose_is_valid() -> None:
    docker = installed("docker")
    if subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        left_out("docker has no compose here; the file is checked by its form alone")
    command = [docker, "compose", "--env-file", "compose.env.example", "--profile", "watch", "config", "--quiet"]
    done = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_image_copies_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert len(copied) == 5 and all((ROOT / name).exists() for name in copied)
    assert "--extra telemetry" in text and "telemetry = [" in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_valid_and_hardened(tmp_path: Path, unit: str) -> None:
    text = (DEPLOY / "systemd" / unit).read_text("utf-8")
    for needed in ("NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", "LoadCredential=passphrase:"):
        assert needed in text
    keys = set(re.findall(r"LoadCredential=(\w+)\.json", text))
    assert keys == ({"receipt"} if "api" in unit else {"checkpoint", "note", "relay"})
    analyze = installed("systemd-analyze")
    file = tmp_path / unit
    file.write_text(text.replace("/opt/huzheng/.venv/bin/huzheng", installed("true")), "utf-8")
    verified = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run([analyze, "security", "--offline=true", "--threshold=20", str(file)], capture_output=True)
    assert judged.returncode == 0, judged.stdout.decode()


def test_prometheus_takes_the_alerts() -> None:
    promtool = installed("promtool")
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([promtool, *command], cwd=DEPLOY / "prometheus", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
