"""A ledger of one page that answers senders by the rules of docs/spec/api.md: sequences, receipts, refusals, HTTP.

It checks signature and sequence and refuses whatever its `rules` say; nothing else. Everything is in memory.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from anchors.core.encoding import encode_hex
from anchors.core.promise import Receipt, Refusal, accepted_hash
from anchors.core.signature import address_from_secret
from anchors.core.statement import Entry, Statement
from anchors.core.typed_data import Domain
from ledger_service.problems import TYPE_PREFIX

ACCEPTED_AT = 1_760_000_000
RETRY = {"sequence-gap", "observed-unknown", "link-unknown"}


@dataclass
class SmallLedger:
    """`entries` is the log. `rules` maps a statement to the code of the problem for which it is refused, or None."""

    domain: Domain
    receipt_secret: bytes
    rules: Callable[[Statement], str | None] = lambda statement: None
    entries: list[bytes] = field(default_factory=list)
    indexes: dict[bytes, int] = field(default_factory=dict)
    next_sequence: dict[bytes, int] = field(default_factory=dict)
    requests: list[dict] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    spoil: Callable[[dict], None] = lambda answer: None
    busy: int = 0
    lock: Lock = field(default_factory=Lock)

    def answer(self, body: bytes) -> dict:
        """The answer to one submission."""
        request = json.loads(body)
        self.requests.append(request)
        self.bodies.append(body)
        results = [self._one(item) for item in request["statements"]]
        accepted = [(bytes.fromhex(r["statement"][2:]), r["index"]) for r in results if "index" in r]
        answer = {"receipt": self._receipt(accepted) if accepted else None, "results": results}
        self.spoil(answer)
        return answer

    def _one(self, item: dict) -> dict:
        entry = Entry.from_bytes(base64.b64decode(item["entry"]))
        statement, signer = entry.statement, entry.signer(self.domain)
        assert encode_hex(signer) == item["key"]
        statement_id = statement.id(self.domain)
        if statement_id in self.indexes:
            return {"statement": encode_hex(statement_id), "index": self.indexes[statement_id], "state": "accepted"}
        due = self.next_sequence.get(signer, 0)
        code = "sequence-gap" if statement.sequence > due else "sequence-fork" if statement.sequence < due else None
        code = code or self.rules(statement)
        if code:
            return self._refused(statement_id, code)
        self.indexes[statement_id] = len(self.entries)
        self.entries.append(entry.to_bytes())
        self.next_sequence[signer] = due + 1
        return {"statement": encode_hex(statement_id), "index": self.indexes[statement_id], "state": "accepted"}

    def _refused(self, statement_id: bytes, code: str) -> dict:
        refusal = Refusal(statement_id, code, ACCEPTED_AT)
        wire = {"log": encode_hex(self.domain.log), "statement": encode_hex(statement_id), "reason": code}
        wire |= {"refusedAt": ACCEPTED_AT, **self._signed(refusal.sign(self.domain, self.receipt_secret))}
        problem = {"type": TYPE_PREFIX + code, "title": code, "status": 409, "detail": f"{code}: mend it"}
        problem["retry"] = code in RETRY
        return {"statement": encode_hex(statement_id), "problem": problem, "refusal": wire}

    def _receipt(self, accepted: list[tuple[bytes, int]]) -> dict:
        receipt = Receipt(accepted_hash(accepted), ACCEPTED_AT, ACCEPTED_AT + 600)
        wire = {"log": encode_hex(self.domain.log), "accepted": encode_hex(receipt.accepted)}
        wire |= {"acceptedAt": receipt.accepted_at, "witnessBy": receipt.witness_by}
        return wire | self._signed(receipt.sign(self.domain, self.receipt_secret))

    def _signed(self, signature: bytes) -> dict:
        return {"key": encode_hex(address_from_secret(self.receipt_secret)), "signature": encode_hex(signature)}


@contextmanager
def served(ledger: SmallLedger) -> Iterator[str]:
    """The ledger behind HTTP; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with ledger.lock:
                if ledger.busy:
                    ledger.busy -= 1
                    problem = {"type": TYPE_PREFIX + "busy", "title": "busy", "status": 503, "detail": "come again"}
                    self._reply(503, problem | {"retry": True})
                    return
                answer = ledger.answer(body)
            self._reply(200, answer)

        def do_GET(self) -> None:
            self._reply(404, {"type": TYPE_PREFIX + "not-found", "title": "no", "status": 404, "detail": "not here"})

        def _reply(self, status: int, members: dict) -> None:
            data = json.dumps(members).encode()
            self.send_response(status)
            if status == 503:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
