"""
Tests of `gateway.server.plain_routes`: answers that ask no model.
"""

from __future__ import annotations

import pytest

from gateway.server.plain_routes import BASES, DOUBLED

from .conftest import Serve

WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/"), ("GET", "/"), ("HEAD", "/api/hello"), ("GET", "/?x=1")],
)
async def test_greets_whoever_asks(serve: Serve, method: str, path: str) -> None:
    """
    Coding agents find somebody here before they authenticate, under whatever name.
    """
    wire = await (await serve(allowed_hosts=("gw.example",))).wire()

    await wire.head(method, path, b"Origin: https://a.example\r\n", host=b"b.example")
    reply = await wire.read(has_body=method == "GET")

    assert reply.status == 200
    assert reply.body.startswith(b"Gatewright" if method == "GET" else b"")


async def test_is_no_open_proxy(serve: Serve) -> None:
    """
    A request for another server is refused, wherever it points.
    """
    wire = await (await serve()).wire()

    await wire.head("GET", "http://evil.example/")
    first = await wire.read()
    await wire.post("http://localhost/v1/chat/completions")
    second = await wire.read()

    assert (first.status, first.code) == (400, "bad_request_target")
    assert (second.status, second.code) == (400, "bad_request_target")


async def test_makes_no_tunnel(serve: Serve) -> None:
    """
    CONNECT is refused, and what follows it on the connection is not passed on.
    """
    wire = await (await serve()).wire()

    await wire.send(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    reply = await wire.read()

    assert 400 <= reply.status < 500
    assert reply.headers["server"] == "gatewright"


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/nothing", "openai"),
        ("/nothing", "openai"),
        ("/openai/v1/messages", "openai"),
        ("/anthropic/v1/chat/completions", "anthropic"),
        ("/anthropic/nothing", "anthropic"),
        ("/v1/messages/batches", "anthropic"),
        ("/v1/chat%2Fcompletions", "openai"),
    ],
)
async def test_unknown_routes_are_told_in_the_vendors_words(
    serve: Serve, path: str, shape: str
) -> None:
    """
    An unknown route is 404, in the shape of its prefix's vendor.
    """
    wire = await (await serve()).wire()

    await wire.post(path)
    reply = await wire.read()

    assert (reply.status, reply.code) == (404, "route_not_found")
    assert (reply.json.get("type") == "error") is (shape == "anthropic")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/anthropic/v1/v1/messages", DOUBLED),
        ("/v1/v1/models", DOUBLED),
        ("/api/v9/chat", BASES),
        ("/v1/messages/v1x", BASES),
    ],
)
async def test_unknown_routes_tell_what_to_change(
    serve: Serve, path: str, told: str
) -> None:
    """
    Most of them come of a base URL that a client adds more to, or less, than was expected.
    """
    wire = await (await serve()).wire()

    await wire.post(path)

    assert (await wire.read()).json["error"]["message"].endswith(told)


async def test_the_header_tells_the_vendor(serve: Serve) -> None:
    """
    Where the path does not say whose words to use, Anthropic's header does.
    """
    wire = await (await serve()).wire()

    await wire.head("GET", "/v1/nothing", b"anthropic-version: 2023-06-01\r\n")

    assert (await wire.read()).json["type"] == "error"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/messages", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD"),
        ("GET", "/v1/responses/compact", "POST"),
    ],
)
async def test_wrong_methods(serve: Serve, method: str, path: str, allow: str) -> None:
    """
    A wrong method is 405 and names the right ones.
    """
    wire = await (await serve()).wire()

    await wire.head(method, path)
    reply = await wire.read()

    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == allow


@pytest.mark.parametrize("headers", [b"", b"anthropic-version: 2023-06-01\r\n"])
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("CONNECT", "example.com:443"),
        ("CONNECT", "/v1/models"),
        ("OPTIONS", "*"),
    ],
)
async def test_what_names_no_path_is_refused_in_our_words(
    serve: Serve, method: str, target: str, headers: bytes
) -> None:
    """
    It is 405, nothing of aiohttp's, and no byte behind a CONNECT is taken for a request.
    """
    wire = await (await serve()).wire()

    await wire.head(method, target, headers)
    reply = await wire.read()

    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.headers["x-gw-request-id"].startswith("req_")
    assert (reply.json.get("type") == "error") is bool(headers)
    assert await wire.at_end()


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/realtime", "/", "/v1/models"])
async def test_websocket_is_not_spoken(serve: Serve, path: str) -> None:
    """
    An upgrade to WebSocket is 426, which sends Codex straight to HTTP; the connection lives.
    """
    wire = await (await serve()).wire()

    await wire.head("GET", path, WEBSOCKET)
    reply = await wire.read()
    await wire.post()

    assert (reply.status, reply.code) == (426, "upgrade_refused")
    assert reply.json["error"]["code"] == "upgrade_refused"
    assert (await wire.read()).status == 200


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("GET", "/v1/responses/resp_1", "GET /v1/responses/{id}"),
        ("DELETE", "/openai/responses/resp_1", "DELETE /openai/responses/{id}"),
        ("POST", "/v1/responses/resp_1/cancel", "POST /v1/responses/{id}/cancel"),
        ("GET", "/v1/responses/r/input_items", "GET /v1/responses/{id}/input_items"),
        ("POST", "/openai/v1/responses/compact", "POST /openai/v1/responses/compact"),
        ("POST", "/v1/responses/input_tokens", "POST /v1/responses/input_tokens"),
    ],
)
async def test_what_is_the_vendors_own_is_refused_by_name(
    serve: Serve, method: str, path: str, named: str
) -> None:
    """
    Operations on stored responses and their like are 501, say which, and that they stay so.
    """
    wire = await (await serve()).wire()

    await wire.head(method, path)
    reply = await wire.read()

    assert (reply.status, reply.code) == (501, "unsupported_operation")
    assert named in reply.json["error"]["message"]
    assert reply.headers["x-should-retry"] == "false"
