"""The service's HTTP API (docs/spec/api.md) for a sender, a reader and the operator: synchronous, with bounds.

Every call ends within its timeout times the attempts. Reading is tried again when the connection breaks; so is
submitting, because the service answers a statement that it has already with its index.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from anchors.core.encoding import encode_hex
from ledger_service.client.errors import ServiceProblem, ServiceUnavailable, WrongInput
from ledger_service.problems import TYPE_PREFIX

TIMEOUT_SECONDS = 30.0
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 10.0
PAGE_LIMIT = 1_000
_RETRY_LATER = (429, 503)
MAX_SUBMISSION_BYTES = 4 * 2**20

Json = dict[str, Any]


class Api:
    """A connection to one service. `token` is the operator token, or that of a session: one of them is needed to read
    parts and timelines, the former to freeze."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise WrongInput(f"service address {url!r}: expected http://… or https://…")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._client = httpx.Client(
                base_url=url, headers=headers, timeout=timeout_seconds, trust_env=not _is_loopback(url)
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise WrongInput(f"service address or token cannot be used: {error}") from None
        self._url = url
        self._attempts = attempts
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Sending

    def submit_body(self, body: bytes) -> bytes:
        """Send a submission (`submission_body`); the body of the answer, to be read by `read_answer`."""
        return self._ask("POST", "/v1/statements", content=body, headers={"Content-Type": "application/json"})

    def freeze(self, address: bytes) -> Json:
        """Stop accepting under a key; the answer holds the `endSequence` for its revocation. Needs the token."""
        return self._object("POST", f"/v1/keys/{encode_hex(address)}/freeze")

    # Signing in, and what needs it

    def challenge(self) -> Json:
        """What a key signs to sign in."""
        return self._object("POST", "/v1/session/challenge")

    def open_session(self, answer: Json) -> Json:
        """A token for the key that answered a challenge; see `client.session.sign_in`."""
        return self._object("POST", "/v1/session", json=answer)

    def close_session(self) -> None:
        """End the session whose token is used, at once."""
        self._ask("DELETE", "/v1/session")

    def use_token(self, token: str) -> None:
        """Read with this token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def erasure(self, statement: bytes, asked: Json) -> Json:
        """What erasing parts of an own statement means; with a confirmation, they are erased."""
        return self._object("POST", f"/v1/statements/{encode_hex(statement)}/erasure", json=asked)

    def reminders(self, asked: Json) -> Json:
        """Which of a patient's results can be recognised, or would be repeated; see `client.reminders.drafts_of`."""
        return self._object("POST", "/v1/reminders", json=asked)

    def evidence(self, asked: Json) -> bytes:
        """The evidence package about a subject, with those of its parts that one may see."""
        return self._ask("POST", "/v1/evidence", json=asked)

    # Reading

    def statement(self, statement: bytes) -> Json:
        """A statement with its state, and those of its parts that one may see."""
        return self._object("GET", f"/v1/statements/{encode_hex(statement)}")

    def proof(self, statement: bytes) -> bytes:
        """The statement's `.tlog-proof`; its parts are shown with the token."""
        return self._ask("GET", f"/v1/statements/{encode_hex(statement)}/proof")

    def timeline(self, subject: bytes) -> list[Json]:
        """All statements about a subject, in log order. Needs the token."""
        return list(self._items(f"/v1/subjects/{encode_hex(subject)}"))

    def responsibility(self, subject: bytes) -> Json:
        """The facts about who did what about a report. Needs the token."""
        return self._object("GET", f"/v1/subjects/{encode_hex(subject)}/responsibility")

    def by_document(self, digest: bytes) -> list[Json]:
        """Statements whose document has this SHA-256 or SM3 (32 bytes). Needs the token."""
        return list(self._items(f"/v1/documents/{digest.hex()}"))

    def disputes(self, subject: bytes | None = None, institution: str | None = None) -> list[Json]:
        """Holds and disputes of which one may know, in log order. Needs a token."""
        asked: Json = {"subject": encode_hex(subject)} if subject is not None else {}
        if institution is not None:
            asked["institution"] = institution
        return list(self._items("/v1/disputes", **asked))

    def check_document(self, digest: bytes) -> list[Json]:
        """Who attested a document with this SHA-256 or SM3 (32 bytes), with proofs. Needs no token."""
        return list(self._items(f"/v1/documents/{digest.hex()}/check", limit=20))

    def final_head(self) -> Json | None:
        """The newest final head, or None before the first."""
        try:
            head = self._object("GET", "/v1/heads/final")
        except ServiceProblem as problem:
            if problem.status == 404:
                return None
            raise
        return head if head.get("witnessId") else None

    def checkpoints(self, limit: int = 20, before: int | None = None) -> list[Json]:
        """The newest signed checkpoints, or the newest below a size."""
        parameters = {"limit": limit} if before is None else {"limit": limit, "before": before}
        return self._object("GET", "/v1/checkpoints", params=parameters)["items"]

    def institutions(self) -> list[Json]:
        """All institutions."""
        return list(self._items("/v1/institutions"))

    def institution(self, code: str) -> Json:
        """One institution: roles, standing, keys with their history."""
        return self._object("GET", f"/v1/institutions/{quote(code, safe='')}")

    def key(self, address: bytes) -> Json:
        """A key: whose, its next sequence number, whether it is frozen."""
        return self._object("GET", f"/v1/keys/{encode_hex(address)}")

    def metrics(self) -> str:
        """The Prometheus text."""
        return self._ask("GET", "/metrics").decode("utf-8", errors="replace")

    # How

    def _items(self, path: str, **asked: Any) -> Iterator[Json]:
        parameters: Json = {"limit": PAGE_LIMIT, **asked}
        while True:
            page = self._object("GET", path, params=parameters)
            yield from page.get("items") or []
            following = page.get("next")
            if following is None or following == parameters.get("after"):
                return
            parameters["after"] = following

    def _object(self, method: str, path: str, **arguments: Any) -> Json:
        body = self._ask(method, path, **arguments)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise ServiceUnavailable(f"{self._url}{path}: the answer is no JSON object; is this the service?") from None

    def _ask(self, method: str, path: str, **arguments: Any) -> bytes:
        for attempt in range(1, self._attempts + 1):
            try:
                response = self._client.request(method, path, **arguments)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if attempt == self._attempts or isinstance(error, httpx.UnsupportedProtocol):
                    why = str(error) or type(error).__name__
                    raise ServiceUnavailable(f"{self._url}: no answer ({why}); is the service running there?") from None
                self._sleep(min(0.2 * 2**attempt, LONGEST_WAIT_SECONDS))
                continue
            if response.is_success:
                return response.content
            if response.status_code not in _RETRY_LATER or attempt == self._attempts:
                raise _problem(response)
            self._sleep(_wait_seconds(response, attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")


def _is_loopback(url: str) -> bool:
    """Whether the service is on this machine, where no proxy of the environment may come between."""
    return httpx.URL(url).host in ("127.0.0.1", "::1", "localhost")


def submission_body(origin: str, statements: list[Json]) -> bytes:
    """The body of `POST /v1/statements`."""
    return msgspec.json.encode({"origin": origin, "statements": statements})


def _wait_seconds(response: httpx.Response, attempt: int) -> float:
    """What `Retry-After` asks, if it is a number of seconds, within bounds."""
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked = 0.2 * 2**attempt
    return min(max(asked, 0.0), LONGEST_WAIT_SECONDS)


def _problem(response: httpx.Response) -> ServiceProblem | ServiceUnavailable:
    """The problem in a response, or what can be said where it holds none."""
    try:
        members = msgspec.json.decode(response.content, type=dict[str, Any])
        code = str(members["type"]).removeprefix(TYPE_PREFIX)
        detail = " ".join(str(members.get("detail") or members.get("title") or "no reason given").split())
        return ServiceProblem(code, response.status_code, detail, retry=members.get("retry") is True)
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return ServiceUnavailable(
            f"{response.request.url}: answered with status {response.status_code} and no reason; is this the service?"
        )
