"""Proofs of the blocks of heads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of proofs."""
    size = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "head_proofs",
        sa.Column("new_size", size, autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("new_size"),
        sqlite_with_rowid=True,
    )
    op.create_index("head_proofs_block", "head_proofs", ["block_number"])
