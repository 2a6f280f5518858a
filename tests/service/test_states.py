"""From accepted to final, and what happens on the way when the chain does not go along."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from anchors.chain.acts import OpenLog
from anchors.core.typed_data import Domain, log_id
from scripts.city.founding import OPERATOR
from scripts.city.service import ServiceFailed
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import Ledger, check_problem_response, running_ledger
from tests.fixtures.signer import Signed, Signer


@contextmanager
def sqlite_ledger(chain: ScratchChain, folder: Path, **settings: str) -> Iterator[Ledger]:
    """A ledger of this test alone."""
    with running_ledger(chain, folder, f"sqlite:///{folder / 'ledger.db'}", **settings) as ledger:
        yield ledger


def settle(ledger: Ledger) -> Signed:
    """One statement, final."""
    signed = ledger.signer(0).issued()
    ledger.submit(signed)
    ledger.wait_for_state(signed, "final")
    return signed


def reasons(ledger: Ledger) -> str:
    """Why the service is not ready; empty where it is."""
    answer = ledger.get("/readyz")
    assert answer.json()["ready"] is (answer.status_code == 200)
    return "; ".join(answer.json()["reasons"])


def stopped_workers(ledger: Ledger) -> set[str]:
    """Which workers have stopped for good."""
    told = ledger.get("/readyz").json()["reasons"]
    return {reason.partition(":")[0] for reason in told if reason.partition(":")[2].startswith(" stopped")}


def check_refuses_to_promise(ledger: Ledger) -> str:
    """Nothing is accepted; the detail says why."""
    institution = ledger.city.institutions[1]
    signed = Signer(ledger.city.domain, institution.code, institution.secret).issued()
    body = {"origin": ledger.city.origin, "statements": [signed.wire]}
    response = ledger.http.post("/v1/statements", json=body)
    problem = check_problem_response(response, "not-ready", 503)
    assert problem["retry"] and int(response.headers["retry-after"]) > 0
    assert ledger.get(f"/v1/statements/{signed.name}").status_code == 404
    return problem["detail"]


def test_from_accepted_to_final_and_back_when_the_chain_is_reorganised(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        check_problem_response(ledger.get("/v1/heads/final"), "not-found", 404)
        chain.set_automine(False)
        signed = ledger.signer(0).issued()
        answer = ledger.submit(signed)
        assert answer.results[0]["state"] == "accepted"
        ledger.wait_for_state(signed, "integrated")
        ledger.wait_for(lambda: int(chain.rpc("txpool_status")["pending"], 16) == 1)
        assert ledger.state(signed) == "integrated", "sent is not witnessed"
        chain.mine(1)
        first = ledger.wait_for_state(signed, "witnessed")["head"]
        chain.mine(1)
        _followed(ledger)
        assert ledger.state(signed) == "witnessed"
        chain.reorg(2)
        back = ledger.wait_for_state(signed, "integrated")
        assert back["head"] is None and back["overdue"] is False
        ledger.wait_for(lambda: reasons(ledger) == "")
        assert ledger.submit(signed).results[0]["state"] == "integrated"
        again = _witnessed_again(ledger, signed)
        assert again["blockHash"] != first["blockHash"] and again["final"] is False
        chain.mine(2)
        final = ledger.wait_for_state(signed, "final")["head"]
        assert final["final"] is True and ledger.get("/v1/heads/final").json() == final
        assert reasons(ledger) == ""


def _followed(ledger: Ledger) -> None:
    height = ledger.chain.height
    ledger.wait_for(lambda: ledger.followed_block() >= height)


def _witnessed_again(ledger: Ledger, signed: Signed) -> dict:
    def look() -> dict | None:
        ledger.chain.mine(1)
        _followed(ledger)  # one block a look: a head is never final when it is seen first
        return ledger.get(f"/v1/statements/{signed.name}").json()["head"]

    return ledger.wait_for(look)


def test_a_reorganisation_below_finality_stops_everything_and_says_so(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        signed = settle(ledger)
        chain.mine(2)
        _followed(ledger)
        depth = chain.height - ledger.get(f"/v1/statements/{signed.name}").json()["head"]["blockNumber"] + 1
        chain.reorg(depth)
        found = ledger.wait_for(lambda: reasons(ledger))
        assert "was final and has left the chain" in found
        assert "was final and has left the chain" in check_refuses_to_promise(ledger)
        assert ledger.state(signed) != "final", "states go back"
        ledger.wait_for(lambda: stopped_workers(ledger) == {"follow", "integrate", "witness"})
        height, checkpoint = chain.height, ledger.get("/log/checkpoint").text
        time.sleep(0.5)
        assert (chain.height, ledger.get("/log/checkpoint").text) == (height, checkpoint), "nothing is signed"
        assert ledger.log().count("CRITICAL") == 3


def test_a_node_that_goes_and_comes_back(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        settle(ledger)
        os.kill(chain.anvil.pid, signal.SIGSTOP)
        try:
            signed = ledger.signer(0).issued()
            assert isinstance(ledger.submit(signed).outcomes[0], int), "accepting does not need the chain"
            ledger.wait_for_state(signed, "integrated")
            assert "chain node" in ledger.wait_for(lambda: reasons(ledger))
        finally:
            os.kill(chain.anvil.pid, signal.SIGCONT)
        ledger.wait_for_state(signed, "final")
        ledger.wait_for(lambda: reasons(ledger) == "")


def test_a_broken_promise_is_shown(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path, promise_seconds="1") as ledger:
        chain.set_automine(False)
        signed = ledger.signer(0).issued()
        receipt = ledger.submit(signed).receipt
        assert receipt["witnessBy"] == receipt["acceptedAt"] + 1
        found = ledger.wait_for(lambda: _overdue(ledger, signed))
        assert found["state"] == "integrated" and time.time() > receipt["witnessBy"]
        assert "overdue since" in reasons(ledger)
        lines = dict(line.rsplit(" ", 1) for line in ledger.get("/metrics").text.splitlines() if line[0] != "#")
        assert float(lines["huzheng_overdue_seconds"]) > 0
        later = ledger.submit(signed).receipt
        assert later["witnessBy"] > receipt["witnessBy"]
        assert _overdue(ledger, signed), "a later receipt does not mend an earlier promise"
        chain.mine()
        ledger.wait_for_state(signed, "witnessed")
        ledger.wait_for(lambda: reasons(ledger) == "")
        assert _overdue(ledger, signed), "a promise that was broken stays broken"


def _overdue(ledger: Ledger, signed: Signed) -> dict | None:
    found = ledger.get(f"/v1/statements/{signed.name}").json()
    return found if found["overdue"] else None


def test_accepted_and_not_integrated(chain: ScratchChain, tmp_path: Path) -> None:
    slow = {"checkpoint_seconds": "3600", "promise_seconds": "7200"}
    with sqlite_ledger(chain, tmp_path, **slow, entry_bundles="token") as ledger:
        time.sleep(0.2)  # the one run at the start is over
        signed = ledger.signer(0).issued()
        ledger.submit(signed)
        found = ledger.get(f"/v1/statements/{signed.name}").json()
        assert (found["state"], found["overdue"], found["head"]) == ("accepted", False, None)
        proof = ledger.get(f"/v1/statements/{signed.name}/proof")
        assert "not integrated yet" in check_problem_response(proof, "not-found", 404)["detail"]
        check_problem_response(ledger.get("/log/checkpoint"), "not-found", 404)
        ledger.restart(checkpoint_seconds="0.05")
        ledger.wait_for_state(signed, "witnessed")
        assert ledger.get("/log/tile/0/000.p/1").status_code == 200, "hash tiles are public"
        check_problem_response(ledger.get("/log/tile/entries/000.p/1"), "unauthorized", 401)
        bundle = ledger.get("/log/tile/entries/000.p/1", token=True)
        assert bundle.content[2:] == signed.entry.to_bytes()
        assert bundle.headers["cache-control"].startswith("private,")


def test_an_older_copy_of_the_database_signs_nothing(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        settle(ledger)
        ledger.service.stop()
        shutil.copy(tmp_path / "ledger.db", tmp_path / "copy.db")
        ledger.restart()
        lost = settle(ledger)
        ledger.service.stop()
        shutil.copy(tmp_path / "copy.db", tmp_path / "ledger.db")
        ledger.start_unready()
        ledger.wait_for(lambda: _answers(ledger))
        found = ledger.wait_for(lambda: "an older copy was restored" in reasons(ledger) and reasons(ledger))
        assert "collect the lost entries from the senders" in found
        assert "an older copy was restored" in check_refuses_to_promise(ledger)
        assert ledger.get(f"/v1/statements/{lost.name}").status_code == 404
        checkpoint_before = ledger.get("/log/checkpoint").text
        time.sleep(0.5)
        assert ledger.get("/log/checkpoint").text == checkpoint_before, "nothing is signed"


def _answers(ledger: Ledger) -> bool:
    try:
        return ledger.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def test_another_chain_behind_the_same_address(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        settle(ledger)
        ledger.service.stop()
        chain.rpc("anvil_setChainId", 4_242)
        try:
            with pytest.raises(ServiceFailed, match="ended with status"):
                ledger.restart()
            last = ledger.log().strip().splitlines()[-1]
            assert "belongs to another log or chain" in last and "chain_id" in last and "Error" not in last
        finally:
            chain.rpc("anvil_setChainId", chain.chain_id)


def test_another_chain_behind_the_same_address_while_running(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        settle(ledger)
        chain.rpc("anvil_reset")
        chain.mine(10)
        ledger.wait_for(lambda: "has left the chain" in reasons(ledger))
        assert "has left the chain" in check_refuses_to_promise(ledger)


def test_another_log_is_told_apart_from_the_first_request_on(chain: ScratchChain, tmp_path: Path) -> None:
    with sqlite_ledger(chain, tmp_path) as ledger:
        domain, origin = ledger.city.domain, "ledger.example/elsewhere"
        ledger.perform(OpenLog(origin, OPERATOR))
        ledger.restart()
        elsewhere = Domain(domain.chain_id, domain.registry, log_id(origin))
        assert ledger.submit(ledger.signer(0).issued(domain=elsewhere)).outcomes == ["wrong-log"]
