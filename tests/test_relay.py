"""
The path of one exchange, with real plugins in front of a real upstream.
"""

from __future__ import annotations

import asyncio
import contextlib

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import (
    Answer,
    AttemptState,
    Blocked,
    BudgetExceeded,
    Outcome,
    Phase,
    Plugin,
    Refused,
    Response,
    Tap,
    codec,
    hookimpl,
)
from gateway.app import Gateway
from gateway.filters import StreamFilter
from gateway.plugins import FoundPlugin
from gateway.routing.targets import Target
from gateway.settings import settings_from_dict
from gateway.sinks import MemorySink
from gateway.testing import (
    FakeUpstream,
    GatewayClient,
    Script,
    find_dialect,
    make_request,
    make_response,
)
from gateway.views import Chunk


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


def settings_for(fake: FakeUpstream, **more):
    """
    Make settings with the fake as two providers, spare being the fallback of main.
    """
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    return settings_from_dict(
        {
            "providers": {"main": place, "spare": place},
            "models": {
                "m": "main/m",
                "pair": {"targets": ["main/first"], "fallbacks": ["spare/second"]},
            },
            "routing": {"retries": 0},
            **more,
        }
    )


@contextlib.asynccontextmanager
async def running(fake, *plugins: type[Plugin], **more):
    """
    Run a gateway with *plugins* in front of *fake*.
    """
    found = [FoundPlugin(name=cls.__name__.lower(), cls=cls) for cls in plugins]
    settings = settings_for(fake, **more)
    async with Gateway(settings, plugins=found, installed=False) as gateway:
        yield gateway


def begin(gateway, model="m", *, stream=False, **body):
    """
    Begin an exchange of an OpenAI chat caller.
    """
    messages = [{"role": "user", "content": "hello"}]
    asked = {"model": model, "messages": messages, "stream": stream, **body}
    request = make_request(asked)
    return gateway.exchange(
        dialect=request.dialect,
        operation="generate",
        request=request,
        headers=CIMultiDictProxy(CIMultiDict()),
    )


async def ask(gateway, model="m", *, stream=False, **body):
    """
    Relay one request; returns the exchange and what the caller got.
    """
    exchange = begin(gateway, model, stream=stream, **body)
    sink = MemorySink()
    await gateway.relay(exchange, sink)
    return exchange, sink


def text_of(sink: MemorySink) -> str:
    """
    Return the text of the answer, whole or streamed.
    """
    if not sink.is_stream:
        return codec.loads(sink.body)["choices"][0]["message"]["content"]
    frames = [part for part in sink.body.split(b"\n\n") if part.startswith(b"data: {")]
    chunks = [codec.loads(frame[6:]) for frame in frames]
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in chunks
        for choice in chunk.get("choices", ())
    )


