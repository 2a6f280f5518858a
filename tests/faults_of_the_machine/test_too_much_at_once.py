"""More requests than the service takes at once: some are told to come again, and nothing accepted is dropped."""

import asyncio
import itertools

import httpx

from ledger_service.storage.database import SQLITE_BUSY_SECONDS
from ledger_service.usecases.accept import WAITING_REQUESTS
from tests.faults_of_the_machine.causes import locked
from tests.faults_of_the_machine.scenario import file_of
from tests.fixtures.ledger import INSTITUTIONS, Ledger, check_problem_response

REQUESTS = WAITING_REQUESTS + 256
LOCKED_SECONDS_AT_MOST = SQLITE_BUSY_SECONDS - 1
"""It takes a client seconds to open so many connections."""


async def _send_while_nothing_can_be_written(ledger: Ledger, bodies: list[dict]) -> list[httpx.Response]:
    """The answers; the database is let go once one was told to come again."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=ledger.service.url, timeout=60, limits=limits, trust_env=False) as client:
        with locked(file_of(ledger)):
            sending = [asyncio.create_task(client.post("/v1/statements", json=body)) for body in bodies]
            await asyncio.wait(sending, timeout=LOCKED_SECONDS_AT_MOST, return_when=asyncio.FIRST_COMPLETED)
        return await asyncio.gather(*sending)


def test_past_the_bound_some_wait_and_nothing_is_dropped(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    statements = [ledger.signer(number).issued() for number in range(INSTITUTIONS)]
    chosen = list(itertools.islice(itertools.cycle(statements), REQUESTS))
    bodies = [{"origin": ledger.city.origin, "statements": [signed.wire]} for signed in chosen]

    answers = asyncio.run(_send_while_nothing_can_be_written(ledger, bodies))
    promised: dict[str, set[int]] = {}
    for response in answers:
        if response.status_code == 200:
            (result,) = response.json()["results"]
            promised.setdefault(result["statement"], set()).add(result["index"])
        else:
            assert check_problem_response(response, "busy", 503)["retry"]
            assert int(response.headers["retry-after"]) > 0
    assert {response.status_code for response in answers} == {200, 503}, "the bound was not met, or nothing got through"
    for signed in statements:
        (index,) = ledger.submit(signed).outcomes
        assert promised.setdefault(signed.name, {index}) == {index}
    assert len({index for indexes in promised.values() for index in indexes}) == INSTITUTIONS
