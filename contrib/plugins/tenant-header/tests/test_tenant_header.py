"""
Who calls is what a trusted proxy says.
"""

from __future__ import annotations

import pytest

from gateway import Plugin, hookimpl
from gateway.testing.conformance import Conformance
from gateway_tenant_header import TenantHeaderPlugin

PROOF = "a proof of the proxy"
SETTINGS = {
    "proof": "env.PROOF",
    "tenants": {"shop": {"team": "retail", "customer": "acme"}},
}
ASK = {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}
SHOP = {"x-proxy-proof": PROOF, "x-tenant": "shop"}


class WitnessPlugin(Plugin):
    """
    Notes who was found to call.
    """

    seen = []

    @hookimpl
    def on_complete(self, exchange):
        self.seen.append(exchange.identity)


@pytest.fixture
async def client(gateway_client):
    WitnessPlugin.seen = []
    return await gateway_client(
        TenantHeaderPlugin,
        WitnessPlugin,
        plugins={"tenantheader": SETTINGS},
        environ={"PROOF": PROOF},
    )


async def test_the_tenant_is_who_calls(client):
    """
    With its team and customer, for every plugin within.
    """
    answer = await client.post("/v1/chat/completions", ASK, SHOP)

    (who,) = WitnessPlugin.seen
    assert answer.status == 200
    assert (who.key_id, who.team_id, who.customer_id) == (
        "tenant:shop",
        "retail",
        "acme",
    )


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-tenant": "shop"}, 401, "proof_required"),
        ({"x-tenant": "shop", "x-proxy-proof": "guessed"}, 401, "proof_required"),
        ({"x-proxy-proof": PROOF}, 403, "tenant_unknown"),
        ({"x-proxy-proof": PROOF, "x-tenant": "other"}, 403, "tenant_unknown"),
    ],
)
async def test_nobody_else_is_let_in(client, fake_upstream, headers, status, code):
    """
    Without the proof, or for a tenant that nobody knows, no provider is asked.
    """
    answer = await client.post("/v1/chat/completions", ASK, headers)

    assert (answer.status, answer.headers["x-gw-code"]) == (status, code)
    assert list(fake_upstream.requests) == []
    assert PROOF.encode() not in answer.body


async def test_models_are_told_to_tenants_alone(client):
    """
    The list of models asks for the same proof.
    """
    told = await client.ask("GET", "/v1/models", None, SHOP)
    refused = await client.ask("GET", "/v1/models")

    assert (told.status, refused.status) == (200, 401)


async def test_an_operator_may_ask_in_a_tenants_name(client):
    """
    A dry run needs no proof: the operator was let in another way.
    """
    asked = {"path": "/v1/chat/completions", "request": ASK, "key": "shop"}

    verdict = await client.post("/api/explain", asked)

    assert verdict.status == 200
    assert "refused" not in verdict.json


class TestConformance(Conformance):
    """
    The suite of ``gateway.testing``.
    """

    plugin = TenantHeaderPlugin
    name = "tenant_header"
    settings = SETTINGS
    wrong_settings = ({"tenants": {}}, {"proof": "env.PROOF", "tenants": []})
    environ = {"PROOF": PROOF}
    headers = SHOP
