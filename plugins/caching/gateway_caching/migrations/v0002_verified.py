"""
Count what verifying similar answers found.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """
    Add the two counts; of the days before nobody knows.
    """
    for name in ("verified", "disagreed"):
        column = sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        op.add_column("caching_days", column)
