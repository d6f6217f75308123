"""
The governance plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

from gateway import (
    Answer,
    Exchange,
    Identity,
    NotAllowed,
    NotAuthenticated,
    Phase,
    Plugin,
    hookimpl,
)
from gateway_governance.credentials import credential_of
from gateway_governance.keyring import Keyring
from gateway_governance.price_files import read_price_files
from gateway_governance.settings import GovernanceSettings

if TYPE_CHECKING:
    from gateway import Gateway
    from gateway.catalog import ModelFacts


class GovernancePlugin(Plugin):
    """
    Refuses callers whom it does not know.
    """

    phase: ClassVar[Phase] = Phase.GOVERN
    Settings: ClassVar[type] = GovernanceSettings

    settings: GovernanceSettings

    def __init__(self, settings: GovernanceSettings) -> None:
        super().__init__(settings)
        self.authenticates_callers = bool(settings.require_key)
        self._keyring: Keyring | None = None

    @hookimpl
    def register_models(self) -> Iterable[ModelFacts]:
        return read_price_files(self.settings.price_files)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """
        Resolve the virtual keys.
        """
        self._keyring = Keyring(
            self.settings.virtual_keys,
            gateway.secrets.get,
            gateway.clock.monotonic,
        )
        yield

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Find out who calls.
        """
        if exchange.parent is not None:
            return None  # a plugin's own call, in the name of a caller who was checked
        value = credential_of(exchange.headers)
        if value is None:
            if self.settings.require_key:
                msg = "A virtual key is required: send it as Authorization: Bearer."
                raise NotAuthenticated(msg)
            exchange.explain("no key, none required")
            return None
        self._identify(exchange, value)
        return None

    def _identify(self, exchange: Exchange, value: str) -> None:
        if self._keyring is None:
            msg = "the keys were not resolved: the plugin's lifespan was not entered"
            raise RuntimeError(msg)
        key = self._keyring.find(value)
        if key is None:
            if not self.settings.require_key:
                exchange.explain("not one of our keys, none required")
                return
            msg = "The virtual key does not exist or has been revoked."
            raise NotAuthenticated(msg, code="virtual_key_not_found")
        if not key.is_active:
            msg = "The virtual key is not active."
            raise NotAllowed(msg, code="virtual_key_blocked")
        exchange.identity = Identity(
            key_id=key.name, key_name=key.name, team_id=key.team
        )
        exchange.explain(f"key {key.name}")
