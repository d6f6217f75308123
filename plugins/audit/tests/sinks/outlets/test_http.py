"""
JSON by POST reaches whoever takes it, at least once.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web


def index_of(event):
    told = event["unmapped"]
    return told.get("index", f"#{told.get('tree_size')}")


def received(listener):
    return [
        index_of(json.loads(line))
        for _, body in listener.requests
        for line in body.splitlines()
    ]


async def test_lines_of_json_are_posted(yard, signing, listener):
    """
    With the secret as a bearer token.
    """
    signing.write(2)

    await yard.deliver(yard.ship(type="http", url=listener.url, secret="env.TOKEN"))

    ((request, _),) = listener.requests
    assert received(listener) == [0, 1, "#2"]
    assert request.headers["authorization"] == "Bearer tok-123"
    assert request.headers["content-type"] == "application/x-ndjson"


async def test_a_list_is_posted_where_that_is_wanted(yard, signing, listener):
    """
    And a header of one's own has the secret as it is.
    """
    signing.write(2)
    settings = {"form": "json", "header": "X-Api-Key", "secret": "env.TOKEN"}

    await yard.deliver(yard.ship(type="http", url=listener.url, **settings))

    ((request, body),) = listener.requests
    assert [index_of(each) for each in json.loads(body)] == [0, 1, "#2"]
    assert request.headers["x-api-key"] == "tok-123"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 408, 429, 500, 503])
async def test_what_was_not_taken_is_sent_again(yard, signing, listener, status):
    """
    Whatever the answer says: nothing is passed over.
    """
    signing.write(1)
    listener.script = [web.Response(status=status) for _ in range(2)]

    await yard.deliver(yard.ship(type="http", url=listener.url))

    assert received(listener) == [0, "#1"] * 3


async def test_a_server_that_wants_to_be_left_alone_is(yard, signing, listener):
    """
    ``Retry-After`` in seconds counts, up to a bound.
    """
    signing.write(1)
    listener.script = [web.Response(status=429, headers={"retry-after": "1"})]
    ship = yard.ship(type="http", url=listener.url)
    began = asyncio.get_running_loop().time()

    await yard.deliver(ship)

    assert asyncio.get_running_loop().time() - began >= 1.0


async def test_what_is_too_large_goes_in_parts(yard, signing, listener):
    """
    413 has the batch cut in halves; a record that is too large by itself is counted, and passed.
    """

    def usual(request, body):
        large = body.count(b"\n") > 2 or b'\\"seq\\":3' in body
        return web.Response(status=413 if large else 200)

    listener.usual = usual
    signing.write(6)
    ship = yard.ship(type="http", url=listener.url)

    await yard.deliver(ship)

    taken = set(received(listener))
    assert taken >= {0, 1, 2, 4, 5, "#6"}
    told = ship.document()
    assert (told["refused"], told["last_refused"], told["delivered"]) == (1, 3, 6)


async def test_a_server_that_is_gone_is_waited_for(yard, signing, listener):
    """
    Nobody listens; the sink says so, names no address, and delivers once somebody does.
    """
    signing.write(1)
    url = listener.url
    ship = yard.ship(type="http", url="http://127.0.0.1:9")
    await yard.ailing(ship)
    assert ship.document()["problem"] == "it cannot be reached, or its answer broke off"
    assert ship.document()["lag_entries"] == 1

    await yard.deliver(yard.ship(type="http", url=url))

    assert received(listener) == [0, "#1"]


async def test_a_secret_that_is_missing_is_told_by_its_name(yard, signing, listener):
    """
    And nothing is sent without it.
    """
    signing.write(1)
    ship = yard.ship(type="http", url=listener.url, secret="env.NOT_THERE")

    await yard.ailing(ship)

    assert "env.NOT_THERE" in ship.problem
    assert listener.requests == []


async def test_a_long_log_goes_in_bounded_batches(yard, signing, listener):
    """
    Neither more records nor more bytes than a batch may have.
    """
    signing.write(1200)
    signing.write(40, text="x" * 60_000)

    await yard.deliver(yard.ship(type="http", url=listener.url))

    sizes = [len(body.splitlines()) for _, body in listener.requests]
    assert sum(sizes) == 1242
    assert max(sizes) <= 500
    assert max(len(body) for _, body in listener.requests) < 3 * 1024 * 1024
