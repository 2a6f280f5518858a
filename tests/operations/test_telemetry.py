"""The way of one statement, as a collector sees it; and nothing of it without the setting."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from anchors import Part
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, running_ledger
from tests.fixtures.signer import document
from tests.operations.receiver import Received, attributes, running_receiver

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_SPAN = "00f067aa0ba902b7"
SECRET_NOTE = "synthetic-note-of-the-finding-2204"


@pytest.fixture(scope="module")
def traced(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Received]]:
    """A service whose collector is ours, after one statement became final and the service ended."""
    folder = tmp_path_factory.mktemp("traced")
    with running_receiver() as (endpoint, received):
        settings = {"log_format": "json", "telemetry": endpoint}
        with running_ledger(module_chain, folder, f"sqlite:///{folder / 'ledger.db'}", **settings) as ledger:
            hospital = ledger.signer(0)
            ledger.http.headers["traceparent"] = f"00-{TRACE}-{PARENT_SPAN}-01"
            statement = hospital.sign("report.issued", b"\x07" * 32, document(), Part.create("note", SECRET_NOTE))
            ledger.submit(statement)
            hospital.sequence = 0
            ledger.submit(hospital.sign("report.issued", b"\x08" * 32, document()))
            ledger.wait_for_state(statement, "final")
        yield ledger, received


def span_of(received: Received, name: str, **wanted: object) -> tuple[Any, dict[str, Any]]:
    """The first span of this name with these attributes (dots as underscores left out of the name)."""
    for span in received.named(name):
        found = attributes(span)
        if all(found.get(f"huzheng.{key}") == value for key, value in wanted.items()):
            return span, found
    raise AssertionError(f"no span {name} with {wanted}: {[(s.name, attributes(s)) for s in received.spans]}")


def test_accepting_is_one_trace(traced: tuple[Ledger, Received]) -> None:
    _, received = traced
    request, told = span_of(received, "POST /v1/statements", statements=1)
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT_SPAN)
    assert (told["http.route"], told["http.response.status_code"]) == ("/v1/statements", 200)
    check, told = span_of(received, "accept: check")
    assert (check.trace_id, check.parent_span_id) == (request.trace_id, request.span_id)
    assert told["huzheng.statements"] == 1
    commit, told = span_of(received, "accept: commit", first=0, last=0)
    assert (commit.trace_id, commit.parent_span_id) == (request.trace_id, request.span_id)
    together, told = span_of(received, "accept: commit together", requests=1, statements=1)
    assert [link.trace_id for link in together.links] == [request.trace_id]
    assert request.start_time_unix_nano <= commit.start_time_unix_nano <= commit.end_time_unix_nano


def test_the_statement_is_followed_to_its_head(traced: tuple[Ledger, Received]) -> None:
    _, received = traced
    integrate, told = span_of(received, "integrate", old_size=0)
    assert told["huzheng.new_size"] == 1
    witness, told = span_of(received, "witness", old_size=0, new_size=1)
    assert told["huzheng.transaction"].startswith("0x")
    follow, told = span_of(received, "follow", heads=1, new_size=1)
    assert told["huzheng.block"] > 0
    ends = [span.end_time_unix_nano for span in (integrate, witness, follow)]
    assert ends == sorted(ends)
    finals = [attributes(span).get("huzheng.final_block", -1) for span in received.named("follow")]
    assert max(finals) >= told["huzheng.block"]


def test_a_worker_with_nothing_to_do_sends_nothing(traced: tuple[Ledger, Received]) -> None:
    _, received = traced
    assert all(span.attributes for span in received.spans if not span.status.code)


def test_metrics_arrive(traced: tuple[Ledger, Received]) -> None:
    _, received = traced
    points = {
        dict(attributes(one))["state"]: one.as_double for one in received.metrics["huzheng_entries"].gauge.data_points
    }
    assert points["final"] == 1
    refusals = received.metrics["huzheng_refusals"].sum
    assert refusals.is_monotonic and [attributes(one)["code"] for one in refusals.data_points] == ["sequence-fork"]
    (sizes,) = received.metrics["huzheng_commit_statements"].histogram.data_points
    assert sizes.count == 2 == sum(sizes.bucket_counts) and len(sizes.bucket_counts) == len(sizes.explicit_bounds) + 1
    assert {one["service.name"] for one in received.resources} == {"huzheng"}


def test_log_lines_name_the_trace(traced: tuple[Ledger, Received]) -> None:
    ledger, received = traced
    lines = [json.loads(line) for line in ledger.log().splitlines()]
    access = [line for line in lines if line.get("trace") == TRACE and line.get("statements")]
    spans = {span.span_id.hex() for span in received.named("POST /v1/statements")}
    assert access and {line["span"] for line in access} <= spans


def test_nothing_that_was_said_is_sent(traced: tuple[Ledger, Received]) -> None:
    ledger, received = traced
    hidden = [SECRET_NOTE, *(one.secret.hex() for one in ledger.city.institutions), (b"\x07" * 32).hex()]
    sent = b"".join(received.bodies)
    assert [one for one in hidden if one.encode() in sent] == []


def test_without_the_setting_nothing_is_loaded() -> None:
    program = (
        "import sys; import ledger_service.app, ledger_service.processes.api, ledger_service.processes.anchorer; "
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
