"""
The governance plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from gateway import Answer, Attempt, Exchange, Phase, Plugin, Route, Tap, hookimpl
from gateway.events import Event, EventsMissed
from gateway_governance.admission import admitted_of
from gateway_governance.declared_values import DeclaredValues
from gateway_governance.events import EntityChanged
from gateway_governance.governor import Governor, requires_key
from gateway_governance.listening import Listener
from gateway_governance.price_files import read_price_files
from gateway_governance.settings import GovernanceSettings

if TYPE_CHECKING:
    import click

    from gateway import CallerKind, Gateway, ModelListing, Target
    from gateway.catalog import ModelFacts
    from gateway.errors import Problem
    from gateway.secrets import Secrets
    from gateway.settings import Settings as CoreSettings


class GovernancePlugin(Plugin):
    """
    Decides who may call what, and for how much.
    """

    phase: ClassVar[Phase] = Phase.GOVERN
    Settings: ClassVar[type] = GovernanceSettings

    settings: GovernanceSettings

    def __init__(self, settings: GovernanceSettings) -> None:
        super().__init__(settings)
        self._governor: Governor | None = None

    @property
    def governor(self) -> Governor:
        """
        What the hooks work with, while the plugin's lifespan lasts.
        """
        if self._governor is None:
            msg = "governance was not started: its lifespan was not entered"
            raise RuntimeError(msg)
        return self._governor

    def authenticates(self, settings: CoreSettings) -> bool:
        """
        Tell whether callers without a virtual key are refused.
        """
        return requires_key(self.settings, settings)

    def knows_credential(self, value: str) -> bool:
        """
        Tell whether *value* is that of a virtual key.
        """
        governor = self._governor
        return governor is not None and governor.watch.snapshot.knows(value)

    def problems(self, settings: CoreSettings) -> Iterable[Problem]:
        """
        Tell which providers that are named do not exist.
        """
        return self.settings.problems(providers=settings.providers)

    def model_problems(self, check_model: Callable[[str], None]) -> Iterable[Problem]:
        """
        Tell which models that routing rules lead to nobody has.
        """
        return self.settings.model_problems(check_model)

    async def start_problems(
        self, gateway: Gateway, secrets: Secrets | None
    ) -> Iterable[Problem]:
        """
        Tell which declared keys have no value, one that is none, or that of another.
        """
        if secrets is None:
            return ()
        return await DeclaredValues(
            self.settings, mint=None, resolve=secrets.get
        ).look()

    def advice(self, gateway: Gateway) -> Iterable[Problem]:
        """
        Tell which names that are allowed lead nowhere, and which targets have no price.
        """
        from gateway_governance.advising import advice  # check alone needs it

        return advice(self.settings, gateway)

    def find_caller(self, kind: CallerKind, name: str) -> str | None:
        """
        Find the id of a customer, team or virtual key.

        Before the start only those that are declared are known, by their names.
        """
        if self._governor is None:
            return name if name in self.settings.names(kind) else None
        return self._governor.watch.snapshot.find_caller(kind, name)

    # --- life -------------------------------------------------------------------------------

    @hookimpl
    def register_models(self) -> Iterable[ModelFacts]:
        return read_price_files(self.settings.price_files)

    @hookimpl
    def register_commands(self) -> Iterable[click.Command]:
        from gateway_governance.cli import commands  # and this the command line

        return commands()

    @hookimpl
    def register_routes(self) -> Iterable[Route]:
        from gateway_governance.api.routes import routes  # serving alone needs it

        return routes(lambda: self.governor)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with Governor.open(gateway, self.settings) as self._governor:
            yield

    @hookimpl
    def on_event(self, event: Event) -> None:
        if self._governor is not None and isinstance(
            event, EntityChanged | EventsMissed
        ):
            self._governor.watch.poke()

    # --- exchanges --------------------------------------------------------------------------

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        await self.governor.admission.enter(exchange)
        return None

    @hookimpl
    def choose_targets(
        self, exchange: Exchange, targets: Sequence[Target]
    ) -> Sequence[Target]:
        return self.governor.payments.choose(exchange, targets)

    @hookimpl
    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        await self.governor.payments.hold(exchange, attempt)

    @hookimpl
    def open_tap(self, exchange: Exchange, attempt: Attempt) -> Tap | None:
        payment = admitted_of(exchange).payments.get(attempt.number)
        if payment is None:
            return None
        payment.listener = Listener(
            payment.bound,
            cuts=payment.ceiling_nano is not None,
            monotonic=exchange.clock.monotonic,
        )
        return payment.listener

    @hookimpl
    def after_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        self.governor.payments.settle(exchange, attempt)

    @hookimpl
    def on_complete(self, exchange: Exchange) -> None:
        self.governor.admission.leave(exchange)

    @hookimpl
    async def list_models(
        self, exchange: Exchange, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        found = self.governor.admission.identify(exchange)
        return self.governor.payments.visible(exchange, found, models)
