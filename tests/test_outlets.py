from __future__ import annotations

import asyncio

import pytest

from gateway import Outcome, RateLimited, Refused
from gateway.errors import UpstreamError
from gateway.hooks import Hooks
from gateway.outlets import CallerOutlet, answer_headers, as_told, server_timing
from gateway.settings import settings_from_dict
from gateway.settlement import Settlement
from gateway.sinks import MemorySink
from gateway.tasks import Tasks
from gateway.testing import make_attempt, make_exchange, make_response

HELLO = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}


def outlet_of(exchange, sink=None):
    """
    Make an outlet without plugins.
    """
    hooks, tasks = Hooks(()), Tasks()
    settlement = Settlement(hooks, exchange, tasks)
    loop = asyncio.get_running_loop()
    return CallerOutlet(exchange, sink or MemorySink(), hooks, settlement, tasks, loop)


async def test_the_last_event_waits_for_the_end():
    """
    What closes the stream is not written before everything is settled.
    """
    exchange, sink = make_exchange(STREAM), MemorySink()
    outlet = outlet_of(exchange, sink)
    await outlet.begin(None)
    await outlet.frames([HELLO, DONE])
    before = sink.body

    await outlet.end()

    assert before == HELLO
    assert sink.body == HELLO + DONE
    assert sink.has_ended
    assert exchange.outcome is Outcome.FINISHED
    assert exchange.bytes_sent == len(sink.body)


async def test_frames_of_one_read_leave_in_one_write():
    """
    A burst is one write, however many events it has.
    """
    sink = MemorySink()
    outlet = outlet_of(make_exchange(STREAM), sink)
    await outlet.begin(None)

    await outlet.frames([HELLO] * 50)

    assert len(sink.writes) == 1
    await outlet.left()


async def test_what_was_dropped_is_not_sent():
    """
    After a discard nothing of the first attempt remains.
    """
    sink = MemorySink()
    outlet = outlet_of(make_exchange(STREAM), sink)
    await outlet.begin(None)
    await outlet.frames([DONE])
    await outlet.discard()
    await outlet.begin(None)
    await outlet.frames([HELLO, DONE])
    await outlet.end()

    assert sink.body == HELLO + DONE


async def test_a_refusal_before_the_first_byte_has_its_status():
    """
    Nothing was sent, so the caller gets a proper error.
    """
    exchange, sink = make_exchange(STREAM), MemorySink()
    outlet = outlet_of(exchange, sink)
    await outlet.begin(None)

    await outlet.fail(
        Refused("no", status=403, code="model_blocked", retry_after_s=2.2)
    )

    assert sink.status == 403
    assert sink.headers["x-gw-code"] == "model_blocked"
    assert sink.headers["retry-after"] == "3"
    assert exchange.outcome is Outcome.REFUSED


async def test_a_failure_behind_the_first_byte_cuts_the_stream():
    """
    The status stands, so the stream ends with an error of the dialect.
    """
    exchange, sink = make_exchange(STREAM), MemorySink()
    outlet = outlet_of(exchange, sink)
    await outlet.begin(None)
    await outlet.frames([HELLO])

    await outlet.fail(UpstreamError("gone"))

    assert sink.status == 200
    assert b'"error"' in sink.body
    assert sink.has_ended


async def test_a_silent_stream_is_pinged_and_the_timer_ends_with_it():
    """
    Pings come while nothing else does; none comes after the end.
    """
    settings = settings_from_dict({"server": {"stream_ping_s": 0.01}})
    pinged = asyncio.Event()

    class Watching(MemorySink):
        async def write(self, data):
            await super().write(data)
            if data.startswith(b":"):
                pinged.set()

    sink = Watching()
    outlet = outlet_of(make_exchange(STREAM, settings=settings), sink)
    await outlet.begin(None)
    await asyncio.wait_for(pinged.wait(), 2)
    await outlet.frames([HELLO, DONE])
    await outlet.end()
    written = len(sink.writes)
    await asyncio.sleep(0.03)

    assert len(sink.writes) == written


def test_headers_tell_what_happened():
    """
    Provider, model, attempts, cost and losses stand in the headers, each where known.
    """
    exchange = make_exchange()
    bare = answer_headers(exchange)
    make_attempt(exchange, provider="openai", model="gpt")
    exchange.cost_nano = 1_234_567
    exchange.response_headers["x-more"] = "1"

    headers = answer_headers(exchange)

    assert "x-gw-provider" not in bare
    assert headers["x-gw-provider"] == "openai"
    assert headers["x-gw-model"] == "gpt"
    assert headers["x-gw-attempts"] == "1"
    assert headers["x-gw-cost-usd"] == "0.001234567"
    assert headers["x-more"] == "1"
    assert headers["x-request-id"] == exchange.id


def test_what_a_refusal_says_outweighs_what_plugins_noted():
    """
    Of two limits of one kind the caller is told the one for which it is refused.
    """
    exchange = make_exchange()
    exchange.response_headers |= {"x-left": "50", "x-more": "1"}
    exchange.error = RateLimited(headers={"x-left": "0"})

    headers = answer_headers(exchange)

    assert (headers["x-left"], headers["x-more"]) == ("0", "1")


def test_server_timing_is_in_milliseconds():
    """
    Each plugin's time, and the upstream's, in the unit of the standard.
    """
    exchange = make_exchange()
    exchange.trail.add("a", "pre_request", "passed", "", 1_500_000)
    make_attempt(exchange, sent_at=1.0, first_event_at=1.25)

    assert server_timing(exchange) == "a;dur=1.500, upstream;dur=250.000"


def test_an_error_is_told_as_it_is():
    """
    Only a coding agent without money is told otherwise.
    """
    error = Refused("no")

    assert as_told(error, make_exchange()) is error


async def test_a_whole_answer_for_who_asked_for_a_stream():
    """
    A caller who wants a stream gets one, though the answer came whole.
    """
    doc = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi"},
                "finish_reason": "stop",
            }
        ],
    }
    sink = MemorySink()

    await outlet_of(make_exchange(STREAM), sink).whole(make_response(doc), None)

    assert sink.is_stream
    assert b'"content":"hi"' in sink.body
    assert sink.body.endswith(DONE)


@pytest.mark.parametrize("status", [400, 404, 429])
async def test_an_error_is_whole_even_for_a_stream(status):
    """
    A provider's error has its status, whatever was asked for.
    """
    sink = MemorySink()
    response = make_response({"error": {"message": "no"}}, status=status)

    await outlet_of(make_exchange(STREAM), sink).whole(response, None)

    assert sink.status == status
    assert not sink.is_stream
