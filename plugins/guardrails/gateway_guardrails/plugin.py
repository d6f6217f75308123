"""
The guardrails plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import attrs

from gateway import Answer, Attempt, Detector, Exchange, Phase, Plugin, Route, hookimpl
from gateway.events import Event, EventsMissed, SettingsChanged
from gateway_guardrails.events import ConversationsForgotten, GuardrailChanged
from gateway_guardrails.policy.checking import model_problems, start_problems
from gateway_guardrails.policy.making import Maker
from gateway_guardrails.policy.rules import declared_rules, problems_of
from gateway_guardrails.registry import DETECTORS
from gateway_guardrails.request_types import check_request_type
from gateway_guardrails.settings import GuardrailsSettings
from gateway_guardrails.warden import Warden, detector_tools, folder_of

if TYPE_CHECKING:
    import click

    from gateway import Gateway, Metric
    from gateway.errors import Problem
    from gateway.filters import StreamFilter
    from gateway.secrets import Secrets
    from gateway.settings import Settings as CoreSettings


class GuardrailsPlugin(Plugin):
    """
    Looks at what goes in and out, and stops, redacts or flags what should not.
    """

    phase: ClassVar[Phase] = Phase.INSPECT
    Settings: ClassVar[type] = GuardrailsSettings

    settings: GuardrailsSettings

    def __init__(self, settings: GuardrailsSettings) -> None:
        super().__init__(settings)
        self._warden: Warden | None = None

    @property
    def warden(self) -> Warden:
        """
        What the hooks work with, while the plugin's lifespan lasts.
        """
        if self._warden is None:
            msg = "guardrails were not started: their lifespan was not entered"
            raise RuntimeError(msg)
        return self._warden

    def problems(self, settings: CoreSettings) -> Iterable[Problem]:
        """
        Tell which providers that are named do not exist.
        """
        return self.settings.problems(settings.providers)

    def detector_problems(self, detectors: Mapping[str, Detector]) -> Iterable[Problem]:
        """
        Tell which detectors do not exist, or cannot do what a rule asks for.
        """
        for named in declared_rules(self.settings):
            yield from problems_of(named, self.settings.defaults, detectors)

    def model_problems(self, check_model: Callable[[str], None]) -> Iterable[Problem]:
        """
        Tell which judges are models that nobody has.
        """
        kinds = {detector.name: detector for detector in DETECTORS}
        for named in declared_rules(self.settings):
            yield from model_problems(named.rule, kinds, check_model)

    async def start_problems(
        self, gateway: Gateway, secrets: Secrets | None
    ) -> Iterable[Problem]:
        """
        Tell which detectors cannot be made, by making them all, and which secrets are missing.
        """
        folder = folder_of(gateway)
        tools = attrs.evolve(
            detector_tools(gateway),
            # To check makes nothing there, and takes what a gateway that served has left.
            folder=folder if folder.is_dir() else None,
        )
        maker = Maker(
            tools=tools,
            kinds=gateway.detectors,
            defaults=self.settings.defaults,
        )
        return await start_problems(maker, declared_rules(self.settings), secrets)

    # --- life -------------------------------------------------------------------------------

    @hookimpl
    def register_detectors(self) -> Iterable[Detector]:
        return DETECTORS

    @hookimpl
    def register_commands(self) -> Iterable[click.Command]:
        from gateway_guardrails.cli import commands  # the command line alone needs it

        return commands()

    @hookimpl
    def register_metrics(self) -> Iterable[Metric]:
        from gateway_guardrails.counting import metrics  # serving alone needs it

        return metrics(lambda: self._warden)

    @hookimpl
    def register_routes(self) -> Iterable[Route]:
        from gateway_guardrails.api.routes import routes  # serving alone needs it

        return routes(lambda: self.warden)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with Warden.open(gateway, self.settings) as self._warden:
            yield

    @hookimpl
    def on_event(self, event: Event) -> None:
        if self._warden is None:
            return
        if isinstance(event, GuardrailChanged | EventsMissed | SettingsChanged):
            self._warden.watch.poke()
        if isinstance(event, ConversationsForgotten | EventsMissed):
            self._warden.inspector.vault.clear()

    @hookimpl
    async def erase_subject(self, subject: str) -> str | None:
        # Of whom a conversation speaks nobody knows, nor how else it calls them.
        count = self.warden.inspector.vault.clear()
        gateway = self.warden.gateway
        gateway.broadcast(ConversationsForgotten(at=gateway.clock.now()))
        return f"{count} conversations forgotten, whoever they name" if count else None

    # --- exchanges --------------------------------------------------------------------------

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        await self.warden.inspector.inspect(exchange)
        check_request_type(exchange)
        return None

    @hookimpl
    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        await self.warden.inspector.inspect_for(exchange, attempt)
        check_request_type(exchange, attempt)

    @hookimpl
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        return self.warden.inspector.open_filter(exchange, attempt)

    @hookimpl
    def on_complete(self, exchange: Exchange) -> None:
        self.warden.inspector.complete(exchange)
