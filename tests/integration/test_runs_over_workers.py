"""
One run, several worker processes: its cap is one cap.
"""

from __future__ import annotations

import asyncio

import aiohttp

from gateway.testing import FakeUpstream, Script

VALUE = "vk-of-nobody-else-0123456789"
CAP_NANO = 20_000_000
SETTINGS = """
version: 1
providers:
  p: {{type: openai-compatible, base_url: "{url}", auth: none}}
routing: {{retries: 0}}
plugins:
  governance:
    require_key: true
    when_short: refuse
    wait: {{up_to_s: 0}}
    virtual_keys: {{me: {{secret: env.VK}}}}
    pricing_overrides: {{all: {{model: "*", prices: {{input: 1, output: 10}}}}}}
"""
ASK = {
    "model": "p/m",
    "messages": [{"role": "user", "content": "hello"}],
    "max_tokens": 16,
}
HEADERS = {
    "Authorization": f"Bearer {VALUE}",
    "x-gw-run-id": "night",
    "x-gw-run-budget": "0.02",
}


def billed_nano(fake):
    return 1_000 * fake.bill.input_tokens + 10_000 * fake.bill.output_tokens


async def ask(url):
    # A connection of its own, so that the kernel chooses a worker for each.
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=ASK, headers=HEADERS) as answer,
    ):
        await answer.read()
        return answer.status, answer.headers.get("x-gw-code", "")


async def spend(url):
    """
    Ask until the run is spent; returns every status on the way.
    """
    seen = []
    for _ in range(200):
        status, code = await ask(url)
        seen.append((status, code))
        if status == 402:
            break
    return seen


async def test_a_runs_cap_holds_over_two_workers(run_serve):
    """
    Eight clients spend one run at two workers: the vendor's bill stays below its cap, to the
    nano, and comes as near to it as one request's worst case.
    """
    async with FakeUpstream() as fake:
        fake.script("m", Script(text="x" * 64, latency_ms=2))
        settings = SETTINGS.format(url=fake.openai_url)
        serving = await asyncio.to_thread(
            run_serve, "--workers", "2", settings=settings, environ={"VK": VALUE}
        )
        url = f"{serving.started['calls']}/v1/chat/completions"

        seen = await asyncio.gather(*(spend(url) for _ in range(8)))
        worst_nano = 16 * 10_000 + 334 * 1_000  # what one such request holds

        statuses = {answer for client in seen for answer in client}
        assert statuses <= {(200, ""), (402, "budget_exceeded"), (429, "budget_busy")}
        assert all(client[-1][0] == 402 for client in seen)
        assert CAP_NANO - worst_nano < billed_nano(fake) <= CAP_NANO
        log = serving.log.read_text()
        assert serving.end() == 0
    assert "budget overrun" not in log
