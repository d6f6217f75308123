"""
The plugin: who calls is what a trusted proxy in front says.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import attrs

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
from gateway.settings import SecretRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway import Gateway, ModelListing


@attrs.frozen(kw_only=True)
class Tenant:
    """
    Who stands behind one value of the header.

    Attributes:
        team: The team that it belongs to.
        customer: The customer that it belongs to.
    """

    team: str | None = attrs.field(default=None, metadata={"help": "Its team."})
    customer: str | None = attrs.field(default=None, metadata={"help": "Its customer."})


@attrs.frozen(kw_only=True)
class TenantHeaderSettings:
    """
    What the table ``plugins.tenant_header`` says.

    Attributes:
        proof: The secret by which the proxy shows that it is the proxy.
        header: The header that names the tenant.
        proof_header: The header that brings the proof.
        tenants: The tenants that may call, by the header's value.
    """

    proof: SecretRef = attrs.field(
        metadata={"help": "The secret by which the proxy shows that it is the proxy."}
    )
    header: str = attrs.field(
        default="x-tenant", metadata={"help": "The header that names the tenant."}
    )
    proof_header: str = attrs.field(
        default="x-proxy-proof", metadata={"help": "The header that brings the proof."}
    )
    tenants: Mapping[str, Tenant] = attrs.field(
        factory=dict, metadata={"help": "Who may call, by the header's value."}
    )


class TenantHeaderPlugin(Plugin):
    """
    Takes the tenant from a header, if the proxy's proof stands beside it.
    """

    phase: ClassVar[Phase] = Phase.IDENTIFY
    Settings: ClassVar[type] = TenantHeaderSettings
    authenticates_callers = True

    settings: TenantHeaderSettings

    def __init__(self, settings: TenantHeaderSettings) -> None:
        super().__init__(settings)
        self._gateway: Gateway | None = None

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """
        Make sure at the start that the proof can be had.
        """
        gateway.secrets.get(self.settings.proof)
        self._gateway = gateway
        yield

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Say who calls; an identity that is there already, of a nested call, stays.
        """
        if exchange.identity is None:
            exchange.identity = self.identify(exchange)
        return None

    @hookimpl
    async def list_models(
        self, exchange: Exchange, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        """
        Tell of models to those alone who may call.
        """
        exchange.identity = self.identify(exchange)
        return models

    def identify(self, exchange: Exchange) -> Identity:
        """
        Find out who calls.

        Raises:
            NotAuthenticated: The proof is missing or wrong.
            NotAllowed: The proxy names a tenant that nobody knows.
        """
        name = exchange.explained_key if exchange.dry_run else None
        if name is None:
            self._check_proof(exchange.headers.get(self.settings.proof_header, ""))
            name = exchange.headers.get(self.settings.header, "")
        tenant = self.settings.tenants.get(name)
        if tenant is None:
            msg = f"The header {self.settings.header} names no tenant."
            raise NotAllowed(msg, code="tenant_unknown")
        return Identity(
            key_id=f"tenant:{name}",
            key_name=name,
            team_id=tenant.team,
            customer_id=tenant.customer,
        )

    def _check_proof(self, told: str) -> None:
        assert self._gateway is not None, "its lifespan was not entered"
        proof = self._gateway.secrets.get(self.settings.proof)
        # Bytes, for compare_digest takes no text beyond ASCII; surrogates come from headers.
        if not hmac.compare_digest(
            told.encode("utf-8", "surrogateescape"), proof.encode()
        ):
            msg = "Calls are taken from the proxy in front alone."
            raise NotAuthenticated(msg, code="proof_required")
