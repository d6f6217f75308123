"""
Make the table of runs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """
    Make the table.
    """
    op.create_table(
        "governance_runs",
        sa.Column("key_id", sa.String(128), primary_key=True),
        sa.Column("run_id", sa.String(128), primary_key=True),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("cap_nano", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
    )
    op.create_index("governance_runs_used_at", "governance_runs", ["used_at"])
