"""
The suite: one class, whose tests run against the plugin that a subclass names.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final

import pytest
import structlog

from gateway.dialects import core_dialects
from gateway.errors import ConfigError, GatewayError
from gateway.exchange import Outcome
from gateway.hookspecs import Phase, Plugin
from gateway.plugins import FoundPlugin, check_class, implemented
from gateway.settings import settings_from_dict
from gateway.sinks import MemorySink
from gateway.testing.conformance.mutants import (
    CANARY,
    failing,
    failing_at_flush,
    hanging,
)
from gateway.testing.conformance.recording import Recording, record, record_cuts
from gateway.testing.conformance.stage import Heard, Stage, heard, shouting
from gateway.testing.recorder import HookRecorder

#: Hooks on the way in: one that fails closed keeps the caller from an answer.
_WAY_IN: Final = ("pre_request", "choose_targets", "before_attempt")
#: Hooks on the way back, which may no longer be able to.
_WAY_BACK: Final = (
    "open_tap",
    "open_filter",
    "on_stream_chunk",
    "post_response",
    "after_attempt",
    "on_complete",
)
_MAY_WAIT: Final = frozenset(
    {"pre_request", "before_attempt", "on_stream_chunk", "post_response"}
)
#: Turns of the loop after which a caller leaves, at the most.
_MOST_TURNS: Final = 400
#: Turns after which a thread that the exchange waits for is given time as well: a loop that
#: always has something to do may keep it from the processor.
_SPUN_TURNS: Final = 300
_THREADS_TURN_S: Final = 0.002
_SECRETS: Final = ("canary-credential", "canary-prompt", "canary-answer")


@pytest.mark.asyncio
class Conformance:
    """
    Subclass it, and name the plugin.

    Attributes:
        plugin: The class.
        name: What the settings call it; left out: the class's name.
        settings: Its table; with it the plugin should do what it is for.
        wrong_settings: Tables that must be refused.
        environ: Where references ``env.…`` in *settings* lead.
        says: What the model answers: something on which the plugin acts.
        tells_plugins: What a model answers where the plugin itself asks one, as ``replay/m``.
        headers: What the caller sends.
        dialects: Those in which it is tried: every one of the core's that has streams.
    """

    plugin: ClassVar[type[Plugin]]
    name: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    wrong_settings: ClassVar[Sequence[Mapping[str, Any]]] = ()
    environ: ClassVar[Mapping[str, str]] = {}
    says: ClassVar[str] = 'Grün is the colour; 3 + 4 = 7, says "Émile".'
    tells_plugins: ClassVar[str] = "ok"
    headers: ClassVar[Mapping[str, str]] = {}
    dialects: ClassVar[Sequence[str]] = tuple(
        dialect.name for dialect in core_dialects() if dialect.facts() is not None
    )

    @property
    def called(self) -> str:
        """
        The plugin's name in the settings.
        """
        return self.name or self.plugin.__name__.removesuffix("Plugin").lower()

    def stage(self, plugin: type[Plugin] | None = None, **rest: Any) -> Any:
        """
        Open a stage for the plugin, or for what was made of it.
        """
        return Stage.open(
            self.called,
            plugin or self.plugin,
            self.settings,
            environ=self.environ,
            tells_plugins=self.tells_plugins,
            **rest,
        )

    async def recordings(self) -> Sequence[Recording]:
        """
        Return an answer in each dialect.
        """
        return await record(self.says, self.dialects)

    async def play(self, stage: Stage, recording: Recording, parts: Any) -> Heard:
        """
        Relay *recording* in *parts*, as this suite's caller.
        """
        return await stage.play(recording, parts, self.headers)

    # --- settings ---------------------------------------------------------------------------

    async def test_its_hooks_fit_their_specifications(self) -> None:
        """
        Names, arguments and colours are those of `gateway.Plugin`.
        """
        found = FoundPlugin(name=self.called, cls=self.plugin)

        assert [str(error) for error in check_class(found)] == []

    async def test_it_can_be_made_from_its_settings_alone(self) -> None:
        """
        Twice the same table is the same settings, and needs nothing that runs.
        """
        made = [self._structured(self.settings) for _ in range(2)]

        assert made[0] == made[1]
        assert isinstance(self.plugin(made[0]), self.plugin)

    async def test_settings_that_it_does_not_know_are_refused_by_name(self) -> None:
        """
        A slip of the pen is an error that names the key and its path.
        """
        with pytest.raises(ConfigError) as refused:
            self._structured({**self.settings, "no_such_key_here": 1})

        assert f"plugins.{self.called}.no_such_key_here" in str(refused.value)

    async def test_wrong_settings_are_refused(self) -> None:
        """
        Each of `wrong_settings` is an error that names its path.
        """
        for wrong in self.wrong_settings:
            with pytest.raises(GatewayError) as refused:
                self.plugin(self._structured(wrong))

            assert f"plugins.{self.called}" in str(refused.value), wrong

    def _structured(self, table: Mapping[str, Any]) -> Any:
        settings = settings_from_dict({"plugins": {self.called: dict(table)}})
        return settings.plugin(self.called, self.plugin.Settings)

    # --- streams ----------------------------------------------------------------------------

    async def test_a_text_cut_anywhere_is_the_same_answer(self) -> None:
        """
        Wherever the model cuts its words and a tool's arguments, the caller is told the same.
        """
        async with self.stage() as stage:
            async for recordings in record_cuts(self.says, self.dialects):
                whole: Mapping[str, str] | None = None
                for cut, recording in enumerate(recordings, 1):
                    told = await self.play(stage, recording, [recording.stream])
                    whole = told.said if whole is None else whole
                    assert told.said == whole, (str(recording), cut)

    async def test_a_stream_cut_anywhere_is_the_same_answer(self) -> None:
        """
        Wherever the network cuts, at every byte at once and in two, the caller is told the same.
        """
        recordings = await self.recordings()

        async with self.stage() as stage:
            for recording in recordings:
                once = await self.play(stage, recording, [recording.stream])
                assert once.exchange.outcome is Outcome.FINISHED, str(recording)
                for parts in (recording.bytewise(), *recording.halves()):
                    again = await self.play(stage, recording, parts)
                    assert again.said == once.said, (str(recording), len(parts[0]))

    async def test_reads_of_any_number_of_events_are_the_same_answer(self) -> None:
        """
        Events that come one by one, in fives and in twenties.
        """
        recordings = await self.recordings()

        async with self.stage() as stage:
            for recording in recordings:
                told = [
                    (await self.play(stage, recording, recording.reads(events))).said
                    for events in (1, 5, 20)
                ]
                assert told[0] == told[1] == told[2], str(recording)

    @pytest.mark.parametrize("neighbour", ["inside", "outside"])
    async def test_it_shares_a_stream_with_another_filter(self, neighbour: str) -> None:
        """
        A second filter on either side sees and makes valid streams.
        """
        phase = Phase.ROUTE if neighbour == "inside" else Phase.OBSERVE
        beside = [FoundPlugin(name="aaa", cls=shouting(phase))]
        recordings = await self.recordings()

        async with self.stage(beside=beside) as stage:
            for recording in recordings:
                told = [
                    await self.play(stage, recording, parts)
                    for parts in (recording.reads(1), [recording.stream])
                ]
                assert told[0].exchange.outcome is Outcome.FINISHED, str(recording)
                assert told[0].said == told[1].said, str(recording)

    async def test_what_a_filter_holds_when_it_fails_is_not_sent(self) -> None:
        """
        A filter that fails before it lets go takes with it what it held.
        """
        if "open_filter" not in implemented(self.plugin):
            return  # nothing is ever held
        recordings = await self.recordings()

        async with self.stage() as stage:
            well = [await self.play(stage, r, r.reads(1)) for r in recordings]
        async with self.stage(failing_at_flush(self.plugin)) as stage:
            ill = [await self.play(stage, r, r.reads(1)) for r in recordings]

        for before, after in zip(well, ill, strict=True):
            for lane, text in after.said.items():
                assert before.said[lane].startswith(text)
            assert CANARY.encode() not in after.body

    # --- failures ---------------------------------------------------------------------------

    async def test_a_failure_on_the_way_in_fails_as_the_operator_says(self) -> None:
        """
        Closed: the caller gets an error and no provider is asked.  Open: the answer comes.
        """
        recording = (await self.recordings())[0]
        for hook in self._implemented(_WAY_IN):
            closed = await self._fate(failing(self.plugin, hook), recording, "closed")
            opened = await self._fate(failing(self.plugin, hook), recording, "open")

            assert closed.status >= 500, hook
            assert CANARY.encode() not in closed.body, hook
            assert opened.status == 200, hook

    async def test_a_failure_on_the_way_back_is_no_answer_of_its_own(self) -> None:
        """
        The exchange ends, the failure's text reaches nobody, and the next caller is served.
        """
        recording = (await self.recordings())[0]
        for hook in self._implemented(_WAY_BACK):
            for policy in ("closed", "open"):
                mutant = failing(self.plugin, hook)
                with logged() as lines:
                    told = await self._fate(mutant, recording, policy)

                assert told.exchange.outcome is not None, hook
                assert CANARY.encode() not in told.body, hook
                assert CANARY not in lines(), hook

    async def test_a_hook_that_never_ends_is_cut_off_in_time(self) -> None:
        """
        ``timeout_s`` ends it, and the failure policy decides what becomes of the caller.
        """
        recording = (await self.recordings())[0]
        waiting = [hook for hook in self._implemented(_WAY_IN) if hook in _MAY_WAIT]
        for hook in waiting:
            mutant = hanging(self.plugin, hook)
            closed = await self._fate(mutant, recording, "closed", timeout_s=0.05)
            opened = await self._fate(mutant, recording, "open", timeout_s=0.05)

            assert closed.status >= 500, hook
            assert opened.status == 200, hook

    def _implemented(self, hooks: Sequence[str]) -> list[str]:
        present = implemented(self.plugin)
        return [hook for hook in hooks if hook in present]

    async def _fate(
        self,
        plugin: type[Plugin],
        recording: Recording,
        policy: str,
        timeout_s: float | None = None,
    ) -> Heard:
        hooks: dict[str, Any] = {"on_failure": {self.called: policy}}
        if timeout_s is not None:
            hooks["timeout_s"] = {self.called: timeout_s}
        async with self.stage(plugin, hooks=hooks) as stage:
            return await self.play(stage, recording, [recording.stream])

    # --- ends -------------------------------------------------------------------------------

    async def test_a_caller_may_leave_at_any_moment(self) -> None:
        """
        Cancelled at every await, the exchange ends once, and leaves no task behind.
        """
        recording = (await self.recordings())[0]
        beside = [FoundPlugin(name="zzz_recorder", cls=HookRecorder)]
        async with self.stage(beside=beside) as stage:
            recorder = stage.gateway.plugin(HookRecorder)
            for turns in range(1, _MOST_TURNS):
                exchange = stage.exchange(recording, self.headers)
                stage.replay.parts = recording.reads(1)
                has_left = await _leave_after(stage, exchange, turns)
                ends = recorder.names(exchange.id).count("on_complete")
                assert ends == 1, (
                    f"left after {turns} turns: on_complete ran {ends} times"
                )
                assert stage.gateway.in_flight == 0
                if not has_left:
                    return
            pytest.fail(f"an exchange takes more than {_MOST_TURNS} turns of the loop")

    async def test_nothing_of_an_exchange_is_held_after_it(self) -> None:
        """
        The exchange itself can be collected once it ended.
        """
        recordings = await self.recordings()
        async with self.stage() as stage:
            held = []
            for recording in recordings:
                told = await self.play(stage, recording, [recording.stream])
                held.append(weakref.ref(told.exchange))
                del told
            await stage.gateway.tasks.join(5.0)
            len(stage.gateway.traces)  # which makes notes of the latest only when asked
            gc.collect()

            assert [ref() for ref in held] == [None] * len(held)

    async def test_no_secret_reaches_its_logs(self) -> None:
        """
        Neither the caller's credential nor what was asked and answered.
        """
        recordings = await record("canary-answer", self.dialects)
        headers = {
            **self.headers,
            "authorization": "Bearer canary-credential",
            "x-api-key": "canary-credential",
        }
        with logged() as lines:
            async with self.stage() as stage:
                for recording in recordings:
                    asked = {**recording.request, "user": "canary-prompt"}
                    told = Recording(
                        dialect=recording.dialect,
                        request=asked,
                        stream=recording.stream,
                    )
                    played = await stage.play(told, recording.reads(1), headers)
                    trail = str(played.exchange.trail.as_list())
                    assert [s for s in _SECRETS if s in trail] == []

        assert [secret for secret in _SECRETS if secret in lines()] == []

    async def test_its_place_among_strangers_does_not_matter(self) -> None:
        """
        Plugins that only watch, of earlier and later names, change nothing for it.
        """
        recordings = await self.recordings()
        told = []
        for name in (None, "aaa", "zzz"):
            beside = [] if name is None else [FoundPlugin(name=name, cls=HookRecorder)]
            async with self.stage(beside=beside) as stage:
                told.append(
                    [(await self.play(stage, r, [r.stream])).said for r in recordings]
                )

        assert told[0] == told[1] == told[2]

    async def test_a_dry_run_asks_nobody(self) -> None:
        """
        Explaining a request sends nothing, and the request is served afterwards as before.
        """
        recordings = await self.recordings()
        async with self.stage() as stage:
            for recording in recordings:
                verdict = await stage.gateway.explain(
                    stage.exchange(recording, self.headers)
                )
                assert stage.replay.asked == []
                failed = verdict.get("refused", {}).get("code") == "plugin_failed"
                assert not failed, verdict
                played = await self.play(stage, recording, [recording.stream])
                assert played.exchange.outcome is not None
                stage.replay.asked.clear()


async def _leave_after(stage: Stage, exchange: Any, turns: int) -> bool:
    """
    Relay *exchange*, and leave after so many *turns* of the loop; tell whether it was under way.
    """
    task = asyncio.ensure_future(stage.gateway.relay(exchange, MemorySink()))
    for turn in range(turns):
        if task.done():
            break
        await asyncio.sleep(0 if turn < _SPUN_TURNS else _THREADS_TURN_S)
    has_left = not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await stage.gateway.tasks.join(5.0)
    return has_left


@contextmanager
def logged() -> Iterator[Any]:
    """
    Catch all that is logged, by structlog and by the standard library, at every level.
    """
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    before = structlog.get_config()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    try:
        yield stream.getvalue
    finally:
        structlog.configure(**before)
        root.setLevel(level)
        root.removeHandler(handler)


__all__ = ["Conformance", "heard", "logged"]
