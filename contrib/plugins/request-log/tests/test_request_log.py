"""
One line about each request, to a webhook.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiohttp import web

from gateway.testing import Script
from gateway.testing.conformance import Conformance
from gateway_request_log import RequestLogPlugin

ASK = {"model": "openai/m", "messages": [{"role": "user", "content": "canary-asked"}]}


class Webhook:
    """
    Takes batches, as long as it is told to.
    """

    def __init__(self):
        self.status = 200
        self.headers = []
        self.lines = []
        self.came = asyncio.Event()

    async def take(self, request):
        batch = await request.json()
        self.headers.append(dict(request.headers))
        if self.status == 200:
            self.lines += batch["requests"]
        self.came.set()
        return web.Response(status=self.status)


@pytest.fixture
async def webhook():
    hook = Webhook()
    app = web.Application()
    app.router.add_post("/lines", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/lines"
    yield hook
    await runner.cleanup()


@contextlib.asynccontextmanager
async def told(gateway_client, webhook, **more):
    yield await gateway_client(
        RequestLogPlugin,
        plugins={
            "requestlog": {
                "url": webhook.url,
                "secret": "env.TOKEN",
                "every_s": 0.01,
                **more,
            }
        },
        environ={"TOKEN": "t-1"},
    )


async def test_a_line_says_what_became_of_a_request(
    gateway_client, fake_upstream, webhook
):
    """
    In numbers and names: nothing that was asked or answered is in it.
    """
    fake_upstream.script("m", Script(text="canary-answered"))

    async with told(gateway_client, webhook) as client:
        answer = await client.post("/v1/chat/completions", ASK)
        async with asyncio.timeout(10):
            await webhook.came.wait()

    (line,) = webhook.lines
    assert line["id"] == answer.headers["x-gw-request-id"]
    assert (line["status"], line["outcome"], line["code"]) == (200, "finished", None)
    assert line["target"] == "openai/m"
    assert line["input_tokens"] > 0
    assert line["output_tokens"] > 0
    assert "canary" not in str(webhook.lines)
    assert webhook.headers[0]["Authorization"] == "Bearer t-1"


async def test_lines_wait_for_a_webhook_that_is_ill(
    gateway_client, fake_upstream, webhook
):
    """
    And are posted once it is well again.
    """
    webhook.status = 503

    async with told(gateway_client, webhook) as client:
        await client.post("/v1/chat/completions", ASK)
        async with asyncio.timeout(10):
            await webhook.came.wait()
            webhook.status = 200
            while not webhook.lines:
                webhook.came.clear()
                await webhook.came.wait()

    assert len(webhook.lines) == 1


async def test_what_waits_is_bounded(gateway_client, fake_upstream, webhook):
    """
    What is too much is counted, and told with the next post.
    """
    async with told(gateway_client, webhook, waiting=2, every_s=60) as client:
        for _ in range(5):
            await client.post("/v1/chat/completions", ASK)
        assert client.gateway.plugin(RequestLogPlugin).dropped == 3


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``; nobody listens at the webhook.
    """

    plugin = RequestLogPlugin
    name = "request_log"
    settings = {"url": "http://127.0.0.1:9/lines", "every_s": 60}
    wrong_settings = ({}, {"url": "http://127.0.0.1:9/", "batch": 0})
