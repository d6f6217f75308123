"""
Tests of `gateway.server.health`.
"""

from __future__ import annotations

from gateway.server.health import NOT_STARTED, Health

from .conftest import Reply, Serve, Served


async def get(served: Served, path: str) -> Reply:
    wire = await served.wire()
    await wire.head("GET", path, b"Origin: https://a.example\r\n", host=b"10.0.0.1")
    return await wire.read()


def test_is_not_ready_at_first() -> None:
    """
    A worker is not willing before it says so.
    """
    assert Health().reason == NOT_STARTED


async def test_says_that_it_is_ready(serve: Serve) -> None:
    """
    Whoever asks, under whatever name, hears that the worker is alive and willing.
    """
    served = await serve()

    assert (await get(served, "/healthz")).json == {"status": "alive"}
    assert (await get(served, "/readyz")).status == 200


async def test_says_why_it_is_not_ready(serve: Serve) -> None:
    """
    An unwilling worker says why, and stays alive.
    """
    served = await serve()
    served.health.unready("audit log full")

    reply = await get(served, "/readyz")

    assert (reply.status, reply.json["reason"]) == (503, "audit log full")
    assert (await get(served, "/healthz")).status == 200


async def test_becomes_ready_again(serve: Serve) -> None:
    """
    What passed is forgotten.
    """
    served = await serve()
    served.health.unready("busy")

    served.health.ready()

    assert (await get(served, "/readyz")).status == 200


def test_a_worker_that_is_willing_asks_further() -> None:
    """
    Its own reason comes first; nobody is asked before.
    """
    health = Health(ask=lambda: "audit: no disk")
    at_first = health.why_not

    health.ready()

    assert (at_first, health.why_not) == (NOT_STARTED, "audit: no disk")


async def test_drains(serve: Serve) -> None:
    """
    A worker that drains is not ready, and says so.
    """
    served = await serve()

    served.health.drain()

    assert (await get(served, "/readyz")).json["reason"] == "draining"
    assert served.health.is_draining
