"""Time-stamps on checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of tokens."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "timestamps",
        sa.Column("number", number, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("renews", sa.BigInteger(), nullable=True),
        sa.Column("authority", sa.String(length=300), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("stamped_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("renews", name="timestamps_renews"),
        sqlite_with_rowid=True,
    )
    op.create_index("timestamps_authority", "timestamps", ["authority", "size"])
    op.create_index("timestamps_expires_at", "timestamps", ["expires_at"])
