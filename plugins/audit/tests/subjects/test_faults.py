"""
Tests of `gateway_audit.subjects.faults`.
"""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from gateway_audit.subjects import faults
from gateway_audit.subjects.faults import RegisterFaults
from gateway_audit.subjects.register import Register


@pytest.fixture(name="register")
def _register(tmp_path):
    register = Register(tmp_path, bytes(64))
    yield register
    register.close()


async def test_a_fault_lasts_until_the_register_takes_something(register, monkeypatch):
    """
    Whoever is known is found in memory meanwhile, which does not make it well.
    """
    monkeypatch.setattr(faults, "TRIED_S", 0.01)
    watched = RegisterFaults(register)
    register._database.execute("PRAGMA query_only = ON")

    watched.note(sqlite3.OperationalError("database or disk is full"))
    await asyncio.sleep(0.05)
    ill = watched.fault
    register._database.execute("PRAGMA query_only = OFF")
    await asyncio.sleep(0.05)

    assert ill == "attempt to write a readonly database"
    assert watched.fault is None
    watched.close()


async def test_nobody_tries_when_it_was_closed(register, monkeypatch):
    """
    No timer outlives the gateway.
    """
    monkeypatch.setattr(faults, "TRIED_S", 0.01)
    watched = RegisterFaults(register)

    watched.note(sqlite3.OperationalError("disk I/O error"))
    watched.close()
    await asyncio.sleep(0.05)

    assert watched.fault == "disk I/O error"
