"""
The tables that rules and findings are stored in.

Every change of a rule takes the next generation in its own transaction, by which workers notice
it.  A finding says where something was, never what.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()

#: Rules made by the management API, each as the document that the settings file would have.
RULES: Final = Table(
    "guardrails_rules",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("document", Text, nullable=False),
    # The generation of its last change.
    Column("revision", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

#: One row.
STATE: Final = Table(
    "guardrails_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
)

FINDINGS: Final = Table(
    "guardrails_findings",
    METADATA,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("at", Float, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("key_id", String(128)),
    Column("team_id", String(128)),
    Column("customer_id", String(128)),
    Column("model", String(256)),
    Column("guardrail", String(64), nullable=False),
    Column("detector", String(64), nullable=False),
    Column("type", String(128), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("is_shadow", Boolean, nullable=False),
    # Whose text of which kind: "user message".
    Column("place", String(96)),
    Column("span_start", Integer),
    Column("span_end", Integer),
    Column("score", Float),
    # How long the looking took that found it, and all looking at the exchange.
    Column("took_us", BigInteger),
    Column("latency_ns", BigInteger, nullable=False),
    Index("guardrails_findings_at", "at"),
    Index("guardrails_findings_request", "request_id"),
)
