"""Statement and entry: the seven fields, the 289 bytes that the log stores (docs/spec/statement.md)."""

from struct import Struct

import msgspec

from anchors.core import signature as signatures
from anchors.core.encoding import WORD_BYTES, ZERO_WORD, code_word, require_bytes, require_uint64, uint_word, word_code
from anchors.core.errors import MalformedInput
from anchors.core.typed_data import Domain

STATEMENT_BYTES = 7 * WORD_BYTES
ENTRY_BYTES = STATEMENT_BYTES + signatures.SIGNATURE_BYTES
SUBJECT_FIELD = slice(64, 96)
CONTENT_FIELD = slice(192, 224)
"""Where the subject and the content hash stand in an entry."""

_WORDS = Struct(">32s32s32s24sQ24sQ32s32s")
_PADDING = bytes(24)


class Statement(msgspec.Struct, frozen=True, gc=False):
    """What one institution says, before it is signed. 32-byte fields are bytes, times are Unix seconds UTC."""

    kind: str
    institution: str
    subject: bytes
    sequence: int
    issued_at: int
    observed: bytes
    content: bytes

    def __post_init__(self) -> None:
        code_word(self.kind)
        code_word(self.institution)
        require_bytes(self.subject, WORD_BYTES, "subject")
        if self.subject == ZERO_WORD:
            raise MalformedInput("subject: must not be zero")
        require_uint64(self.sequence, "sequence")
        require_uint64(self.issued_at, "issuedAt")
        require_bytes(self.observed, WORD_BYTES, "observed")
        require_bytes(self.content, WORD_BYTES, "content")

    @classmethod
    def from_words(cls, words: bytes) -> "Statement":
        """The statement of seven ABI words (224 bytes). Raises `MalformedInput`."""
        require_bytes(words, STATEMENT_BYTES, "statement")
        kind, institution, subject, above, sequence, beyond, issued_at, observed, content = _WORDS.unpack(words)
        if above != _PADDING or beyond != _PADDING:
            raise MalformedInput("statement: sequence and issuedAt must fit 64 bits")
        return cls(word_code(kind), word_code(institution), subject, sequence, issued_at, observed, content)

    @property
    def words(self) -> bytes:
        """EIP-712 encodeData without the type hash: seven ABI words, 224 bytes."""
        return b"".join(
            (
                code_word(self.kind),
                code_word(self.institution),
                self.subject,
                uint_word(self.sequence),
                uint_word(self.issued_at),
                self.observed,
                self.content,
            )
        )

    def id(self, domain: Domain) -> bytes:
        """The statement id: the EIP-712 digest in `domain`, 32 bytes."""
        return domain.statement(self.words)

    def sign(self, domain: Domain, secret: bytes) -> "Entry":
        """Sign with a 32-byte secret key for the log of `domain`."""
        return Entry(self, signatures.sign(self.id(domain), secret))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A signed statement: what the log stores. Well-formed by construction."""

    statement: Statement
    signature: bytes

    def __post_init__(self) -> None:
        signatures.check_form(self.signature)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Entry":
        """The entry of exactly 289 bytes. Raises `MalformedInput`."""
        data = require_bytes(data, ENTRY_BYTES, "entry")
        return cls(Statement.from_words(data[:STATEMENT_BYTES]), data[STATEMENT_BYTES:])

    def to_bytes(self) -> bytes:
        """Seven words and the signature, 289 bytes."""
        return self.statement.words + self.signature

    def signer(self, domain: Domain) -> bytes:
        """The 20-byte address that signed for the log of `domain`. Raises `VerificationFailed`."""
        return signatures.signer_of(self.statement.id(domain), self.signature)
