"""
Tests of `gateway.server.cors`.
"""

from __future__ import annotations

import pytest

from gateway.server.cors import Cors
from gateway.settings import CorsSettings, Settings

from .conftest import JSON, Serve, Wire

PAGE = b"Origin: https://chat.example\r\n"
OTHER = b"Origin: https://evil.example\r\n"
PREFLIGHT = (
    b"Access-Control-Request-Method: POST\r\n"
    b"Access-Control-Request-Headers: authorization,content-type,x-stainless-lang\r\n"
)
LISTED = CorsSettings(allow_origins=("https://Chat.example", "https://b.example"))
ANY = CorsSettings(allow_origins=("*",))
ALLOWED = "access-control-allow-origin"


async def open_wire(serve: Serve, cors: CorsSettings, *, secure: bool = True) -> Wire:
    served = await serve(authenticates=secure, cors=cors)
    return await served.wire()


@pytest.mark.parametrize(
    ("cors", "said"), [(LISTED, "https://chat.example"), (ANY, "*")]
)
async def test_a_page_may_ask_and_read(
    serve: Serve, cors: CorsSettings, said: str
) -> None:
    """
    The browser's question needs no key; each answer, error or list may be read, headers too.
    """
    wire = await open_wire(serve, cors)

    await wire.head("OPTIONS", "/v1/chat/completions", PAGE + PREFLIGHT)
    asked = await wire.read(has_body=False)
    told = []
    for path in ("/v1/chat/completions", "/v1/messages?a=1", "/nowhere"):
        await wire.post(path, headers=JSON + PAGE)
        told.append(await wire.read())
    await wire.post(headers=PAGE)
    told.append(await wire.read())
    await wire.head("GET", "/v1/models", PAGE)
    told.append(await wire.read())

    assert asked.status == 204
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert (
        asked.headers["access-control-allow-headers"]
        == "authorization,content-type,x-stainless-lang"
    )
    assert int(asked.headers["access-control-max-age"]) > 0
    assert [reply.status for reply in told] == [200, 200, 404, 415, 200]
    for reply in (asked, *told):
        assert reply.headers[ALLOWED] == said
        assert "Origin" in reply.headers["vary"]
        assert "access-control-allow-credentials" not in reply.headers
    assert {reply.headers["access-control-expose-headers"] for reply in told} == {"*"}


@pytest.mark.parametrize("cors", [CorsSettings(), LISTED], ids=["off", "others"])
async def test_other_pages_may_not(serve: Serve, cors: CorsSettings) -> None:
    """
    Without the setting, or for an origin that it does not name, nothing is said to the browser.
    """
    wire = await open_wire(serve, cors)

    await wire.head("OPTIONS", "/v1/chat/completions", OTHER + PREFLIGHT)
    asked = await wire.read()
    await wire.post(headers=JSON + OTHER)
    answered = await wire.read()

    assert (asked.status, answered.status) == (405, 200)
    for reply in (asked, answered):
        assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_who_is_no_browser_is_told_nothing(serve: Serve) -> None:
    """
    OPTIONS alone is a wrong method as ever, and an answer without Origin has no more headers.
    """
    wire = await open_wire(serve, LISTED)

    await wire.head("OPTIONS", "/v1/models", PAGE)
    asked = await wire.read()
    await wire.post()
    answered = await wire.read()

    assert (asked.status, asked.code) == (405, "method_not_allowed")
    assert ALLOWED not in answered.headers


@pytest.mark.parametrize(
    ("cors", "status"), [(CorsSettings(), 403), (ANY, 403), (LISTED, 200)]
)
async def test_while_nothing_authenticates_the_page_must_be_named(
    serve: Serve, cors: CorsSettings, status: int
) -> None:
    """
    Any page could spend the keys of who visits it, so ``*`` lets none in.
    """
    wire = await open_wire(serve, cors, secure=False)

    await wire.post(headers=JSON + PAGE)

    assert (await wire.read()).status == status


async def test_names_that_are_none_are_not_repeated(serve: Serve) -> None:
    """
    What a browser would never ask for is not echoed.
    """
    wire = await open_wire(serve, ANY)
    asked = b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: a;b\r\n"

    await wire.head("OPTIONS", "/v1/models", PAGE + asked)
    reply = await wire.read(has_body=False)

    assert reply.status == 204
    assert reply.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "access-control-allow-headers" not in reply.headers


def test_off_is_nothing_to_ask() -> None:
    """
    Without origins there is no object, so that a request pays one comparison.
    """
    assert Cors.of(Settings()) is None
