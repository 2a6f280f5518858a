"""Receipts without what follows from the rest of their row."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop what was signed, and by which key."""
    op.drop_column("receipts", "accepted")
    op.drop_column("receipts", "key")
