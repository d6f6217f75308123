"""
Connections are counted, bodies are capped.
"""

from __future__ import annotations

import asyncio
import io

import orjson

from gateway.testing.fake import listener


async def test_counts_connections(fake):
    """
    A connection counts from its opening until it is closed.
    """
    reader, writer = await asyncio.open_connection(fake.host, fake.port)
    await fake.wait_for(lambda: fake.open_connections == 1)

    writer.close()
    await writer.wait_closed()

    await fake.wait_for(lambda: fake.open_connections == 0)
    assert fake.connections_made == 1
    assert await reader.read() == b""


async def test_a_connection_serves_many_requests(fake, http, chat):
    """
    Keep-alive is kept.
    """
    for _ in range(3):
        async with http.post("/v1/chat/completions", json=chat()) as response:
            await response.read()

    assert fake.connections_made == 1


async def test_a_body_too_large_is_refused(fake, http, monkeypatch):
    """
    A body past the cap gets 413, and is not kept.
    """
    monkeypatch.setattr(listener, "_LARGEST_BODY", 1_000)

    async with http.post("/v1/messages", data=b"x" * 2_000) as response:
        status, document = response.status, await response.json()

    assert (status, document["error"]["type"]) == (413, "request_too_large")
    assert list(fake.requests) == []


async def test_a_body_past_the_servers_default_is_taken(http, chat):
    """
    Two megabytes are no trouble: images come that large.
    """
    body = io.BytesIO(orjson.dumps(chat(metadata={"a": "x" * 2_000_000})))

    async with http.post("/v1/chat/completions", data=body) as response:
        assert response.status == 200
