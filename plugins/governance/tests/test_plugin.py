from __future__ import annotations

import contextlib
import os

import pytest

from gateway import NotAllowed, NotAuthenticated, Phase
from gateway.app import Gateway
from gateway.plugins import FoundPlugin, check_class
from gateway.settings import settings_from_dict
from gateway.testing import make_exchange
from gateway_governance import GovernancePlugin, GovernanceSettings

VALUE = "sk-gw-0123456789abcdef"


@contextlib.asynccontextmanager
async def governed(**settings):
    """
    Run a gateway with the plugin, and yield the plugin.
    """
    keys = {"me": {"secret": "env.VK_ME", "team": "t"}}
    table = {"teams": {"t": {}}, "virtual_keys": keys, **settings}
    found = [FoundPlugin(name="governance", cls=GovernancePlugin)]
    gateway = Gateway(
        settings_from_dict({"plugins": {"governance": table}}),
        plugins=found,
        installed=False,
        environ={**os.environ, "VK_ME": VALUE},
    )
    async with gateway:
        yield gateway.hooks.plugins[0].plugin


def test_the_plugin_is_written_as_the_core_asks():
    """
    The plugin passes the core's own check.
    """
    found = FoundPlugin(name="governance", cls=GovernancePlugin)

    assert check_class(found) == []
    assert GovernancePlugin.phase is Phase.GOVERN


async def test_price_files_are_in_the_gateways_catalog(tmp_path):
    """
    What the operator's files say is what everybody prices by.
    """
    path = tmp_path / "prices.yaml"
    path.write_text(
        "openai: {models: {gpt-5: {price: {from: 2026-01-31, input: 7, output: 8}}}}"
    )
    table = {"price_files": [str(path)]}
    gateway = Gateway(
        settings_from_dict({"plugins": {"governance": table}}),
        plugins=[FoundPlugin(name="governance", cls=GovernancePlugin)],
        installed=False,
    )

    facts = gateway.runtime.catalog.limits("openai", "gpt-5")

    assert facts.tariffs[0].price.input_pico == 7_000_000
    assert facts.takes_sampling is False


async def test_a_known_key_identifies_its_caller():
    """
    The key's name and team are known to every plugin inside.
    """
    async with governed(require_key=True) as plugin:
        exchange = make_exchange(headers={"Authorization": f"Bearer {VALUE}"})

        await plugin.pre_request(exchange)

    assert (exchange.identity.key_name, exchange.identity.team_id) == ("me", "t")
    assert VALUE not in repr(exchange.identity) + exchange.reason


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "virtual_key_required"),
        ({"x-api-key": "sk-gw-somebody-else-x"}, "virtual_key_not_found"),
    ],
    ids=["none", "unknown"],
)
async def test_strangers_are_refused(headers, code):
    """
    Without a key, or with one that nobody gave out, the answer is 401.
    """
    async with governed(require_key=True) as plugin:
        with pytest.raises(NotAuthenticated) as caught:
            await plugin.pre_request(make_exchange(headers=headers))

    assert (caught.value.status, caught.value.code) == (401, code)


async def test_an_inactive_key_is_blocked():
    """
    A key that was switched off is 403, not unknown.
    """
    keys = {"me": {"secret": "env.VK_ME", "is_active": False}}
    async with governed(require_key=True, virtual_keys=keys) as plugin:
        with pytest.raises(NotAllowed) as caught:
            await plugin.pre_request(make_exchange(headers={"x-gw-key": VALUE}))

    assert caught.value.code == "virtual_key_blocked"


async def test_without_require_key_strangers_pass():
    """
    On a machine of one's own nobody needs a key; a known one still identifies.
    """
    async with governed() as plugin:
        stranger = make_exchange(headers={"Authorization": "Bearer sk-something-else"})
        known = make_exchange(headers={"x-api-key": VALUE})
        await plugin.pre_request(stranger)
        await plugin.pre_request(known)

    assert stranger.identity is None
    assert known.identity is not None


async def test_a_nested_call_is_not_asked_again():
    """
    A plugin's own call goes in the name of a caller who was checked.
    """
    async with governed(require_key=True) as plugin:
        exchange = make_exchange(parent=make_exchange())

        assert await plugin.pre_request(exchange) is None


def test_requiring_a_key_is_what_authenticates():
    """
    The gateway may listen to the network only while keys are required.
    """
    assert GovernancePlugin(GovernanceSettings(require_key=True)).authenticates_callers
    assert not GovernancePlugin(GovernanceSettings()).authenticates_callers
