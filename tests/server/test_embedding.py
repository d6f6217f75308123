"""
The gateway inside somebody else's aiohttp application.
"""

from __future__ import annotations

import contextlib

import openai
import pytest
from aiohttp import ClientSession, web

from gateway import Gateway, Plugin, hookimpl, subapp
from gateway.settings import settings_from_dict
from gateway.testing import Script, settings_for


class CountingPlugin(Plugin):
    """
    Counts, and notes whether its lifespan was entered and left.
    """

    lives = []
    seen = 0

    @hookimpl
    @contextlib.asynccontextmanager
    async def lifespan(self, gateway):
        self.lives.append("entered")
        yield
        self.lives.append("left")

    @hookimpl
    def on_complete(self, exchange):
        type(self).seen += 1


@pytest.fixture(autouse=True)
def _fresh():
    CountingPlugin.lives = []
    CountingPlugin.seen = 0


@contextlib.asynccontextmanager
async def served(fake, prefix="/ai/"):
    """
    Serve an application of somebody's with a gateway below *prefix*; yields its URL.
    """
    gateway = Gateway(
        settings_from_dict(settings_for(fake)),
        plugins=[CountingPlugin],
        installed=False,
    )
    app = web.Application()
    app.add_routes([web.get("/own", _own)])
    app.add_subapp(prefix, subapp(gateway))
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _own(_):
    return web.Response(text="mine")


@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_sdk_reaches_it_below_its_prefix(fake_upstream, is_stream):
    """
    Whole and as a stream; the plugin sees the exchange.
    """
    fake_upstream.script("m", Script(text="hello from within"))

    async with served(fake_upstream) as url:
        client = openai.AsyncOpenAI(base_url=f"{url}/ai/v1", api_key="any")
        async with client:
            asked = {
                "model": "openai/m",
                "messages": [{"role": "user", "content": "hi"}],
            }
            if is_stream:
                stream = await client.chat.completions.create(**asked, stream=True)
                said = "".join(
                    [
                        c.choices[0].delta.content or ""
                        async for c in stream
                        if c.choices
                    ]
                )
            else:
                chat = await client.chat.completions.create(**asked)
                said = chat.choices[0].message.content

    assert said == "hello from within"
    assert CountingPlugin.seen == 1


async def test_it_lives_as_long_as_the_application(fake_upstream):
    """
    Plugins are started with it and stopped with it.
    """
    async with served(fake_upstream):
        assert CountingPlugin.lives == ["entered"]

    assert CountingPlugin.lives == ["entered", "left"]


async def test_the_applications_own_routes_stay_its_own(fake_upstream):
    """
    What is not below the prefix is none of the gateway's; what is gets its errors.
    """
    async with served(fake_upstream) as url, ClientSession() as session:
        own = await (await session.get(f"{url}/own")).text()
        ready = (await session.get(f"{url}/ai/readyz")).status
        nowhere = await session.get(f"{url}/ai/v1/nothing")
        outside = await session.get(f"{url}/v1/chat/completions")

        assert (own, ready) == ("mine", 200)
        assert nowhere.status == 404
        assert "x-gw-request-id" in nowhere.headers
        assert outside.status == 404
        assert "x-gw-request-id" not in outside.headers


async def test_a_page_of_the_web_cannot_ask_it(fake_upstream):
    """
    While nobody authenticates callers, the doors are those of ``gatewright serve``.
    """
    async with served(fake_upstream) as url, ClientSession() as session:
        answer = await session.post(
            f"{url}/ai/v1/chat/completions",
            json={"model": "openai/m", "messages": []},
            headers={"Origin": "https://elsewhere.example"},
        )

        assert answer.status == 403
    assert list(fake_upstream.requests) == []
