"""
Make the tables of the ledger and of usage.

Times are Unix microseconds, money is nano-USD.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = 200
_LONG_ID = 400


def upgrade() -> None:
    """
    Make them.
    """
    op.create_table(
        "governance_ledger_meters",
        sa.Column("meter", sa.String(_LONG_ID), primary_key=True),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "governance_ledger_windows",
        sa.Column("meter", sa.String(_LONG_ID), primary_key=True),
        sa.Column("starts", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("burned", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "governance_ledger_windows_ends", "governance_ledger_windows", ["ends"]
    )
    op.create_table(
        "governance_ledger_crossed",
        sa.Column("meter", sa.String(_LONG_ID), primary_key=True),
        sa.Column("starts", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("percent", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.Column("limit_nano", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "governance_ledger_burned",
        sa.Column("hold_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("charges", sa.Text, nullable=False),
        sa.Column("resolved_nano", sa.BigInteger),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("actor", sa.String(_ID), nullable=False, server_default=""),
    )
    _create_usage()


def _create_usage() -> None:
    op.create_table(
        "governance_usage",
        sa.Column("exchange_id", sa.String(_ID), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *[
            sa.Column(name, sa.String(_ID))
            for name in ("key_id", "key_name", "team_id", "customer_id", "run_id")
        ],
        *[
            sa.Column(name, sa.String(_LONG_ID), nullable=False)
            for name in ("provider", "model", "provider_key", "dialect", "operation")
        ],
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(_ID), nullable=False),
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in (
                *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens"),
                *("cache_write_1h_tokens", "input_audio_tokens", "input_image_tokens"),
                *("output_tokens", "reasoning_tokens", "output_audio_tokens"),
                *("output_image_tokens", "images", "server_tool_calls"),
            )
        ],
        sa.Column("service_tier", sa.String(_ID)),
        sa.Column("region", sa.String(_ID)),
        sa.Column("is_estimated", sa.Boolean, nullable=False),
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("cost_nano", "cost_seen_nano", "hold_nano")
        ],
        sa.Column("price_version", sa.String(_ID), nullable=False),
        sa.Column("hold_id", sa.BigInteger, nullable=False),
        sa.Column("charges", sa.Text, nullable=False),
    )
    op.create_index("governance_usage_at", "governance_usage", ["at"])
    for owner in ("key_id", "team_id", "run_id"):
        # Whose column is null belongs to nobody, and is not looked for.
        op.create_index(
            f"governance_usage_{owner}",
            "governance_usage",
            [owner, "at"],
            sqlite_where=sa.text(f"{owner} IS NOT NULL"),
            postgresql_where=sa.text(f"{owner} IS NOT NULL"),
        )
