"""
Make the tables of rules and findings.
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
        "guardrails_rules",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    )
    state = op.create_table(
        "guardrails_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(state, [{"id": 1, "generation": 0}])
    op.create_table(
        "guardrails_findings",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(128)),
        sa.Column("team_id", sa.String(128)),
        sa.Column("customer_id", sa.String(128)),
        sa.Column("model", sa.String(256)),
        sa.Column("guardrail", sa.String(64), nullable=False),
        sa.Column("detector", sa.String(64), nullable=False),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("is_shadow", sa.Boolean, nullable=False),
        sa.Column("place", sa.String(96)),
        sa.Column("span_start", sa.Integer),
        sa.Column("span_end", sa.Integer),
        sa.Column("score", sa.Float),
        sa.Column("took_us", sa.BigInteger),
        sa.Column("latency_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("guardrails_findings_at", "guardrails_findings", ["at"])
    op.create_index(
        "guardrails_findings_request", "guardrails_findings", ["request_id"]
    )
