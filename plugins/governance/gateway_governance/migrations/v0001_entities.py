"""
Make the tables of entities.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """
    Make the tables, and the one row of state.
    """
    op.create_table(
        "governance_entities",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("live_name", sa.String(128)),
        sa.Column("is_declared", sa.Boolean, nullable=False),
        sa.Column("refers_to", sa.String(160)),
        sa.Column("removed_at", sa.Float),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index(
        "governance_entities_generation", "governance_entities", ["generation"]
    )
    op.create_index(
        "governance_entities_name",
        "governance_entities",
        ["kind", "live_name"],
        unique=True,
    )
    op.create_index(
        "governance_entities_refers_to", "governance_entities", ["refers_to"]
    )
    op.create_table(
        "governance_lookups",
        sa.Column("lookup", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(128), nullable=False),
    )
    op.create_index("governance_lookups_key", "governance_lookups", ["key_id"])
    state = op.create_table(
        "governance_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("mint", sa.String(64)),
    )
    op.bulk_insert(state, [{"id": 1, "generation": 0, "mint": None}])
