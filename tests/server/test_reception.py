"""
Tests of `gateway.server.reception`: requests that never become an exchange are told of.
"""

from __future__ import annotations

from .conftest import JSON, Serve

CANARY = "canary-77"


async def test_watchers_hear_of_who_was_turned_away(serve: Serve) -> None:
    """
    Route, status, code and the caller's own id are told; nothing else that the caller wrote.
    """
    served = await serve()
    wire = await served.wire()

    headers = b"Content-Type: text/plain\r\nX-Request-Id: mine\r\nX-A: canary-77\r\n"
    await wire.post(f"/v1/messages?key={CANARY}", CANARY.encode(), headers)
    reply = await wire.read()

    (away,) = served.turned_away
    assert (away.path, away.method, away.dialect) == (
        "/v1/messages",
        "POST",
        "anthropic_messages",
    )
    assert (away.status, away.code, away.operation) == (415, "not_json", "generate")
    assert (away.peer, away.client_request_id) == ("127.0.0.1", "mine")
    assert away.request_id == reply.headers["x-gw-request-id"]
    assert away.bytes_out == len(reply.body)
    assert away.duration_s >= 0
    assert CANARY not in repr(away)


async def test_a_path_that_no_route_has_is_not_told(serve: Serve) -> None:
    """
    An unknown path may hold anything, so nobody is told of it; nor of an odd method.
    """
    served = await serve()
    wire = await served.wire()

    await wire.head("PROPFIND", f"/{CANARY}")
    reply = await wire.read()

    (away,) = served.turned_away
    assert (away.path, away.method, away.status) == ("", "OTHER", 404)
    assert CANARY.encode() not in reply.body


async def test_watchers_hear_of_plain_answers(serve: Serve) -> None:
    """
    A list of models is told of without a code.
    """
    served = await serve()
    wire = await served.wire()

    await wire.head("GET", "/v1/models")
    await wire.read()

    (away,) = served.turned_away
    assert (away.path, away.status, away.code) == ("/v1/models", 200, "")


async def test_an_exchange_is_not_turned_away(serve: Serve) -> None:
    """
    What became an exchange is told of by the gateway's observers, not here.
    """
    served = await serve()
    wire = await served.wire()

    await wire.post(headers=JSON)
    await wire.read()

    assert served.turned_away == []
