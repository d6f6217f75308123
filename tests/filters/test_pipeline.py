"""
Filters in series.
"""

from __future__ import annotations

import asyncio

import attrs
import pytest

from gateway.errors import Blocked, PluginFailed, UpstreamError
from gateway.filters import ChunkHook, Outcome, Pipeline, Stage, StreamFilter
from gateway.views import Chunk


@attrs.define(eq=False)
class Recorder(StreamFilter):
    """
    Notes what it is told, and fails where it is told to.
    """

    name: str
    log: list
    holds_chunks: bool = False
    fails_in: str = ""
    error: BaseException = attrs.field(factory=lambda: RuntimeError("broken"))
    held: list = attrs.field(factory=list)

    def note(self, what):
        self.log.append((self.name, what))
        if what == self.fails_in:
            raise self.error

    async def feed(self, chunks):
        self.note("feed")
        if not self.holds_chunks:
            return chunks
        self.held.extend(chunks)
        return ()

    async def flush(self):
        self.note("flush")
        held, self.held = self.held, []
        return held

    async def close(self, outcome):
        self.log.append((self.name, outcome.value))
        if self.fails_in == "close":
            raise self.error


@pytest.fixture
def log():
    return []


@pytest.fixture
def chunks(kit):
    return [Chunk(kit.TOY, frame) for frame in kit.ToyStream().deltas("ab").frames]


class TestOrder:
    async def test_stages_run_in_their_order(self, log, chunks):
        """
        The chunks of a read go through the stages one after the other.
        """
        pipeline = Pipeline([Recorder("a", log), Recorder("b", log)])

        assert await pipeline.feed(chunks) == chunks
        assert log == [("a", "feed"), ("b", "feed")]

    async def test_nothing_left_means_nothing_to_feed(self, log, chunks):
        """
        A stage behind one that keeps everything is not called for nothing.
        """
        pipeline = Pipeline([Recorder("a", log, holds_chunks=True), Recorder("b", log)])

        assert await pipeline.feed(chunks) == []
        assert log == [("a", "feed")]

    async def test_what_one_flushes_goes_through_those_after_it(self, log, chunks):
        """
        A stage is flushed after it was fed what the stage before it flushed.
        """
        pipeline = Pipeline(
            [Recorder(name, log, holds_chunks=True) for name in ("a", "b", "c")]
        )
        await pipeline.feed(chunks)
        log.clear()

        assert await pipeline.flush() == chunks
        assert log == [
            ("a", "flush"),
            ("b", "feed"),
            ("b", "flush"),
            ("c", "feed"),
            ("c", "flush"),
        ]

    async def test_flushed_text_is_filtered(self, kit):
        """
        What a holding filter lets go of at the end is masked by the filter behind it.
        """
        holds = Recorder("a", [], holds_chunks=True)

        sent = await kit.run([holds, kit.Cards()], kit.ToyStream().deltas("4" * 16))

        assert sent.text() == "[card]"

    async def test_an_empty_pipeline_passes(self, chunks):
        """
        Without stages nothing happens.
        """
        pipeline = Pipeline([])

        assert pipeline.is_empty
        assert not pipeline.holds_chunks
        assert await pipeline.feed(chunks) == chunks
        assert await pipeline.flush() == []

    def test_holds_chunks_if_one_stage_does(self, log):
        """
        One holding stage makes a holding pipeline.
        """
        stages = [Recorder("a", log), Recorder("b", log, holds_chunks=True)]

        assert Pipeline(stages).holds_chunks
        assert not Pipeline(stages[:1]).holds_chunks

    async def test_counts_calls_and_time(self, log, chunks):
        """
        Each stage knows its name, how often it ran and for how long.
        """
        pipeline = Pipeline([Stage(filter=Recorder("a", log), name="first")])

        await pipeline.feed(chunks)
        await pipeline.flush()

        (stage,) = pipeline.stages
        assert (stage.name, stage.calls) == ("first", 2)
        assert stage.ns > 0
        assert stage.started_ns > 0


