"""
A served gateway brings its audit log to other systems, and nothing that a caller wrote with it.
"""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from aiohttp import web

from gateway.testing import FakeUpstream

CHAT = "/v1/chat/completions"
CALLS = 30
#: What a caller may write into, each with a word that must not come out.
CANARIES = [f"canary{number:02d}x{'q' * 8}" for number in range(20)]


class Collector:
    """
    Takes lines of JSON; first it is out of order for a while.
    """

    def __init__(self):
        self.raw = []
        self.refusing = 2
        self.url = ""

    async def take(self, request):
        body = await request.read()
        if self.refusing:
            self.refusing -= 1
            return web.Response(status=503)
        assert request.headers["authorization"] == "Bearer collector-token"
        self.raw.append(body)
        return web.Response()

    def events(self):
        return [json.loads(line) for body in self.raw for line in body.splitlines()]

    def kinds(self):
        return [each["unmapped"]["entry_type"] for each in self.events()]


@pytest.fixture
async def collector():
    found = Collector()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/"
    yield found
    await runner.cleanup()


def settings_of(fake, collector, folder):
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    sinks = {
        "collector": {"type": "http", "url": collector.url, "secret": "env.TOKEN"},
        "file": {"type": "file", "path": str(folder / "audit.jsonl")},
        "dead": {"type": "syslog", "url": "tls://127.0.0.1:9"},
    }
    return json.dumps(
        {
            "version": 1,
            "server": {"data_dir": str(folder / "data")},
            "providers": {"p": place},
            "hooks": {"only": ["audit"]},
            "plugins": {"audit": {"sinks": sinks, "keep": {"days": 30}}},
        }
    )


def ask(serving, number):
    """
    Call with a word in every field that is the caller's own.
    """
    words = iter(CANARIES)
    document = {
        "model": "p/m",
        "messages": [
            {"role": "system", "content": next(words), "name": next(words)},
            {"role": "user", "content": next(words)},
            {"role": "assistant", "content": None, "tool_calls": [_tool_call(words)]},
            {"role": "tool", "tool_call_id": "t1", "content": next(words)},
            {"role": "user", "content": f"{next(words)} {number}"},
        ],
        "user": next(words),
        "metadata": {next(words): next(words)},
        "stop": [next(words)],
        "tools": [_tool(words)],
        "max_tokens": 20,
        "x_unknown": next(words),
    }
    headers = {"X_Request_Id": next(words), "User_Agent": next(words)}
    answer = serving.call(f"{CHAT}?{next(words)}=1", document, **headers)
    assert answer.status == 200, answer.body
    return answer.headers["x-gw-request-id"]


def _tool_call(words):
    told = {"name": next(words), "arguments": json.dumps({"a": next(words)})}
    return {"id": "t1", "type": "function", "function": told}


def _tool(words):
    told = {"name": "f", "description": next(words), "parameters": {"type": "object"}}
    return {"type": "function", "function": told}


async def test_what_is_recorded_is_exported(run_serve, collector, tmp_path):
    """
    Every request's intent and outcome reaches the collector, which refused at first, and the file;
    a dead sink is named with its lag; no word of the caller stands in any of it.
    """
    environ = {"TOKEN": "collector-token"}
    if "PYTHONPATH" in os.environ:
        environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
    async with FakeUpstream() as fake:
        serving = await asyncio.to_thread(
            run_serve,
            settings=settings_of(fake, collector, tmp_path),
            environ=environ,
        )
        asked = [await asyncio.to_thread(ask, serving, at) for at in range(CALLS)]

        def all_is_there():
            return collector.kinds().count("outcome") >= CALLS

        await _until(all_is_there)
        told = (await asyncio.to_thread(serving.admin, "/api/audit/status")).body
        ended = await asyncio.to_thread(serving.end)

    status = json.loads(told)
    assert ended == 0
    for kind in ("intent", "outcome"):
        found = {
            each["metadata"]["correlation_uid"]
            for each in collector.events()
            if each["unmapped"]["entry_type"] == kind
        }
        assert found == set(asked)
    lines = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    places = [json.loads(line)["unmapped"].get("index") for line in lines]
    whole = [place for place in places if place is not None]
    assert whole == list(range(len(whole)))
    assert json.loads(lines[-1])["unmapped"]["tree_size"] == len(whole)
    assert set(status["sinks"]) == {"collector", "file", "dead"}
    assert status["sinks"]["dead"]["lag_entries"] > 0
    assert status["sinks"]["dead"]["problem"].startswith("no connection")
    assert status["retention"]["policy"]["days"] == 30
    exported = b"".join([*collector.raw, *lines])
    assert [word for word in CANARIES if word.encode() in exported] == []


async def test_a_sink_that_is_added_later_gets_all(run_serve, collector, tmp_path):
    """
    A reload is enough: the process that exports begins again, by the settings as they are then.
    """
    environ = {"TOKEN": "collector-token"}
    if "PYTHONPATH" in os.environ:
        environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
    async with FakeUpstream() as fake:
        with_sinks = settings_of(fake, collector, tmp_path)
        without = json.loads(with_sinks)
        del without["plugins"]["audit"]["sinks"]
        serving = await asyncio.to_thread(
            run_serve, settings=json.dumps(without), environ=environ
        )
        first = await asyncio.to_thread(ask, serving, 0)
        (tmp_path / "gateway.yaml").write_text(with_sinks)

        reloaded = await asyncio.to_thread(serving.admin, "/api/reload", {})
        second = await asyncio.to_thread(ask, serving, 1)
        await _until(lambda: collector.kinds().count("outcome") == 2)

    assert reloaded.status == 200, reloaded.body
    found = {each["metadata"].get("correlation_uid") for each in collector.events()}
    assert {first, second} <= found


async def _until(comes_true):
    for _ in range(3000):
        if comes_true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came true")
