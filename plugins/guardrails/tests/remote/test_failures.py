"""
What every service's failure is called: a policy's ``on_failure`` and the findings build on it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback

import attrs
import pytest
from fakes.asking import made, question
from fakes.services import SERVICES

from gateway.detecting import DetectorFailed, Passage, Place
from gateway.testing import make_exchange

#: What goes wrong -> the word for it.  The first item is what a fake is told to do.
TABLE = {
    "429": (lambda fake: fake.fails(429, "ThrottlingException"), "throttled"),
    "500": (lambda fake: fake.fails(500, "InternalServerException"), "unavailable"),
    "502": (lambda fake: fake.fails(502), "unavailable"),
    "503": (lambda fake: fake.fails(503, "ServiceUnavailableException"), "unavailable"),
    "504": (lambda fake: fake.fails(504), "timeout"),
    "408": (lambda fake: fake.fails(408), "timeout"),
    "400": (lambda fake: fake.fails(400, "ValidationException"), "refused"),
    "413": (lambda fake: fake.fails(413), "refused"),
    "401": (lambda fake: fake.fails(401), "misconfigured"),
    "403": (lambda fake: fake.fails(403, "AccessDeniedException"), "misconfigured"),
    "404": (lambda fake: fake.fails(404, "ResourceNotFoundException"), "misconfigured"),
    "302": (lambda fake: fake.fails(302), "refused"),
    "no JSON": (lambda fake: fake.says(b"<html>Sorry</html>", "text/html"), "garbage"),
    "half of it": (lambda fake: fake.says(b'{"action": "NO'), "garbage"),
    "nothing": (lambda fake: fake.says(b""), "garbage"),
    "another object": (lambda fake: fake.says(b'{"ok": true}'), "garbage"),
    "a list": (lambda fake: fake.says(b'[{"action": "NONE"}]'), "garbage"),
    "null": (lambda fake: fake.says(b"null"), "garbage"),
    "too long": (lambda fake: fake.says(b'"' + b"x" * 3_000_000 + b'"'), "garbage"),
    "hangs": (lambda fake: fake.hangs(), "timeout"),
    "dribbles": (lambda fake: fake.dribbles(), "timeout"),
    "stammers": (lambda fake: fake.stammers(), "timeout"),
}
#: The faults that take as long as a question may.
SLOW = {"hangs", "dribbles", "stammers"}

by_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


@pytest.mark.parametrize("fault", list(TABLE))
@by_service
async def test_each_failure_has_its_reason(service, fault, tools, caplog):
    """
    The table holds for every service, and no failure and no log repeats what was asked.
    """
    caplog.set_level(logging.INFO)
    go_wrong, reason = TABLE[fault]
    timeout_s = 0.5 if fault in SLOW else 10.0
    async with service.fake() as fake:
        options = service.options_for(fake.url, timeout_s=timeout_s)
        async with made(service.detector, tools, **options) as judge:
            go_wrong(fake)
            with pytest.raises(DetectorFailed) as failed:
                await judge.judge(service.asked)
            fake.release()

    assert failed.value.reason == reason
    shown = "".join(traceback.format_exception(failed.value))
    assert "canary-" not in shown + caplog.text


@by_service
async def test_nobody_there_is_unreachable(service, tools):
    """
    A port that nobody listens on refuses the connection.
    """
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with made(service.detector, tools, **service.options_for(url)) as judge:
            with pytest.raises(DetectorFailed, match="unreachable"):
                await judge.judge(service.asked)


@by_service
async def test_a_dry_run_asks_nobody(service, tools):
    """
    What would become of a request is told without leaving the machine.
    """
    exchange = make_exchange(dry_run=True)
    async with service.fake() as fake:
        options = service.options_for(fake.url)
        async with made(service.detector, tools, **options) as judge:
            with pytest.raises(DetectorFailed, match="refused"):
                await judge.judge(attrs.evolve(service.asked, exchange=exchange))

    assert fake.asked == []


@by_service
async def test_all_is_well_again_afterwards(service, tools):
    """
    A failure leaves nothing behind: the next question is answered.
    """
    async with service.fake() as fake:
        options = service.options_for(fake.url, concurrency=1)
        async with made(service.detector, tools, **options) as judge:
            fake.fails(500)
            with pytest.raises(DetectorFailed):
                await judge.judge(service.asked)
            fake.works()
            opinion = await judge.judge(service.asked)

    assert not opinion.is_blocked
    assert fake.violations == []


@by_service
async def test_no_more_calls_at_a_time_than_told(service, tools):
    """
    The bound holds over questions that come at the same time.
    """
    async with service.fake() as fake:
        options = service.options_for(fake.url, concurrency=2, timeout_s=30)
        async with made(service.detector, tools, **options) as judge:
            await asyncio.gather(*(judge.judge(service.asked) for _ in range(6)))

    assert fake.busiest <= 2
    assert len(fake.asked) == 6
    assert fake.violations == []


@by_service
async def test_a_cancelled_question_frees_its_place(service, tools):
    """
    A caller who left must not use up a place for ever.
    """
    async with service.fake() as fake:
        options = service.options_for(fake.url, concurrency=1, timeout_s=20)
        async with made(service.detector, tools, **options) as judge:
            fake.hangs()
            asking = asyncio.ensure_future(judge.judge(service.asked))
            await fake.until_hanging()
            asking.cancel()
            await asyncio.wait([asking])
            fake.works()
            fake.release()
            opinion = await judge.judge(service.asked)

    assert not opinion.is_blocked


@by_service
async def test_who_is_too_slow_keeps_no_place(service, tools):
    """
    A service that never ends an answer is given up, and asked again, whatever it still sends.
    """
    async with service.fake() as fake:
        options = service.options_for(fake.url, concurrency=1, timeout_s=0.5)
        async with made(service.detector, tools, **options) as judge:
            await until_answered(judge, service.asked)  # the first loads an SDK
            fake.stammers()
            with pytest.raises(DetectorFailed, match="timeout"):
                await judge.judge(service.asked)
            fake.works()
            opinion = await until_answered(judge, service.asked)

    assert not opinion.is_blocked


async def until_answered(judge, asked):
    """
    Ask until it is answered in time.
    """
    async with asyncio.timeout(10):
        while True:
            try:
                return await judge.judge(asked)
            except DetectorFailed as failed:
                if failed.reason != "timeout":
                    raise


@pytest.mark.parametrize("name", ["bedrock", "bedrock_checks", "azure"])
async def test_thousands_of_calls_for_one_question_are_no_pass(name, tools):
    """
    Who sends many texts does not make the gateway call as many times.
    """
    service = SERVICES[name]
    place = Place(stage="input", role="user")
    many = question(*(Passage(f"text {n} " * 300, place) for n in range(257)))
    async with service.fake() as fake:
        options = service.options_for(fake.url)
        async with made(service.detector, tools, **options) as judge:
            with pytest.raises(DetectorFailed, match="partial_coverage"):
                await judge.judge(many)

    assert fake.asked == []


@by_service
async def test_without_a_way_out_nobody_can_be_asked(service, tools):
    """
    A command that checks settings has none, and says so.
    """
    shut = attrs.evolve(tools, outbound=None)
    options = service.options_for("http://127.0.0.1:9")
    async with made(service.detector, shut, **options) as judge:
        with pytest.raises(DetectorFailed, match="misconfigured"):
            await judge.judge(service.asked)