class TestFailure:
    @pytest.mark.parametrize("fails_in", ["feed", "flush"])
    async def test_fails_closed(self, log, chunks, fails_in):
        """
        A stage that fails cuts the stream, under the plugin's name.
        """
        broken = Recorder("a", log, fails_in=fails_in)
        pipeline = Pipeline([Stage(filter=broken, name="mask")])

        async def run():
            await pipeline.feed(chunks)
            await pipeline.flush()

        with pytest.raises(PluginFailed) as caught:
            await run()

        assert caught.value.plugin == "mask"
        assert caught.value.__cause__ is broken.error

    @pytest.mark.parametrize("fails_in", ["feed", "flush"])
    async def test_fails_open_where_it_may(self, log, chunks, fails_in):
        """
        A stage that may fail open is taken out, told so, and the chunks pass it by.
        """
        broken = Recorder("a", log, fails_in=fails_in)
        pipeline = Pipeline([Stage(filter=broken, fails_open=True), Recorder("b", log)])

        assert await pipeline.feed(chunks) + await pipeline.flush() == chunks
        assert log.count(("a", "failed")) == 1
        assert ("b", "feed") in log

    async def test_is_not_asked_again_after_it_failed_open(self, log, chunks):
        """
        A stage that was taken out sees no later chunk.
        """
        broken = Recorder("a", log, fails_in="feed")
        pipeline = Pipeline([Stage(filter=broken, fails_open=True)])

        await pipeline.feed(chunks)
        await pipeline.feed(chunks)
        await pipeline.flush()

        assert log == [("a", "feed"), ("a", "failed")]
        assert pipeline.is_empty

    async def test_fails_open_while_the_rest_is_flushed(self, log, chunks):
        """
        Chunks that an inner stage flushed survive the failure of the stage that gets them.
        """
        stages = [
            Recorder("a", log, holds_chunks=True),
            Stage(filter=Recorder("b", log, fails_in="feed"), fails_open=True),
        ]
        pipeline = Pipeline(stages)
        await pipeline.feed(chunks)

        assert await pipeline.flush() == chunks
        assert ("b", "flush") not in log

    async def test_a_holding_stage_cannot_fail_open(self, log, chunks):
        """
        What a holding stage had is lost, so that the stream is cut whatever the operator said.
        """
        broken = Recorder("a", log, holds_chunks=True, fails_in="flush")
        pipeline = Pipeline([Stage(filter=broken, name="mask", fails_open=True)])
        await pipeline.feed(chunks)

        with pytest.raises(PluginFailed):
            await pipeline.flush()

    async def test_a_refusal_passes(self, log, chunks):
        """
        A deliberate no is no failure, not even of a stage that may fail open.
        """
        refuses = Recorder("a", log, fails_in="feed", error=Blocked())
        pipeline = Pipeline([Stage(filter=refuses, fails_open=True)])

        with pytest.raises(Blocked):
            await pipeline.feed(chunks)

    async def test_an_upstream_error_keeps_its_name(self, log, chunks):
        """
        What is not the plugin's fault is not blamed on it.
        """
        pipeline = Pipeline(
            [Recorder("a", log, fails_in="feed", error=UpstreamError())]
        )

        with pytest.raises(UpstreamError):
            await pipeline.feed(chunks)

    async def test_a_slow_stage_has_failed(self, kit, chunks):
        """
        A stage that takes longer than it may is dealt with as one that failed.
        """

        async def call(chunk):
            await asyncio.Event().wait()

        stage = Stage(filter=ChunkHook(call), fails_open=True, timeout_s=0.001)
        pipeline = Pipeline([stage])

        assert await pipeline.feed(chunks) == chunks
        assert isinstance(stage.failed, TimeoutError)

    async def test_a_text_filter_that_fails_while_it_holds(self, kit):
        """
        A text filter that breaks sends nothing of what it held, also if it is flushed after.
        """

        class Breaks(kit.Cards):
            def find(self, text, start, final):
                if "x" in text:
                    raise LookupError(text)
                return super().find(text, start, final)

        pipeline = Pipeline([Stage(filter=Breaks(), name="mask", fails_open=True)])
        first, second = (
            Chunk(kit.TOY, f) for f in kit.ToyStream().deltas(["4111", "x"]).frames
        )
        assert await pipeline.feed([first]) == []

        with pytest.raises(PluginFailed):
            await pipeline.feed([second])

        assert await pipeline.flush() == []

    async def test_the_caller_is_told_of_every_failure(self, log, chunks):
        """
        Whoever runs the pipeline hears of failures and refusals first, and may raise instead.
        """
        told = []

        def on_error(stage, exc):
            told.append((stage.name, exc))
            if len(told) == 2:
                raise UpstreamError

        first = Recorder("a", log, fails_in="feed")
        second = Recorder("b", log, fails_in="feed", error=Blocked())
        pipeline = Pipeline(
            [
                Stage(filter=first, name="a", fails_open=True),
                Stage(filter=second, name="b"),
            ],
            on_error,
        )

        with pytest.raises(UpstreamError):
            await pipeline.feed(chunks)

        assert told == [("a", first.error), ("b", second.error)]


