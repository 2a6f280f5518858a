"""The statement about an export says what left, by its digest and by the names of its parts."""

import hashlib

import pytest

from ledger_service.client.errors import WrongInput
from ledger_service.client.exported import draft_of_export

SUBJECT, ABOUT, DISPUTE = (bytes([number]) * 32 for number in (1, 2, 3))
PACKAGE = b"PK synthetic"


def test_what_left_is_named_once_and_in_order() -> None:
    draft = draft_of_export(SUBJECT, ABOUT, PACKAGE, disclosed=["links", "document", "links"], withheld=["note"])
    assert (draft.kind, draft.subject) == ("evidence.exported", SUBJECT)
    assert draft.content.value("export") == {
        "bytes": 12,
        "disclosed": ["document", "links"],
        "sha256": hashlib.sha256(PACKAGE).hexdigest(),
        "withheld": ["note"],
    }
    assert draft.content.value("links") == [{"rel": "about", "statement": "0x" + "02" * 32}]


def test_the_dispute_is_named_where_there_is_one() -> None:
    draft = draft_of_export(SUBJECT, ABOUT, PACKAGE, disclosed=[], withheld=["note"], dispute=DISPUTE)
    assert draft.content.value("links")[1:] == [{"rel": "dispute", "statement": "0x" + "03" * 32}]


def test_a_name_that_is_no_word_is_refused() -> None:
    with pytest.raises(WrongInput, match="export"):
        draft_of_export(SUBJECT, ABOUT, PACKAGE, disclosed=["病历"], withheld=[])
