"""More requests than the service takes at once: some are told to come again, and nothing accepted is dropped."""

import itertools
import json
import os
import select
import signal
from contextlib import ExitStack

from ledger_service.storage.database import SQLITE_BUSY_SECONDS
from ledger_service.usecases.accept import WAITING_REQUESTS
from tests.faults_of_the_machine.causes import locked
from tests.faults_of_the_machine.scenario import file_of
from tests.fixtures.ledger import INSTITUTIONS, Ledger, check_problem, problem_code
from tests.hostile.sockets import Line, Reply

REQUESTS = WAITING_REQUESTS + 256
"""Fewer than the system keeps for a service that does not come to accept them."""
LOCKED_SECONDS_AT_MOST = SQLITE_BUSY_SECONDS - 1


def _send_while_nothing_can_be_written(ledger: Ledger, bodies: list[bytes]) -> list[Reply]:
    """The answers. The service sleeps until all is sent, so that it meets all at once, however long sending takes; the
    database is let go once one was told to come again."""
    port, pid = int(ledger.settings["HUZHENG_PORT"]), ledger.service.pid
    head = b"POST /v1/statements HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with ExitStack() as stack:
        os.kill(pid, signal.SIGSTOP)
        stack.callback(os.kill, pid, signal.SIGCONT)
        lines = [stack.enter_context(Line(port)) for _ in bodies]
        answered = select.poll()
        for line, body in zip(lines, bodies, strict=True):
            assert line.send(head % len(body) + body)
            answered.register(line.socket, select.POLLIN)
        with locked(file_of(ledger)):
            os.kill(pid, signal.SIGCONT)
            answered.poll(LOCKED_SECONDS_AT_MOST * 1_000)
        return [line.reply() for line in lines]


def test_past_the_bound_some_wait_and_nothing_is_dropped(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    statements = [ledger.signer(number).issued() for number in range(INSTITUTIONS)]
    chosen = list(itertools.islice(itertools.cycle(statements), REQUESTS))
    bodies = [json.dumps({"origin": ledger.city.origin, "statements": [signed.wire]}).encode() for signed in chosen]

    replies = _send_while_nothing_can_be_written(ledger, bodies)
    promised: dict[str, set[int]] = {}
    for reply in replies:
        answer = json.loads(reply.body)
        if reply.status == 200:
            (result,) = answer["results"]
            promised.setdefault(result["statement"], set()).add(result["index"])
        else:
            assert reply.headers["content-type"] == "application/problem+json"
            check_problem(answer, reply.headers["x-request-id"])
            assert (problem_code(answer), reply.status, answer["retry"]) == ("busy", 503, True)
            assert int(reply.headers["retry-after"]) > 0
    assert {reply.status for reply in replies} == {200, 503}, "the bound was not met, or nothing got through"
    for signed in statements:
        (index,) = ledger.submit(signed).outcomes
        assert promised.setdefault(signed.name, {index}) == {index}
    assert len({index for indexes in promised.values() for index in indexes}) == INSTITUTIONS