class TestClose:
    async def test_tells_each_stage_once(self, log):
        """
        Every stage hears how the stream ended, once.
        """
        pipeline = Pipeline([Recorder("a", log), Recorder("b", log)])

        await pipeline.close(Outcome.LEFT)
        await pipeline.close(Outcome.FINISHED)

        assert log == [("a", "left"), ("b", "left")]

    @pytest.mark.parametrize("hears", [True, False], ids=["told", "alone"])
    async def test_one_that_fails_does_not_hide_it_from_the_others(self, log, hears):
        """
        An exception in one stage's close is reported, and the next stage is closed.
        """
        told = []

        def on_error(stage, exc):
            told.append(stage.name)
            raise exc

        pipeline = Pipeline(
            [Recorder("a", log, fails_in="close"), Recorder("b", log)],
            on_error if hears else None,
        )

        await pipeline.close(Outcome.REFUSED)

        assert log == [("a", "refused"), ("b", "refused")]
        assert told == (["Recorder"] if hears else [])
        assert pipeline.stages[0].failed is not None

    async def test_a_cancellation_comes_through_after_all_were_told(self, log):
        """
        If closing is cancelled, every stage is told before the cancellation goes on.
        """
        pipeline = Pipeline(
            [
                Recorder("a", log, fails_in="close", error=asyncio.CancelledError()),
                Recorder("b", log),
            ]
        )

        with pytest.raises(asyncio.CancelledError):
            await pipeline.close(Outcome.LEFT)

        assert log == [("a", "left"), ("b", "left")]

    async def test_a_stage_that_failed_open_is_not_told_again(self, log, chunks):
        """
        A stage that was taken out was closed then.
        """
        pipeline = Pipeline(
            [Stage(filter=Recorder("a", log, fails_in="feed"), fails_open=True)]
        )
        await pipeline.feed(chunks)

        await pipeline.close(Outcome.FINISHED)

        assert log == [("a", "feed"), ("a", "failed")]


class TestWholeAnswers:
    def answer(self, kit):
        box = {"text": "4" * 16, "form": "whole", "lane": [0]}
        return kit.whole({"texts": [box]})

    async def test_go_through_the_text_filters(self, kit, log):
        """
        A whole answer is masked, and filters that know streams only are not asked.
        """
        response = self.answer(kit)

        await Pipeline([Recorder("a", log), kit.Cards()]).feed_response(response)

        assert response.doc["texts"][0]["text"] == "[card]"
        assert log == []

    async def test_pass_a_filter_that_fails_open(self, kit):
        """
        Nothing is held of a whole answer, so that a text filter may fail open there.
        """

        class Breaks(kit.Cards):
            def find(self, text, start, final):
                raise LookupError

        response = self.answer(kit)
        open_stage = Stage(filter=Breaks(), fails_open=True)

        await Pipeline([open_stage, kit.Words("4444", "#")]).feed_response(response)

        assert response.doc["texts"][0]["text"] == "####"
        with pytest.raises(PluginFailed):
            await Pipeline([Breaks()]).feed_response(response)
