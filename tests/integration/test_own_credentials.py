"""
The gateway's own credentials in a text: those of governance are recognised by guardrails.
"""

from __future__ import annotations

import contextlib

import pytest

from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, settings_for
from gateway_governance import GovernancePlugin
from gateway_guardrails import GuardrailsPlugin

CALLER = "vk-of-the-caller-0123456789abc"
DECLARED = "zq8-plain-words-from-elsewhere"
CHOSEN = "kx3-this-one-somebody-made-up7"
ADMIN = "wv5-whoever-administers-shows-me"
PLUGINS = [
    FoundPlugin(name="governance", cls=GovernancePlugin),
    FoundPlugin(name="guardrails", cls=GuardrailsPlugin),
]


@contextlib.asynccontextmanager
async def guarded():
    """
    Run a gateway that knows virtual keys, and lets no credential pass.
    """
    async with FakeUpstream() as fake:
        settings = settings_for(
            fake,
            admin={"oncall": {"secret": "env.ADMIN", "role": "admin"}},
            plugins={
                "governance": {
                    "require_key": True,
                    "virtual_keys": {
                        "caller": {"secret": "env.CALLER"},
                        "declared": {"secret": "env.DECLARED"},
                    },
                },
                "guardrails": {
                    "rules": {"ours": {"detectors": ["secrets"], "action": "block"}}
                },
            },
        )
        names = {"CALLER": CALLER, "DECLARED": DECLARED, "ADMIN": ADMIN}
        environ = {"OPENAI_API_KEY": "x", "PROVIDER_KEY": "x", **names}
        async with GatewayClient(settings, plugins=PLUGINS, environ=environ) as client:
            yield client


async def ask(client, text):
    """
    Say *text* as the caller.
    """
    document = {
        "model": "openai/gpt-5",
        "messages": [{"role": "user", "content": f"Is {text} a good one?"}],
    }
    headers = {"authorization": f"Bearer {CALLER}"}
    return await client.post("/v1/chat/completions", document, headers)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (DECLARED, "gateway_virtual_key"),
        (CALLER, "gateway_virtual_key"),
        (ADMIN, "gateway_secret"),
    ],
    ids=["declared", "the caller's", "an admin's"],
)
async def test_credentials_of_the_settings_are_recognised(value, kind):
    """
    Whatever form somebody chose for them.
    """
    async with guarded() as client:
        blocked = await ask(client, value)
        passed = await ask(client, value[:-1])

    assert (blocked.status, passed.status) == (400, 200), passed.body
    assert kind in blocked.json["error"]["message"]


async def test_a_virtual_key_is_recognised_as_soon_as_there_is_one():
    """
    Of one that was stored with a caller's own value a keyed hash is kept, and that is enough.
    """
    async with guarded() as client:
        before = await ask(client, CHOSEN)
        made = await client.ask(
            "POST",
            "/api/governance/virtual-keys",
            {"name": "theirs", "value": CHOSEN},
            {"authorization": f"Bearer {ADMIN}"},
        )
        after = await ask(client, f"{CHOSEN} (say)")

    assert (before.status, made.status, after.status) == (200, 200, 400), made.body
    assert "gateway_virtual_key" in after.json["error"]["message"]
