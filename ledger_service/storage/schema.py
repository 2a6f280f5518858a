"""The tables. Seven are originals (`entries`, `contents`, `receipts`, `outbox`, `readings`, `timestamps`,
`cosignatures`); all others can be rebuilt from these and the chain, and an audit does so; but for `streams.frozen`, a
decision of the operator that ends as a revocation, for `restores`, which his backups were, and for `anchorer` and
`sessions`, which are of the present alone. Migrations make them; a test holds the two against each other.

Hashes, keys, entries and parts are bytes. `position` is an entry's index in the log.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from ledger_service.usecases.ports import PREFIX_BYTES

REVISION = "0005"
"""The migration that makes these tables: the newest one."""

metadata = MetaData()

# SQLite keeps a table in key order only under an INTEGER primary key.
_Position = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *columns: Column | Index | UniqueConstraint, by_key: bool = False) -> Table:
    """`by_key` keeps an SQLite table in the order of its primary key, without a second copy of the key."""
    return Table(name, metadata, *columns, sqlite_with_rowid=not by_key)


# Which log, on which chain: one row. Locking it is how indexes are taken.
# `prefixes` covers the first `indexed` entries.
log = _table(
    "log",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("origin", String(128), nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", LargeBinary(32), nullable=False),
    Column("registry", LargeBinary(20), nullable=False),
    Column("witness", LargeBinary(20), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("indexed", BigInteger, nullable=False, server_default="0"),
    Column("registry_code", LargeBinary(32)),
    Column("witness_code", LargeBinary(32)),
)

# Each time that this database was filled from a backup; it signs and accepts nothing until that was released.
restores = _table(
    "restores",
    Column("id", _Position, primary_key=True),
    Column("entries", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("restored_at", BigInteger, nullable=False),
    Column("released_at", BigInteger),
)

# Who is the anchorer, and what it tells the other processes: one row.
anchorer = _table(
    "anchorer",
    Column("id", Integer, primary_key=True),
    Column("term", BigInteger, nullable=False),
    Column("holder", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("compared", Boolean, nullable=False),
    Column("caught_up", Boolean, nullable=False),
    Column("incident", Text, nullable=False),
    Column("workers", Text, nullable=False),
)

# Originals: `entry` (`storage.packed_entry`) and `parts`. The other columns of `entries` are derived; they stand beside
# what they are derived from because they are written, read and compared together.
entries = _table(
    "entries",
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("id", LargeBinary(32), nullable=False),
    Column("key", LargeBinary(20), nullable=False),
    Column("links", String, nullable=False),
    Column("sha256", LargeBinary(PREFIX_BYTES)),
    Column("sm3", LargeBinary(PREFIX_BYTES)),
)
"""`links` is a JSON object of positions by rel. `sha256` and `sm3` are how the document's digests begin: enough to find
it by, and whoever finds compares the whole."""
# By these PostgreSQL finds entries; SQLite by the table `prefixes`, which on PostgreSQL stays empty (`storage.finder`).
POSTGRESQL_INDEXES = (
    Index("entries_id", func.substr(entries.c.id, 1, PREFIX_BYTES)),
    Index(
        "entries_subject",
        func.substr(entries.c.entry, 1, PREFIX_BYTES),
        entries.c.position,
        # Statements about one subject that come together split a page here; at the usual 90 % less of it fills.
        postgresql_with={"fillfactor": 50},
    ),
    Index("entries_sha256", entries.c.sha256, postgresql_where=entries.c.sha256.is_not(None)),
    Index("entries_sm3", entries.c.sm3, postgresql_where=entries.c.sm3.is_not(None)),
)
for _index in POSTGRESQL_INDEXES:
    _index.ddl_if(dialect="postgresql")
prefixes = _table(
    "prefixes",
    Column("young", SmallInteger, primary_key=True, autoincrement=False),
    Column("what", SmallInteger, primary_key=True, autoincrement=False),
    Column("prefix", LargeBinary(PREFIX_BYTES), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    by_key=True,
)
contents = _table(
    "contents",
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("parts", LargeBinary, nullable=False),
)
# What was signed, and by which key, follows from the entries at `positions`, the times and the signature.
receipts = _table(
    "receipts",
    Column("id", _Position, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("positions", LargeBinary, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("witness_by", BigInteger, nullable=False),
    Column("signature", LargeBinary(65), nullable=False),
    Index("receipts_last", "last"),
)
outbox = _table(
    "outbox",
    Column("id", _Position, primary_key=True),
    Column("account", LargeBinary(20), nullable=False),
    Column("old_size", BigInteger, nullable=False),
    Column("new_size", BigInteger, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("fee_cap", String(32), nullable=False),
    Column("fee_tip", String(32), nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("outcome", String(16)),
    Column("gas_used", BigInteger),
    Index("outbox_open", "outcome"),
    Index("outbox_nonce", "account", "nonce"),
)

# Who read which content, when and on what basis; each hash covers the one before (`usecases.readings`). `read_at`
# follows from the record.
readings = _table(
    "readings",
    Column("number", _Position, primary_key=True, autoincrement=False),
    Column("record", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("read_at", BigInteger, nullable=False),
    Index("readings_read_at", "read_at", "number"),
)

# Tokens of time-stamp authorities on checkpoints. Of another time nobody can have them again. `stamped_at` and
# `expires_at` follow from the token.
timestamps = _table(
    "timestamps",
    Column("number", _Position, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("renews", BigInteger),
    Column("authority", String(300), nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("stamped_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    UniqueConstraint("renews", name="timestamps_renews"),
    Index("timestamps_authority", "authority", "size"),
    Index("timestamps_expires_at", "expires_at"),
)

# Cosignatures of witnesses on checkpoints: each cosigns the newest alone, so nobody can have them again. `cosigned_at`
# follows from the line.
cosignatures = _table(
    "cosignatures",
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", String(300), primary_key=True),
    Column("line", Text, nullable=False),
    Column("cosigned_at", BigInteger, nullable=False),
    Index("cosignatures_witness", "witness", "size"),
    by_key=True,
)

# Who is signed in: the challenge that a key answered, until its token ends. The token itself is nowhere.
sessions = _table(
    "sessions",
    Column("nonce", LargeBinary(32), primary_key=True),
    Column("key", LargeBinary(20), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("sessions_key", "key"),
    Index("sessions_expires_at", "expires_at"),
    by_key=True,
)

# Derived from entries and contents: which statement (`about`) the hold or the dispute at `position` names.
holds = _table(
    "holds",
    Column("about", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Index("holds_position", "position"),
    by_key=True,
)

# Derived from entries and contents. Most subjects have no row: the first entry about one tells its state, unless its
# report was amended or withdrawn, or another subject begins alike and was there before.
subjects = _table(
    "subjects",
    Column("subject", LargeBinary(32), primary_key=True),
    Column("owner", String(32), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("current", BigInteger),
    by_key=True,
)
# Derived from entries: where the statements stand that make rules and describe institutions (`recognition.book`).
rulebook = _table("rulebook", Column("position", _Position, primary_key=True, autoincrement=False))
streams = _table(
    "streams",
    Column("key", LargeBinary(20), primary_key=True),
    Column("next_sequence", BigInteger, nullable=False),
    Column("observed_size", BigInteger, nullable=False),
    Column("frozen", Boolean, nullable=False),
    by_key=True,
)
tiles = _table(
    "tiles",
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary(8192), nullable=False),
    Column("root", LargeBinary(32), nullable=False),
)
checkpoints = _table(
    "checkpoints",
    Column("size", _Position, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("signature", LargeBinary(65), nullable=False),
    Column("signed_at", BigInteger, nullable=False),
)

# Derived from the chain.
chain = _table(
    "chain",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("tip_number", BigInteger, nullable=False),
    Column("tip_hash", LargeBinary(32), nullable=False),
    Column("tip_parent", LargeBinary(32), nullable=False),
    Column("tip_time", BigInteger, nullable=False),
    Column("final_number", BigInteger, nullable=False),
)
blocks = _table(
    "blocks",
    Column("number", _Position, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("parent", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
)
registry_changes = _table(
    "registry_changes",
    Column("number", _Position, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("action", SmallInteger, nullable=False),
    Column("institution", String(32), nullable=False),
    Column("role", String(32), nullable=False),
    Column("log", LargeBinary(32), nullable=False),
    Column("key", LargeBinary(20), nullable=False),
    Column("data", LargeBinary(32), nullable=False),
    Column("head", LargeBinary(32), nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("transaction", LargeBinary(32), nullable=False),
    Column("place", Integer, nullable=False),
    Index("registry_changes_block", "block_number"),
)
heads = _table(
    "heads",
    Column("new_size", _Position, primary_key=True, autoincrement=False),
    Column("old_size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("registry_head", LargeBinary(32), nullable=False),
    Column("registry_count", BigInteger, nullable=False),
    Column("witness_id", LargeBinary(32), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("transaction", LargeBinary(32), nullable=False),
    Column("place", Integer, nullable=False),
    UniqueConstraint("witness_id", name="heads_witness_id"),
    Index("heads_block", "block_number"),
)
# Derived from the chain once the block of a head is final: what shows the head without a node (docs/spec/block.md).
head_proofs = _table(
    "head_proofs",
    Column("new_size", _Position, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Index("head_proofs_block", "block_number"),
)
"""`proof` is the canonical text, deflated (zlib)."""