class Journal(Plugin):
    """
    Notes what it is told of, outermost.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.notes = []

    @hookimpl
    async def after_attempt(self, exchange, attempt):
        self.notes.append(("after", attempt.target.name, attempt.state, attempt.usage))

    @hookimpl
    async def on_complete(self, exchange):
        await asyncio.sleep(0)
        self.notes.append(("complete", exchange.outcome, exchange.status))


def journal_of(gateway) -> list:
    """
    Return what the gateway's journal noted.
    """
    for plugin in gateway.hooks.plugins:
        if isinstance(plugin.plugin, Journal):
            return plugin.plugin.notes
    raise LookupError


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_comes_through(fake, stream):
    """
    The provider's answer reaches the caller, with headers that tell where it is from.
    """
    async with running(fake, Journal) as gateway:
        exchange, sink = await ask(gateway, stream=stream)

        assert text_of(sink) == "echo: hello"
        assert sink.status == 200
        assert sink.headers["x-gw-request-id"] == exchange.id
        assert sink.headers["x-gw-provider"] == "main"
        assert exchange.outcome is Outcome.FINISHED
        attempt = exchange.attempt
        assert attempt.usage.total_output == fake.bill[0].output_tokens
        assert journal_of(gateway) == [
            ("after", "main/m", AttemptState.ANSWERED, attempt.usage),
            ("complete", Outcome.FINISHED, 200),
        ]


async def test_a_stream_passes_byte_for_byte(fake):
    """
    What the provider sent is what the caller gets, fields that nobody knows included.
    """
    fake.script("m", Script(text="hi", extra={"brand_new": [1.50, "x"]}))
    options = {"include_usage": True}
    async with running(fake) as gateway:
        _, sink = await ask(gateway, stream=True, stream_options=options)

        assert b'"brand_new":[1.5,"x"]' in sink.body
        assert sink.body.endswith(b"data: [DONE]\n\n")
        assert fake.requests[0].body.count(b"include_usage") == 1


async def test_usage_is_asked_for_and_hidden_again(fake):
    """
    The gateway learns what a stream used; a caller who did not ask does not see the chunk.
    """
    async with running(fake) as gateway:
        exchange, sink = await ask(gateway, stream=True)

        assert codec.loads(fake.requests[0].body)["stream_options"] == {
            "include_usage": True
        }
        assert b'"usage":{' not in sink.body
        assert exchange.attempt.usage is not None
        edits = [line.reason for line in exchange.trail.lines if line.hook == "edit"]
        assert edits == ["stream_options"]


async def test_on_complete_runs_before_the_last_write(fake):
    """
    What on_complete records is recorded when the caller sees the end.
    """
    seen = []

    class Watching(MemorySink):
        async def write(self, data):
            seen.append(b"[DONE]" in data)
            await super().write(data)

        async def end(self, last=b""):
            seen.append(b"[DONE]" in last)
            await super().end(last)

    class Late(Plugin):
        @hookimpl
        async def on_complete(self, exchange):
            seen.append("complete")

    async with running(fake, Late) as gateway:
        await gateway.relay(begin(gateway, stream=True), Watching())

    assert seen[-2:] == ["complete", True]
    assert True not in seen[:-2]


@pytest.mark.parametrize("most", [100, 1 << 20], ids=["too long", "kept"])
async def test_a_stream_is_put_together_up_to_a_bound(fake, monkeypatch, most):
    """
    What post_response is to see is kept as long as there is room; the trail tells where not.
    """
    monkeypatch.setattr("gateway.outlets.MAX_ASSEMBLED_BYTES", most)
    seen = []

    class Reader(Plugin):
        @hookimpl
        async def post_response(self, exchange, response):
            seen.append(response)

    fake.script("m", Script(text="a b c d e f", split=6))
    async with running(fake, Reader) as gateway:
        exchange, sink = await ask(gateway, stream=True)

    assert text_of(sink) == "a b c d e f"
    assert len(seen) == (most > 100)
    told = [line.reason for line in exchange.trail.lines if line.plugin == "core"]
    assert ("the stream is too long to be put together" in told) == (most == 100)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_cannot_be_recorded_is_not_served(fake, stream):
    """
    If on_complete refuses, a whole answer becomes the refusal and a stream is cut.
    """

    class Auditor(Plugin):
        @hookimpl
        async def on_complete(self, exchange):
            raise Refused("audit", status=503, code="audit_unavailable")

    async with running(fake, Auditor) as gateway:
        exchange, sink = await ask(gateway, stream=stream)

        assert exchange.error.code == "audit_unavailable"
        if stream:
            assert b"[DONE]" not in sink.body.split(b"audit")[0]
            assert b"audit_unavailable" in sink.body
        else:
            assert sink.status == 503
            assert b"echo" not in sink.body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_failover_before_the_first_byte(fake, stream):
    """
    A provider that fails before anything was sent is replaced; both attempts are settled.
    """
    fake.script("first", Script(status=500))
    async with running(fake, Journal) as gateway:
        exchange, sink = await ask(gateway, "pair", stream=stream)

        assert text_of(sink) == "echo: hello"
        assert [attempt.status for attempt in exchange.attempts] == [500, 200]
        assert sink.headers["x-gw-attempts"] == "2"
        noted = [note[1] for note in journal_of(gateway) if note[0] == "after"]
        assert noted == ["main/first", "spare/second"]


@pytest.mark.parametrize(
    "script",
    [
        Script(hang_up=True),
        Script(silent=True),
        Script(error_after=0),
        Script(end_after=0),
        Script(raw_body="<html>", content_type="text/html"),
        Script(stall_after=0),
    ],
    ids=["hang-up", "silent", "error-first", "ends-empty", "no-json", "stalls"],
)
async def test_a_stream_that_never_began_fails_over(fake, script):
    """
    However a stream fails before its first event went out, the next target answers.
    """
    fake.script("first", script)
    more = {"providers": None}
    del more["providers"]
    async with running(fake) as gateway:
        for provider in gateway.runtime.providers.values():
            provider.timeouts = attrs.evolve(
                provider.timeouts, first_byte_s=0.2, idle_s=0.2
            )
        exchange, sink = await ask(gateway, "pair", stream=True)

        assert text_of(sink) == "echo: hello"
        assert len(exchange.attempts) == 2


@pytest.mark.parametrize(
    "script",
    [
        Script(text="one two three", split=3, break_after=2),
        Script(text="one two three", split=3, end_after=2),
        Script(text="one two three", split=3, error_after=3, event_latency_ms=20),
    ],
    ids=["breaks", "ends-early", "reports-an-error"],
)
async def test_after_the_first_byte_the_stream_is_cut(fake, script):
    """
    Once the caller saw something, nobody else is asked: the stream ends with an error event.
    """
    fake.script("first", script)
    async with running(fake, Journal) as gateway:
        exchange, sink = await ask(gateway, "pair", stream=True)

        assert len(exchange.attempts) == 1
        assert b'"error"' in sink.body
        assert b"one" in sink.body
        assert sink.has_ended
        assert journal_of(gateway)[-1] == ("complete", Outcome.FAILED, 200)


async def test_comments_do_not_pass_a_filter(fake):
    """
    Where a filter looks, what no view shows is left out; else it passes as it came.
    """

    class Looks(StreamFilter):
        pass

    class Guard(Plugin):
        @hookimpl
        def open_filter(self, exchange, attempt):
            return Looks()

    fake.script("m", Script(text="a b c", split=3, comment_every=1))
    async with running(fake) as gateway:
        _, plain = await ask(gateway, stream=True)
    async with running(fake, Guard) as gateway:
        _, guarded = await ask(gateway, stream=True)

    assert b"\n: " in plain.body
    assert b"\n: " not in guarded.body
    assert text_of(plain) == text_of(guarded) == "a b c"


async def test_what_nobody_can_read_does_not_pass_a_filter(fake):
    """
    A malformed event that a filter would have to look into cuts the stream.
    """

    class Guard(Plugin):
        @hookimpl
        def open_filter(self, exchange, attempt):
            return Shout()

    script = Script(
        text="one two three", split=3, malformed_after=3, event_latency_ms=9
    )
    fake.script("first", script)
    async with running(fake, Guard) as gateway:
        exchange, sink = await ask(gateway, "pair", stream=True)

        assert exchange.error.code == "upstream_failed"
        assert text_of(sink) == "ONE TWO "
        assert b'"error"' in sink.body


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, 400),
        (404, 404),
        (429, 429),
        (401, 502),
        (403, 502),
        (500, 502),
        (503, 503),
        (529, 503),
    ],
)
async def test_a_providers_error_reaches_the_caller(fake, status, expected):
    """
    What the request is to blame for is told as it is; the rest is a failed upstream.
    """
    fake.script("m", Script(status=status, error_message="the vendor says so"))
    async with running(fake) as gateway:
        exchange, sink = await ask(gateway)

        assert sink.status == expected
        assert "message" in codec.loads(sink.body)["error"]
        assert exchange.status == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 402), ({"X-Claude-Code-Session-Id": "s"}, 429)],
    ids=["any-client", "coding-agent"],
)
async def test_a_coding_agent_without_money_is_made_to_stop(fake, headers, status):
    """
    Spent money is 402; a coding agent hears it in the form that ends its retries.
    """

    class Broke(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            raise BudgetExceeded

    async with running(fake, Broke) as gateway:
        request = make_request(dialect="anthropic_messages")
        exchange = gateway.exchange(
            dialect=request.dialect,
            operation="generate",
            request=request,
            headers=CIMultiDictProxy(CIMultiDict(headers)),
        )
        sink = MemorySink()
        await gateway.relay(exchange, sink)

        assert sink.status == status
        assert codec.loads(sink.body)["error"]["type"] == "billing_error"
        assert sink.headers.get("x-should-retry") == ("false" if headers else None)
        assert sink.headers["x-gw-code"] == "budget_exceeded"
        assert sink.headers["request-id"] == exchange.id


async def test_every_attempt_is_listed_in_the_error(fake):
    """
    When all failed, the caller is told what was tried.
    """
    fake.script("first", Script(status=500))
    fake.script("second", Script(status=503))
    async with running(fake) as gateway:
        _, sink = await ask(gateway, "pair")

        message = codec.loads(sink.body)["error"]["message"]
        assert "main/first 500" in message
        assert "spare/second 503" in message
        assert sink.headers["x-gw-code"] == "upstream_overloaded"


async def test_a_refused_target_is_skipped(fake):
    """
    before_attempt may refuse one target; the next one answers, nothing was sent to the first.
    """

    class Picky(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            if attempt.target.model == "first":
                raise Refused("not that one")

    async with running(fake, Picky) as gateway:
        exchange, sink = await ask(gateway, "pair")

        assert sink.status == 200
        assert [attempt.state for attempt in exchange.attempts] == [
            AttemptState.NOT_SENT,
            AttemptState.ANSWERED,
        ]
        assert len(fake.requests) == 1


async def test_the_first_refusal_is_the_answer_if_all_refuse(fake):
    """
    If no target may be used, the caller hears the first reason.
    """

    class Broke(Plugin):
        @hookimpl
        async def before_attempt(self, exchange, attempt):
            raise Refused(f"no money for {attempt.target.model}", status=402)

    async with running(fake, Broke) as gateway:
        _, sink = await ask(gateway, "pair")

        assert sink.status == 402
        assert b"no money for first" in sink.body
        assert len(fake.requests) == 0


async def test_a_refusal_that_ends_tries_nobody_else(fake):
    """
    Refused(ends=True) ends the exchange at once.
    """

    class Final(Plugin):
        @hookimpl
        async def before_attempt(self, exchange, attempt):
            raise Blocked(ends=True)

    async with running(fake, Final) as gateway:
        exchange, sink = await ask(gateway, "pair")

        assert sink.status == 400
        assert len(exchange.attempts) == 1


async def test_an_attempts_request_is_its_own(fake):
    """
    What before_attempt edits goes upstream; the caller's request stays as it was.
    """

    class Caps(Plugin):
        @hookimpl
        async def before_attempt(self, exchange, attempt):
            attempt.request.max_output_tokens = 5
            attempt.request.texts()[0].replace("edited")
            attempt.headers["x-extra"] = "1"

    async with running(fake, Caps) as gateway:
        exchange, sink = await ask(gateway)

        assert text_of(sink) == "echo: edited"
        assert exchange.request.texts()[0].value == "hello"
        assert exchange.request.max_output_tokens is None
        assert codec.loads(fake.requests[0].body)["max_completion_tokens"] == 5
        assert fake.requests[0].headers["x-extra"] == "1"


class Shout(StreamFilter):
    """
    Makes every delta upper case.
    """

    async def feed(self, chunks):
        for chunk in chunks:
            for text in chunk.texts():
                text.replace(text.value.upper())
        return chunks


async def test_filters_change_what_the_caller_sees(fake):
    """
    open_filter and on_stream_chunk both act, innermost first.
    """

    class Inner(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        def open_filter(self, exchange, attempt):
            return Shout()

    class Outer(Plugin):
        phase = Phase.OBSERVE

        @hookimpl
        async def on_stream_chunk(self, exchange, chunk):
            for text in chunk.texts():
                text.replace(text.value.replace("HELLO", "Bye"))
            return chunk

    fake.script("m", Script(pieces=("a ", "hello")))
    async with running(fake, Inner, Outer) as gateway:
        _, sink = await ask(gateway, stream=True)

        assert text_of(sink) == "A Bye"


async def test_a_tap_sees_the_provider_behind_a_buffer_and_cuts(fake):
    """
    A tap may end a stream although a filter lets nothing out; upstream is let go.
    """

    class Budget(Tap):
        def __init__(self):
            self.seen = 0

        def see(self, chunks):
            self.seen += sum(len(text.value) for c in chunks for text in c.texts())
            if self.seen > 20:
                raise Refused("spent", status=402, code="budget_exceeded")

        def close(self, outcome):
            closed.append(outcome)

    class Holding(StreamFilter):
        holds_chunks = True

        async def feed(self, chunks):
            return ()

    class Meter(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        def open_tap(self, exchange, attempt):
            return Budget()

    class Guard(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        def open_filter(self, exchange, attempt):
            return Holding()

    closed: list = []
    fake.script("m", Script(pieces=("0123456789",), never_end=True, event_latency_ms=1))
    async with running(fake, Meter, Guard) as gateway:
        _, sink = await ask(gateway, stream=True)
        await fake.wait_for(lambda: fake.departures, timeout=2)

        assert sink.status == 402
        assert closed == [Outcome.FAILED]


async def test_a_plugins_answer_is_filtered_by_those_outside(fake):
    """
    A canned answer passes the outer filters; upstream is not asked.
    """

    class Canned(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            doc = {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "canned"},
                        "finish_reason": "stop",
                    }
                ],
            }
            return Answer(response=Response(exchange.dialect, codec.dumps(doc)))

    class Guard(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        async def on_stream_chunk(self, exchange, chunk):
            for text in chunk.texts():
                text.replace(text.value.upper())
            return chunk

    async with running(fake, Canned, Guard) as gateway:
        _, whole = await ask(gateway)
        _, stream = await ask(gateway, stream=True)

        assert text_of(whole) == "canned"
        assert text_of(stream) == "CANNED"
        assert len(fake.requests) == 0


async def test_a_kept_event_that_cannot_be_read_is_no_plugins_fault(fake):
    """
    Whoever kept it did not look into it; the filter that does is not blamed for it.
    """
    frames = b'data: {"choices":[]}\n\n', b'data: {"id":"\xff"}\n\n'

    class Kept(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            async def kept():
                for frame in frames:
                    yield Chunk(exchange.dialect, frame)

            return Answer(chunks=kept())

    class Guard(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        def open_filter(self, exchange, attempt):
            return Shout()

    async with running(fake, Kept, Guard) as gateway:
        exchange, sink = await ask(gateway, stream=True)

        assert exchange.error.code == "upstream_failed"
        assert b"could not be read" in sink.body


@pytest.mark.parametrize("events", [0, 1, 3], ids="after-{}".format)
async def test_a_caller_who_leaves_is_settled(fake, events):
    """
    Whenever the caller goes, upstream is cancelled within 250 ms and everything is settled once.
    """
    fake.script("m", Script(pieces=("x",), never_end=True, event_latency_ms=2))
    reached = asyncio.Event()

    class Leaving(MemorySink):
        async def write(self, data):
            await super().write(data)
            if len(self.writes) > events:
                reached.set()

    async with running(fake, Journal) as gateway:
        loop = asyncio.get_running_loop()
        if events == 0:
            fake.script("m", Script(silent=True))
        task = loop.create_task(gateway.relay(begin(gateway, stream=True), Leaving()))
        if events:
            await reached.wait()
        else:
            await fake.wait_for(lambda: fake.requests, timeout=2)
        task.cancel()
        left_at = loop.time()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fake.wait_for(lambda: fake.departures or not fake.in_flight, timeout=2)
        assert loop.time() - left_at < 0.25
        await gateway.tasks.join(1)

        kinds = [note[0] for note in journal_of(gateway)]
        assert kinds == ["after", "complete"]
        assert journal_of(gateway)[-1][1] is Outcome.LEFT
        assert gateway.in_flight == 0


async def test_a_caller_who_leaves_while_it_is_settled(fake):
    """
    on_complete goes on although the caller leaves in the middle of it, and runs once.
    """
    begun = asyncio.Event()
    may_end = asyncio.Event()
    done = []

    class Slow(Plugin):
        @hookimpl
        async def on_complete(self, exchange):
            begun.set()
            await may_end.wait()
            done.append(exchange.id)

    async with running(fake, Slow) as gateway:
        exchange = begin(gateway)
        task = asyncio.ensure_future(gateway.relay(exchange, MemorySink()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_end.set()
        await gateway.tasks.join(1)

        assert done == [exchange.id]
        assert gateway.in_flight == 0


async def test_nothing_is_left_of_callers_who_leave_anywhere(fake, rng):
    """
    200 requests whose callers leave at random points leave no task, no slot, no connection.
    """
    fake.script("m", Script(pieces=("x",) * 20, event_latency_ms=0.5, latency_ms=1))
    async with running(fake, Journal) as gateway:
        loop = asyncio.get_running_loop()
        before = len(asyncio.all_tasks())
        tasks = []
        for _ in range(200):
            work = gateway.relay(
                begin(gateway, stream=rng.random() < 0.7), MemorySink()
            )
            task = loop.create_task(work)
            loop.call_later(rng.random() * 0.05, task.cancel)
            tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)
        await gateway.tasks.join(1)
        await fake.wait_for(lambda: fake.in_flight == 0, timeout=2)

        assert gateway.in_flight == 0
        assert gateway.runtime.router.admission("main").in_use == 0
        noted = [note[0] for note in journal_of(gateway)]
        assert noted.count("complete") == 200
        assert len(asyncio.all_tasks()) <= before + 1


async def test_a_silent_stream_is_kept_alive(fake):
    """
    When nothing comes for a while the caller gets a comment, and the status is committed.
    """
    fake.script("m", Script(pieces=("late",), latency_ms=0, event_latency_ms=150))
    async with running(fake, server={"stream_ping_s": 0.05}) as gateway:
        _, sink = await ask(gateway, stream=True)

        assert sink.body.startswith(b": ")
        assert text_of(sink) == "late"


async def test_explain_sends_nothing(fake):
    """
    A dry run tells the decisions and the targets; nobody upstream hears of it.
    """

    class Holds(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            exchange.explain("dry" if exchange.dry_run else "wet")

    async with running(fake, Holds) as gateway:
        told = await gateway.explain(begin(gateway, "pair"))

        assert [line["target"] for line in told["targets"]] == [
            "main/first",
            "spare/second",
        ]
        assert {line["reason"] for line in told["trail"]} == {"dry"}
        assert len(fake.requests) == 0
        assert gateway.in_flight == 0


async def test_explain_asks_nobody_for_a_plugin_either(fake):
    """
    A plugin's own call in a dry run is refused: it would cost money.
    """

    class Judge(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        async def pre_request(self, exchange):
            await gateway.call(make_request(), parent=exchange)

    async with running(fake, Judge) as gateway:
        told = await gateway.explain(begin(gateway))

        assert told["refused"]["code"] == "dry_run"
        assert len(fake.requests) == 0


async def test_a_name_is_no_credential_of_a_real_request(fake):
    """
    The key that a dry run may be asked for does not count where something is sent.
    """
    seen = []

    class Door(Plugin):
        phase = Phase.IDENTIFY

        @hookimpl
        async def pre_request(self, exchange):
            seen.append(exchange.explained_key)

    async with running(fake, Door) as gateway:
        exchange = begin(gateway)
        exchange.explained_key = "bob"
        await gateway.relay(exchange, MemorySink())

    assert seen == [None]


async def test_a_plugin_may_know_a_target_where_the_router_knows_none(fake):
    """
    choose_targets is asked with nothing, and may find targets through the exchange.
    """
    seen = []

    class Knows(Plugin):
        phase = Phase.ROUTE

        @hookimpl
        def choose_targets(self, exchange, targets):
            seen.append([target.name for target in targets])
            return (*exchange.targets("pair"), *targets)

    async with running(fake, Knows) as gateway:
        exchange, sink = await ask(gateway, "nobody-has-this", fallbacks=["m"])
        told = await gateway.explain(begin(gateway, "nobody-has-this"))

    assert sink.status == 200
    assert seen == [["main/m"], []]
    assert exchange.attempt.target.asked == "pair"
    assert told["targets"][0]["target"] == "main/first"


async def test_where_no_plugin_knows_one_either_the_router_is_heard(fake):
    """
    A model that nobody has stays 404, and so does a fallback, which no plugin is asked for.
    """
    asked = []

    class Knows(Plugin):
        phase = Phase.ROUTE

        @hookimpl
        def choose_targets(self, exchange, targets):
            asked.append(exchange.request.model)
            return (*exchange.offers(exchange.request.model), *targets)

    async with running(fake, Knows) as gateway:
        _, nowhere = await ask(gateway, "nobody-has-this", fallbacks=["pair"])
        _, fallback = await ask(gateway, "pair", fallbacks=["nobody-has-this"])

    assert (nowhere.status, fallback.status) == (404, 404)
    assert asked == ["nobody-has-this"]


async def test_a_dry_run_cannot_forward(fake):
    """
    What would ask a provider fails in a dry run, whatever the plugin.
    """

    class Forwards(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            exchange.forward()

    async with running(fake, Forwards) as gateway:
        told = await gateway.explain(begin(gateway, "pair"))

    assert told["refused"]["code"] == "plugin_failed"
    assert len(fake.requests) == 0


async def test_a_trace_is_kept(fake):
    """
    What was decided on a recent exchange can be asked for by its id.
    """
    async with running(fake, Journal) as gateway:
        exchange, _ = await ask(gateway)

        trace = gateway.traces.get(exchange.id)

    assert trace["status"] == 200
    assert trace["attempts"][0]["target"] == "main/m"
    assert "hello" not in str(trace)


async def test_a_nested_call_is_paid_by_the_parent_and_bounded(fake):
    """
    A plugin may ask the gateway itself; the call names its parent and cannot recurse for ever.
    """
    parents = []

    class Judge(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        async def pre_request(self, exchange):
            parents.append(exchange.parent and exchange.parent.id)
            answer = await gateway.call(make_request(), parent=exchange)
            depths.append(answer.status)

    depths: list = []
    async with running(fake, Judge) as gateway:
        exchange, sink = await ask(gateway)

    assert parents[0] is None
    assert parents[1] == exchange.id
    assert len(parents) == 3
    assert depths == [400, 200]
    assert sink.status == 200


@pytest.mark.parametrize("leader_leaves", [False, True], ids=["stays", "leaves"])
async def test_a_flight_is_shared(fake, leader_leaves):
    """
    Five callers share one upstream call, each with its own filters, whoever leaves first.
    """

    class SingleFlight(Plugin):
        phase = Phase.ANSWER
        flight = None

        @hookimpl
        async def pre_request(self, exchange):
            cls = type(self)
            if cls.flight is None:
                cls.flight = exchange.forward()
                return await cls.flight.answer()
            return await exchange.join(cls.flight)

    class Govern(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            held.append(attempt.joined)

    held: list = []
    fake.script("m", Script(pieces=("a", "b", "c"), event_latency_ms=20))
    async with running(fake, SingleFlight, Govern, Journal) as gateway:
        sinks = [MemorySink() for _ in range(5)]
        tasks = [
            asyncio.ensure_future(gateway.relay(begin(gateway, stream=True), sink))
            for sink in sinks
        ]
        await fake.wait_for(lambda: fake.requests, timeout=2)
        if leader_leaves:
            tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gateway.tasks.join(1)

        assert len(fake.requests) == 1
        for sink in sinks[leader_leaves:]:
            assert text_of(sink) == "abc"
        assert held.count(False) == 1
        assert held.count(True) == 4
        assert gateway.in_flight == 0


async def test_why_a_plugin_forwards_is_told_of_its_own_step_alone(fake):
    """
    What it explains before the inner part runs does not stand beside a step of that part.
    """

    class Flying(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            exchange.explain("miss")
            return await exchange.forward().answer()

    async with running(fake, Flying, Journal) as gateway:
        exchange, _ = await ask(gateway)

    told = {
        (line.plugin, line.hook)
        for line in exchange.trail.lines
        if line.reason == "miss"
    }
    assert told == {("flying", "pre_request")}
    assert any(line.plugin == "journal" for line in exchange.trail.lines)


async def test_a_flight_ends_when_nobody_waits(fake):
    """
    When the last follower leaves, the upstream is cancelled.
    """

    class Flying(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            return await exchange.forward().answer()

    fake.script("m", Script(pieces=("a",), never_end=True, event_latency_ms=2))
    async with running(fake, Flying, Journal) as gateway:
        task = asyncio.ensure_future(
            gateway.relay(begin(gateway, stream=True), MemorySink())
        )
        await fake.wait_for(lambda: fake.requests, timeout=2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fake.wait_for(lambda: fake.departures or not fake.in_flight, timeout=2)
        await gateway.tasks.join(1)

        assert [note[0] for note in journal_of(gateway)].count("after") == 1


async def test_settings_change_at_once_and_whole(fake):
    """
    A reload is in force for the next exchange; a bad one changes nothing.
    """
    async with running(fake, Journal) as gateway:
        exchange = begin(gateway)
        await gateway.reload(settings_for(fake, models={"other": "main/other"}))
        sink = MemorySink()
        await gateway.relay(exchange, sink)
        _, gone = await ask(gateway, "pair")
        _, new = await ask(gateway, "other")
        with pytest.raises(Exception, match="nowhere"):
            await gateway.reload(settings_for(fake, models={"x": "nowhere/x"}))
        _, still = await ask(gateway, "other")

        assert gone.status == 404
        assert new.status == still.status == 200


def test_dialects_are_registered():
    """
    The test kit finds the core's dialects by name.
    """
    assert find_dialect("openai_chat").name == "openai_chat"
    with pytest.raises(LookupError):
        find_dialect("nothing")
    assert Chunk(find_dialect("openai_chat"), b"data: [DONE]\n\n").is_done


async def test_an_answer_that_was_kept_is_authorised_for_who_gets_it_again():
    """
    ``answered_by`` runs `before_attempt` with a joined attempt; a refusal there is the answer.
    """
    seen = []

    class Keeper(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            target = Target(provider="p", model="m", dialect=exchange.dialect.name)
            await exchange.answered_by(target)
            return Answer(
                response=make_response({"choices": []}, dialect=exchange.dialect)
            )

    class Door(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            seen.append((attempt.joined, attempt.target.name))
            if exchange.headers.get("x-who") == "other":
                raise Blocked

    async with GatewayClient(
        {"providers": {"demo": {}}}, plugins=[Keeper, Door]
    ) as client:
        ask = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
        given = await client.post("/v1/chat/completions", ask)
        refused = await client.post("/v1/chat/completions", ask, {"x-who": "other"})

    assert (given.status, refused.status) == (200, 400)
    assert seen == [(True, "p/m")] * 2


async def test_what_a_kept_answer_costs_is_told_once_it_is_given():
    """
    The attempt that could not be given was not sent, and costs nothing.
    """
    settled = []

    class Keeper(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            target = Target(provider="p", model="m", dialect=exchange.dialect.name)
            await exchange.answered_by(target, charge_nano=500)
            await exchange.answered_by(target, charge_nano=70)
            return Answer(
                response=make_response({"choices": []}, dialect=exchange.dialect)
            )

    class Books(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            attempt.hold_nano = attempt.charge_nano

        @hookimpl
        def after_attempt(self, exchange, attempt):
            settled.append((attempt.hold_nano, attempt.not_sent, attempt.cost_nano))

    async with GatewayClient(
        {"providers": {"demo": {}}}, plugins=[Keeper, Books]
    ) as client:
        ask = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
        answer = await client.post("/v1/chat/completions", ask)

    assert settled == [(500, True, None), (70, False, 70)]
    assert answer.headers["x-gw-cost-usd"] == "0.000000070"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_who_began_a_flight_has_what_it_cost(fake, stream):
    """
    When plugins are told how its exchange ended, and in the header of a whole answer.
    """
    costs = []

    class Flying(Plugin):
        phase = Phase.ANSWER

        @hookimpl
        async def pre_request(self, exchange):
            return await exchange.forward().answer()

    class Books(Plugin):
        phase = Phase.OBSERVE

        @hookimpl
        def after_attempt(self, exchange, attempt):
            exchange.cost_nano = 42

        @hookimpl
        def on_complete(self, exchange):
            costs.append(exchange.cost_nano)

    async with running(fake, Flying, Books) as gateway:
        sink = MemorySink()
        await gateway.relay(begin(gateway, stream=stream), sink)

    assert costs == [42]
    assert sink.headers.get("x-gw-cost-usd") == (None if stream else "0.000000042")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_what_following_costs_is_told_by_what_the_flight_did(fake, stream):
    """
    At once where the flight is over, else when its stream ended; never more than was held.
    """
    settled = []

    class Sharing(Plugin):
        phase = Phase.ANSWER
        flight = None

        @hookimpl
        async def pre_request(self, exchange):
            cls = type(self)
            if cls.flight is None:
                cls.flight = exchange.forward()
                return await cls.flight.answer()
            return await exchange.join(cls.flight, charge=lambda nano: nano // 2)

    class Books(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            attempt.hold_nano = 300 if attempt.joined else 0

        @hookimpl
        def after_attempt(self, exchange, attempt):
            if attempt.joined:
                settled.append((attempt.charge_nano, exchange.cost_nano))
            else:
                attempt.cost_nano = 1000 if stream else 500

    fake.script("m", Script(pieces=("a", "b"), event_latency_ms=20))
    async with running(fake, Sharing, Books) as gateway:
        exchanges = [begin(gateway, stream=stream) for _ in range(2)]
        await asyncio.gather(*(gateway.relay(each, MemorySink()) for each in exchanges))

    # Half of 1,000 was not held; half of 500 was known before anything was.
    assert settled == ([(300, 300)] if stream else [(250, 250)])


class Asks(Plugin):
    """
    Notes whether anybody further in has a say.
    """

    phase = Phase.GOVERN
    goes_straight: list[bool]

    def __init__(self, settings):
        super().__init__(settings)
        self.goes_straight = []

    @hookimpl
    async def pre_request(self, exchange):
        self.goes_straight.append(exchange.goes_straight)


class Looks(Plugin):
    """
    Has a say before a request.
    """

    phase = Phase.INSPECT

    @hookimpl
    async def pre_request(self, exchange):
        return None


class Edits(Plugin):
    """
    Has a say before an attempt.
    """

    phase = Phase.INSPECT

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        return None


@pytest.mark.parametrize(
    ("others", "straight"),
    [((), True), ((Journal,), True), ((Looks,), False), ((Edits,), False)],
    ids=["alone", "outside", "asked-before", "edits-later"],
)
async def test_a_plugin_knows_whether_anybody_further_in_has_a_say(
    fake, others, straight
):
    """
    Only who stands between a plugin and the provider counts, and only before anything is sent.
    """
    async with running(fake, Asks, *others) as gateway:
        await ask(gateway)
        told = gateway.plugin(Asks).goes_straight

    assert told == [straight]
    assert not begin(gateway).goes_straight
