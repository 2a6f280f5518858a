"""What the alerts are made of: ages, broken promises, open transactions, the lease; and counts of all processes."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, running_ledger

ASKED = 24


@pytest.fixture(scope="module")
def stalled(module_chain: ScratchChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Two API processes on one socket and an anchorer, on a chain that makes no block any more."""
    folder = tmp_path_factory.mktemp("stalled")
    settings = {"api_processes": "2", "promise_seconds": "1", "lease_seconds": "3"}
    with running_ledger(module_chain, folder, f"sqlite:///{folder / 'ledger.db'}", **settings) as ledger:
        module_chain.set_automine(False)
        try:
            yield ledger
        finally:
            module_chain.set_automine(True)


def figures(ledger: Ledger) -> dict[str, float]:
    """Every sample by its name, with labels as `name label=value`."""
    found = {}
    with httpx.Client(base_url=ledger.service.url, trust_env=False) as fresh:
        text = fresh.get("/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = "".join(f" {name}={value}" for name, value in sorted(sample.labels.items()))
            found[sample.name + labels] = sample.value
    return found


def _is_overdue(shown: dict[str, float]) -> bool:
    """Each figure is taken for itself: the last of them may follow the first a moment later."""
    return (
        shown["huzheng_overdue_seconds"] >= 1 and not shown["huzheng_ready"] and shown["huzheng_transactions_open"] > 0
    )


def test_a_promise_that_is_not_kept_shows(stalled: Ledger) -> None:
    before = figures(stalled)
    assert before["huzheng_overdue_receipts"] == 0 and before["huzheng_ready"] == 1
    stalled.submit(stalled.signer(0).issued())
    shown = stalled.wait_for(lambda: found if _is_overdue(found := figures(stalled)) else None)
    assert shown["huzheng_overdue_receipts"] == 1
    for state in ("witnessed", "final"):
        assert shown[f"huzheng_waiting_entries state={state}"] == 1
        assert 1 <= shown[f"huzheng_waiting_seconds state={state}"] < 60
    assert shown["huzheng_waiting_entries state=integrated"] == 0
    assert shown["huzheng_transactions_open"] == 1
    shown = stalled.wait_for(lambda: found if (found := figures(stalled))["huzheng_transaction_open_seconds"] else None)
    stalled.chain.mine(3)
    shown = stalled.wait_for(lambda: found if not (found := figures(stalled))["huzheng_overdue_receipts"] else None)
    stalled.wait_for(lambda: figures(stalled)["huzheng_transactions_open"] == 0)
    shown = figures(stalled)
    assert shown["huzheng_witness_transactions_total outcome=mined"] == 1
    assert shown["huzheng_witness_gas_total"] > 50_000
    assert shown["huzheng_waiting_seconds state=final"] == 0


def test_the_lease_shows(stalled: Ledger) -> None:
    shown = figures(stalled)
    held = [name for name in shown if name.startswith("huzheng_lease_held")]
    assert len(held) == 1 and shown[held[0]] == 1
    assert 0 < shown["huzheng_lease_remaining_seconds"] <= 3
    term = shown["huzheng_lease_term"]
    stalled.restart()
    assert figures(stalled)["huzheng_lease_term"] == term + 1


def test_whichever_process_is_asked_answers_for_all(stalled: Ledger) -> None:
    route = "huzheng_requests_total method=GET route=/v1/keys/{address} status=404"
    before = figures(stalled).get(route, 0)
    for _ in range(ASKED):
        with httpx.Client(base_url=stalled.service.url, trust_env=False) as fresh:
            assert fresh.get("/v1/keys/0x" + "11" * 20).status_code == 404
    assert {figures(stalled)[route] for _ in range(10)} == {before + ASKED}
    assert figures(stalled)["huzheng_refusals_total code=not-found"] >= ASKED


def test_refusals_and_groups_are_counted(stalled: Ledger) -> None:
    hospital = stalled.signer(1)
    before = figures(stalled)
    statement = hospital.issued()
    hospital.sequence += 5
    stalled.submit(statement, hospital.issued())
    after = figures(stalled)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("huzheng_refusals_total code=sequence-gap") == 1
    assert (grown("huzheng_commit_statements_sum"), grown("huzheng_commit_statements_count")) == (2, 1)
