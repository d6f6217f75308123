"""
An audited gateway that is told to end, or to go by other settings, while callers are served.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import aiohttp
from audit_logs import logged

from gateway.testing import FakeUpstream, Script

STREAMS = 24
PATIENCE_S = 30.0


def settings_of(fake, data_dir, **more):
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    return json.dumps(
        {
            "version": 1,
            "server": {"data_dir": str(data_dir), "workers": 2},
            "providers": {"p": place},
            "hooks": {"only": ["audit"]},
            "plugins": {"audit": {}},
            **more,
        }
    )


async def stream(session, url, leaves):
    """
    Ask for a stream; leave after its first bytes, or read all of it.
    """
    body = {
        "model": "p/m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
    }
    async with session.post(url, json=body) as answer:
        if leaves:
            await answer.content.readany()
            answer.close()
        else:
            await answer.read()
        return answer.headers["x-gw-request-id"]


async def test_who_is_served_while_it_ends_and_reloads_is_in_the_log(
    run_serve, tmp_path
):
    """
    Streams are under way when settings change and when SIGTERM comes, and some callers leave: each
    has one intent and one outcome; the change stands there once, for both workers.
    """
    data_dir = tmp_path / "data"
    async with FakeUpstream(remember=1000) as fake:
        fake.script("m", Script(text="word " * 40, split=4, event_latency_ms=40))
        settings = settings_of(fake, data_dir)
        serving = await asyncio.to_thread(run_serve, settings=settings)
        url = f"{serving.started['calls']}/v1/chat/completions"
        async with aiohttp.ClientSession() as session:
            asked = [
                asyncio.ensure_future(stream(session, url, number % 4 == 0))
                for number in range(STREAMS)
            ]
            await fake.wait_for(lambda: len(fake.requests) == STREAMS)
            changed = settings_of(fake, data_dir, routing={"retries": 1})
            (tmp_path / "gateway.yaml").write_text(changed)
            await asyncio.to_thread(serving.admin, "/api/reload", {})
            code = await asyncio.to_thread(serving.end)
            ids = await asyncio.wait_for(asyncio.gather(*asked), PATIENCE_S)

    entries = logged(data_dir)
    kinds = Counter(each["type"] for each in entries)
    requests = {
        kind: Counter(each["request"] for each in entries if each["type"] == kind)
        for kind in ("intent", "outcome")
    }
    outcomes = Counter(each["outcome"] for each in entries if each["type"] == "outcome")
    assert code == 0
    assert requests["intent"] == requests["outcome"] == Counter(ids)
    assert outcomes["left"] == STREAMS // 4
    assert outcomes["finished"] == STREAMS - STREAMS // 4
    assert kinds["settings.changed"] == 1
    assert kinds["admin.acted"] == 1
    assert kinds["gateway.started"] == kinds["gateway.stopped"] == 2
    assert kinds["gap"] == 0
    assert list((data_dir / "audit/spool").iterdir()) == []
