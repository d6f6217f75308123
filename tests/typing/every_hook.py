"""
A plugin that implements every hook, typed as an author would type it.

mypy reads this file and nobody runs it: what is asserted here is what an editor shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar, assert_type

import attrs
import click
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import (
    Answer,
    Attempt,
    AttemptState,
    Chunk,
    Exchange,
    Gateway,
    Identity,
    Metric,
    ModelListing,
    Outcome,
    Phase,
    Plugin,
    ProcessSpec,
    Request,
    Response,
    Route,
    Tap,
    Usage,
    hookimpl,
)
from gateway.catalog import ModelFacts
from gateway.detecting import Detector
from gateway.dialects import Dialect
from gateway.errors import ExchangeError
from gateway.events import Event, SettingsChanged
from gateway.exchange import Stash
from gateway.filters import StreamFilter
from gateway.flights import Flight
from gateway.providers.vendors import Vendor
from gateway.registrations import Embedder, Encoding, SecretStore
from gateway.routing.targets import Target
from gateway.settings import Settings
from gateway.trail import Finding, Trail


@attrs.frozen(kw_only=True)
class EverySettings:
    word: str = "any"


class EveryPlugin(Plugin):
    phase: ClassVar[Phase] = Phase.INSPECT
    Settings: ClassVar[type] = EverySettings

    settings: EverySettings

    def __init__(self, settings: EverySettings) -> None:
        super().__init__(settings)
        self.authenticates_callers = bool(settings.word)

    @hookimpl
    def register_providers(self) -> Iterable[Vendor]:
        return ()

    @hookimpl
    def register_dialects(self) -> Iterable[Dialect]:
        return ()

    @hookimpl
    def register_routes(self) -> Iterable[Route]:
        return ()

    @hookimpl
    def register_commands(self) -> Iterable[click.Command]:
        return ()

    @hookimpl
    def register_secret_stores(self) -> Iterable[SecretStore]:
        return ()

    @hookimpl
    def register_detectors(self) -> Iterable[Detector]:
        return ()

    @hookimpl
    def register_embedders(self) -> Iterable[Embedder]:
        return ()

    @hookimpl
    def register_models(self) -> Iterable[ModelFacts]:
        return ()

    @hookimpl
    def register_encodings(self) -> Iterable[Encoding]:
        return ()

    @hookimpl
    def register_processes(self) -> Iterable[ProcessSpec]:
        yield ProcessSpec(name="sequencer", target="package.module:function")

    @hookimpl
    def register_metrics(self) -> Iterable[Metric]:
        yield Metric(name="entries_lost", told="Entries that were lost.", value=int)
        yield Metric(
            name="lag",
            told="Entries that a sink has not.",
            labels=("sink",),
            value=lambda: {("splunk",): 3},
        )

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        assert_type(gateway.settings, Settings)
        assert_type(gateway.clock.now(), float)
        yield

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        assert_type(self.settings, EverySettings)
        assert_type(exchange.request, Request)
        assert_type(exchange.headers, CIMultiDictProxy[str])
        assert_type(exchange.settings, Settings)
        assert_type(exchange.identity, Identity | None)
        assert_type(exchange.stash, Stash)
        assert_type(exchange.trail, Trail)
        assert_type(exchange.trail.findings, list[Finding])
        assert_type(exchange.attempts, list[Attempt])
        assert_type(exchange.attempt, Attempt | None)
        assert_type(exchange.parent, Exchange | None)
        assert_type(exchange.dry_run, bool)
        flight = exchange.forward()
        assert_type(flight, Flight)
        answer = await exchange.join(flight)
        assert_type(answer, Answer)
        return answer

    @hookimpl
    def choose_targets(
        self, exchange: Exchange, targets: Sequence[Target]
    ) -> Sequence[Target]:
        assert_type([target.key for target in targets], list[str | None])
        return [target.with_key("main") for target in targets]

    @hookimpl
    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        assert_type(attempt.target, Target)
        assert_type(attempt.request, Request)
        assert_type(attempt.headers, CIMultiDict[str])
        assert_type(attempt.hold_nano, int)
        attempt.request.max_output_tokens = 10

    @hookimpl
    def open_tap(self, exchange: Exchange, attempt: Attempt) -> Tap | None:
        return Tap()

    @hookimpl
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        return None

    @hookimpl
    async def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Chunk | None:
        return None if chunk.is_done else chunk

    @hookimpl
    async def post_response(
        self, exchange: Exchange, response: Response
    ) -> Response | None:
        assert_type(response.finish_reasons, Sequence[str])
        assert_type(response.error, str | None)
        return None

    @hookimpl
    async def after_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        assert_type(attempt.usage, Usage | None)
        assert_type(attempt.state, AttemptState)
        assert_type(attempt.error, ExchangeError | None)
        assert_type(attempt.not_sent, bool)

    @hookimpl
    async def on_complete(self, exchange: Exchange) -> None:
        assert_type(exchange.outcome, Outcome | None)
        assert_type(exchange.response, Response | None)
        assert_type(exchange.cost_nano, int | None)
        assert_type(exchange.error, ExchangeError | None)

    @hookimpl
    def on_event(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            assert_type(event.changed, tuple[str, ...])

    @hookimpl
    async def settle_event(self, event: Event) -> None:
        assert_type(event.at, float)

    @hookimpl
    async def list_models(
        self, exchange: Exchange, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        assert_type(models[0].id, str)
        return [model for model in models if model.provider != "hidden"]

    @hookimpl
    async def recall(self, request_id: str) -> Mapping[str, Any] | None:
        return {"request_id": request_id}

    @hookimpl
    async def erase_subject(self, subject: str) -> str | None:
        return f"{len(subject)} things forgotten"


async def marked_hooks_keep_their_types(
    plugin: EveryPlugin, gateway: Gateway, exchange: Exchange, attempt: Attempt
) -> None:
    """
    What `hookimpl` marks has the type that its author gave it.
    """
    assert_type(await plugin.pre_request(exchange), Answer | None)
    assert_type(plugin.choose_targets(exchange, []), Sequence[Target])
    assert_type(plugin.open_filter(exchange, attempt), StreamFilter | None)
    assert_type(plugin.open_tap(exchange, attempt), Tap | None)
    async with plugin.lifespan(gateway) as nothing:
        assert_type(nothing, None)


async def inherited_hooks_have_the_specified_types(
    plugin: Plugin, gateway: Gateway, exchange: Exchange, chunk: Chunk
) -> None:
    """
    What a plugin does not implement has the type that the specification gives it.
    """
    assert_type(plugin.lifespan(gateway), AbstractAsyncContextManager[None])
    assert_type(await plugin.on_stream_chunk(exchange, chunk), Chunk | None)
    assert_type(plugin.register_routes(), Iterable[Route])
    assert_type(await plugin.erase_subject("anybody"), str | None)
    assert_type(plugin.settings, Any)
