"""
Make the table of what was saved.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """
    Make the table: one row a day.
    """
    counts = (
        "hits",
        "similar",
        "missed",
        "joined",
        "kept",
        "store_errors",
        "saved_nano",
        "saved_tokens",
    )
    op.create_table(
        "caching_days",
        sa.Column("day", sa.String(10), primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
    )
