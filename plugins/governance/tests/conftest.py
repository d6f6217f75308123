"""
A gateway whose management API is asked over HTTP, in front of a vendor that bills.
"""

from __future__ import annotations

import contextlib

import pytest

from gateway import Phase, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient
from gateway_governance import GovernancePlugin


class Ears(Plugin):
    """
    Notes every event.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.events = []

    @hookimpl
    def on_event(self, event):
        self.events.append(event)


PLUGIN = FoundPlugin(name="governance", cls=GovernancePlugin)
ROOT = "/api/governance"
#: USD per million tokens: a token of the prompt is 1,000 nano-USD, one of the answer 10,000.
PRICES = {"all": {"model": "*", "prices": {"input": 1, "output": 10}}}
DECLARED = {
    "customers": {"bank": {}},
    "teams": {
        "payments": {
            "customer": "bank",
            "budgets": [{"limit_usd": 100, "per": "month"}],
        }
    },
    "virtual_keys": {"filed": {"team": "payments", "secret": "env.VK"}},
    "pricing_overrides": PRICES,
}
VALUE = "a-value-of-somebody-0123456789"


class Governance:
    """
    Asks the management API, and remembers nothing.
    """

    def __init__(self, client, fake):
        self.client = client
        self.fake = fake
        self.gateway = client.gateway

    def plugin(self, cls):
        return self.gateway.plugin(cls)

    @property
    def governor(self):
        return self.plugin(GovernancePlugin).governor

    @property
    def events(self):
        return self.plugin(Ears).events

    async def ask(self, method, path, document=None, headers=None, *, status=200):
        answer = await self.client.ask(method, ROOT + path, document, headers)
        assert answer.status == status, answer.body
        return answer.json

    async def get(self, path, **told):
        return await self.ask("GET", path, **told)

    async def post(self, path, document=None, **told):
        return await self.ask("POST", path, document or {}, **told)

    async def put(self, path, document=None, **told):
        return await self.ask("PUT", path, document or {}, **told)

    async def delete(self, path, **told):
        return await self.ask("DELETE", path, {}, **told)

    async def key(self, **members):
        """
        Create a virtual key, and return it.
        """
        told = {"name": "k", "allow_all_providers": True, **members}
        return (await self.post("/virtual-keys", told))["virtual_key"]

    async def spend(self, value):
        """
        Let a caller with *value* have one answer; return the status.
        """
        ask = {
            "model": "openai/gpt-5",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 20,
        }
        headers = {"Authorization": f"Bearer {value}"}
        return await self.client.post("/v1/chat/completions", ask, headers)


def settings_of(fake, governance, **more):
    keys = {
        "main": {"secret": "env.PROVIDER_KEY"},
        "spare": {"secret": "env.PROVIDER_KEY"},
    }
    return {
        "providers": {
            "openai": {
                "type": "openai",
                "base_url": fake.openai_url,
                "keys": keys,
            },
            "anthropic": {
                "type": "anthropic-compatible",
                "base_url": fake.url,
                "auth": "none",
            },
        },
        "routing": {"retries": 0},
        "plugins": {"governance": {"require_key": True, **governance}},
        **more,
    }


@contextlib.asynccontextmanager
async def governance(fake, table=None, **more):
    """
    Run a gateway with the plugin in front of *fake*.
    """
    told = DECLARED if table is None else table
    client = GatewayClient(
        settings_of(fake, told, **more),
        plugins=[PLUGIN, Ears],
        environ={"VK": VALUE, "PROVIDER_KEY": "sk-provider-0123456789"},
    )
    async with client:
        yield Governance(client, fake)


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def gov(fake):
    """
    A gateway with a customer, a team and a key from its settings.
    """
    async with governance(fake) as found:
        yield found


@pytest.fixture
def governed(fake):
    """
    Run a gateway with other settings.
    """
    return lambda table=None, **more: governance(fake, table, **more)


@pytest.fixture
def plugins():
    """
    What takes part in a gateway of a test's own.
    """
    return [PLUGIN, Ears]
