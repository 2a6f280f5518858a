"""Signed submissions for the load: each stream issues reports, opens them and recognises them."""

import multiprocessing
import os
import random
import secrets
import time
from concurrent.futures import ProcessPoolExecutor

from anchors.core.content import Content, Part, Withheld
from anchors.core.encoding import ZERO_WORD, encode_base64, encode_hex
from anchors.core.statement import Statement
from ledger_service.client.api import submission_body
from scripts.city.founding import City, Institution

POLICY = {"policy": "SAMPLE-city-recognition", "version": "2026-01"}


class StreamWriter:
    """Signs one institution's statements, one after the other: report, access to it, recognition of it, and again."""

    def __init__(self, city: City, institution: Institution):
        self._city = city
        self._institution = institution
        self._sequence = 0
        self._chance = random.Random(institution.code)
        self._report = self._access = self._subject = ZERO_WORD

    def submission(self, statements: int) -> bytes:
        """The body of a request with the stream's next statements."""
        return submission_body(self._city.origin, [self._next() for _ in range(statements)])

    def _next(self) -> dict:
        step = self._sequence % 3
        if step == 0:
            self._subject = secrets.token_bytes(32)
            self._report, item = self._sign(
                "report.issued", [self._document(), Withheld("facts", secrets.token_bytes(32))]
            )
        elif step == 1:
            access = Part.create("access", {"at": int(time.time()), "basis": "treatment, consent recorded"})
            self._access, item = self._sign("access.granted", [access, _links(report=self._report)])
        else:
            links = _links(access=self._access, report=self._report)
            _, item = self._sign("recognition.accepted", [Part.create("policy", POLICY), links])
        return item

    def _document(self) -> Part:
        digest = self._chance.randbytes(32).hex()
        value = {"bytes": 1_477, "format": "hl7v2", "sha256": digest, "sm3": secrets.token_hex(32)}
        return Part.create("document", value)

    def _sign(self, kind: str, parts: list[Part | Withheld]) -> tuple[bytes, dict]:
        content = Content.of(parts)
        statement = Statement(
            kind, self._institution.code, self._subject, self._sequence, int(time.time()), ZERO_WORD, content.hash
        )
        self._sequence += 1
        entry = statement.sign(self._city.domain, self._institution.secret)
        item = {
            "key": encode_hex(self._institution.key),
            "entry": encode_base64(entry.to_bytes()),
            "parts": content.to_wire(),
        }
        return statement.id(self._city.domain), item


def _links(**targets: bytes) -> Part:
    return Part.create("links", [{"rel": rel, "statement": encode_hex(target)} for rel, target in targets.items()])


class Writers:
    """The streams of a city's hospitals, which go on where they ended."""

    def __init__(self, city: City):
        hospitals = [institution for institution in city.institutions if institution.role == "hospital"]
        self._writers = [StreamWriter(city, institution) for institution in hospitals]

    def __len__(self) -> int:
        return len(self._writers)

    def write(self, requests: int, statements: int) -> list[list[bytes]]:
        """The next requests of every stream, signed on all cores."""
        count = len(self._writers)
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
            written = list(pool.map(_write, self._writers, [requests] * count, [statements] * count))
        self._writers = [writer for writer, _ in written]
        return [bodies for _, bodies in written]


def _write(writer: StreamWriter, requests: int, statements: int) -> tuple[StreamWriter, list[bytes]]:
    return writer, [writer.submission(statements) for _ in range(requests)]
