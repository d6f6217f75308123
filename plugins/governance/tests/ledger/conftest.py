"""
A migrated database for each test, and ledgers on it.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager

import pytest

from gateway.storage import Storage
from gateway.testing import ManualClock
from gateway_governance.entities import Owner, OwnerKind, Period, Unit
from gateway_governance.ledger.ledger import Ledger
from gateway_governance.ledger.meters import Meter
from gateway_governance.ledger.sqlite import MIGRATED_AS, MIGRATIONS, SqliteAuthority


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A database file with the ledger's tables, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")

    async def make():
        storage = Storage(folder)
        await storage.migrate(MIGRATED_AS, MIGRATIONS)
        await storage.close()

    asyncio.run(make())
    return folder / "gateway.db"


@pytest.fixture
def data_dir(tmp_path, migrated):
    """A folder with a database of its own."""
    shutil.copy(migrated, tmp_path / "gateway.db")
    return tmp_path


@pytest.fixture
def clock():
    """A clock that stands."""
    return ManualClock()


@pytest.fixture
def told():
    """What ledgers told of themselves."""
    return []


@pytest.fixture
def ledger_of(data_dir, clock, told):
    """Opens a ledger, as another worker each time."""

    @asynccontextmanager
    async def open_one(**more):
        authority = SqliteAuthority(data_dir / "gateway.db")
        try:
            async with Ledger.open(
                data_dir,
                authority,
                **{"clock": clock, "worker_slots": 64, "tell": told.append, **more},
            ) as ledger:
                yield ledger
        finally:
            await authority.close()

    return open_one


@pytest.fixture
def meter_of():
    """Makes meters."""

    def make(name, unit, limit, period=Period.HOUR, **more):
        owner = Owner(OwnerKind.TEAM, name)
        word = period.value if period else "-"
        return Meter(
            id=f"{owner}/{unit.name}/{word}",
            owner=owner,
            unit=unit,
            limit=limit,
            period=period,
            **{"anchor": 0.0, **more},
        )

    return make


@pytest.fixture
def budget(meter_of):
    """A strict budget of 1000 nano an hour."""
    return meter_of("payments", Unit.MONEY, 1000)
