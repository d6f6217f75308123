"""
The tables in which entities are stored.

One row is one entity as a document, beside what the database itself must know of it: which it is,
how it is called, and at which generation it was changed.  Every change takes the next generation
in its own transaction, and whoever changes something waits for whoever came before, so that rows
become visible in the order of their generations and none is ever missed.
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

#: The first part of every table's name, and of the table of migrations.
PLUGIN: Final = "governance"

ENTITIES: Final = Table(
    "governance_entities",
    METADATA,
    Column("kind", String(32), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("name", String(128), nullable=False),
    # The name while the entity is there, so that no two have the same; else nothing.
    Column("live_name", String(128)),
    Column("is_declared", Boolean, nullable=False),
    # Whom it belongs to or concerns, ``team/payments``, so that nobody removes that.
    Column("refers_to", String(160)),
    Column("removed_at", Float),
    Column("generation", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("governance_entities_generation", "generation"),
    Index("governance_entities_refers_to", "refers_to"),
    Index("governance_entities_name", "kind", "live_name", unique=True),
)

#: What each value of a virtual key is found by, so that no two keys have the same value.
LOOKUPS: Final = Table(
    "governance_lookups",
    METADATA,
    Column("lookup", String(64), primary_key=True),
    Column("key_id", String(128), nullable=False),
    Index("governance_lookups_key", "key_id"),
)

#: Runs that have a cap, for as long as they are used.
RUNS: Final = Table(
    "governance_runs",
    METADATA,
    Column("key_id", String(128), primary_key=True),
    Column("run_id", String(128), primary_key=True),
    # Unix microseconds; tells this run from an earlier one of the same name.
    Column("began_at", BigInteger, nullable=False),
    Column("cap_nano", BigInteger, nullable=False),
    # Unix seconds, a little behind: workers write it down now and then.
    Column("used_at", Float, nullable=False),
    Index("governance_runs_used_at", "used_at"),
)

#: One row.  *mint* is the fingerprint of the key that values are hashed with.
STATE: Final = Table(
    "governance_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
    Column("mint", String(64)),
)
