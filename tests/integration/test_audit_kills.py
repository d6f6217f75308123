"""
A gateway that is killed under load: what callers were told is in the log, every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal

import aiohttp
import pytest
from audit_logs import logged

from gateway.testing import FakeUpstream, Script
from gateway_audit.places import Places

VALUE = "vk-of-the-shop-0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {VALUE}"}
CLIENTS = 8
WARM = 40
PATIENCE_S = 30.0


def settings_of(fake, data_dir):
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    governance = {
        "require_key": True,
        "virtual_keys": {"shop": {"secret": "env.VK"}},
        "pricing_overrides": {
            "all": {"model": "*", "prices": {"input": 1, "output": 10}}
        },
    }
    return json.dumps(
        {
            "version": 1,
            "server": {"data_dir": str(data_dir), "workers": 2},
            "providers": {"p": place},
            "routing": {"retries": 0},
            "hooks": {"only": ["audit", "governance"]},
            "plugins": {"governance": governance, "audit": {}},
        }
    )


class Clients:
    """
    Callers who remember what they were told to the last byte.
    """

    def __init__(self, url):
        self._url = url
        self.acknowledged = set()

    async def run(self):
        async with aiohttp.ClientSession() as session:
            # A killed gateway ends them.
            with contextlib.suppress(aiohttp.ClientError, OSError):
                for number in range(10_000):
                    await self._ask(session, number)

    async def _ask(self, session, number):
        body = {
            "model": f"p/m{number % 3}",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 100,
            "stream": number % 2 == 0,
        }
        async with session.post(self._url, json=body, headers=HEADERS) as answer:
            raw = await answer.read()
            whole = raw.endswith((b"}", b"data: [DONE]\n\n"))
            if answer.status == 200 and whole:
                self.acknowledged.add(answer.headers["x-gw-request-id"])


async def processes_of(serving):
    """
    Name every process of the gateway.
    """
    told = (await asyncio.to_thread(serving.admin, "/api/status")).body
    status = json.loads(told)
    children = [*status["workers"], *status["processes"]]
    return [status["supervisor"], *(each["pid"] for each in children)]


def outcomes_in(data_dir):
    """
    List whose outcomes are in the log by now.
    """
    if not (Places.below(data_dir).log / "checkpoint").exists():
        return []
    return [each["request"] for each in logged(data_dir) if each["type"] == "outcome"]


KILLS = [
    pytest.param(3, id="3-kills"),
    pytest.param(20, id="20-kills", marks=pytest.mark.deep),
]


@pytest.mark.parametrize("kills", KILLS)
async def test_nothing_that_was_acknowledged_is_lost(run_serve, tmp_path, rng, kills):
    """
    Supervisor, workers and sequencer are killed at once, at any moment, again and again; then
    the log has every outcome that a caller was told of, once, each with its intent before it.
    """
    data_dir = tmp_path / "data"
    acknowledged = set()
    environ = {"VK": VALUE}
    async with FakeUpstream(remember=100_000) as fake:
        for index in range(3):
            text = "word " * rng.randrange(1, 40)
            fake.script(f"m{index}", Script(text=text, split=4, latency_ms=index))
        settings = settings_of(fake, data_dir)
        for _ in range(kills):
            serving = await asyncio.to_thread(
                run_serve, settings=settings, environ=environ
            )
            url = f"{serving.started['calls']}/v1/chat/completions"
            clients = Clients(url)
            load = asyncio.gather(*(clients.run() for _ in range(CLIENTS)))
            pids = await processes_of(serving)
            async with asyncio.timeout(PATIENCE_S):
                goal = WARM + rng.randrange(100)
                while len(clients.acknowledged) < goal:  # noqa: ASYNC110 - of clients
                    await asyncio.sleep(0.01)
            await asyncio.sleep(rng.random() / 5)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            await load
            await asyncio.to_thread(serving.process.wait, PATIENCE_S)
            acknowledged |= clients.acknowledged
        serving = await asyncio.to_thread(run_serve, settings=settings, environ=environ)
        # The sequencer gives way to those who serve, and on a busy machine comes long after.
        await asyncio.to_thread(
            serving.until, lambda: acknowledged <= set(outcomes_in(data_dir))
        )
        assert await asyncio.to_thread(serving.end) == 0

    entries = logged(data_dir)
    outcomes = outcomes_in(data_dir)
    places = [(each["worker"], each["seq"]) for each in entries]
    intents = {}
    for index, each in enumerate(entries):
        if each["type"] == "intent":
            intents.setdefault(each["request"], index)
    assert acknowledged <= set(outcomes)
    assert len(acknowledged) >= kills * WARM
    assert len(set(outcomes)) == len(outcomes)
    assert len(set(places)) == len(places)
    assert [each for each in entries if each["type"] == "gap"] == []
    for index, each in enumerate(entries):
        if each["type"] == "outcome":
            assert intents[each["request"]] < index
