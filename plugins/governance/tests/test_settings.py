from __future__ import annotations

import pytest

from gateway import ConfigError
from gateway.settings import settings_from_dict
from gateway_governance import GovernanceSettings


def read(table):
    """
    Read *table* as the gateway would.
    """
    settings = settings_from_dict({"plugins": {"governance": table}})
    return settings.plugin("governance", GovernanceSettings)


def test_the_table_of_the_readme():
    """
    What the README shows can be read.
    """
    settings = read(
        {
            "require_key": True,
            "virtual_keys": {"checkout-prod": {"secret": "env.VK", "team": "payments"}},
        }
    )

    assert settings.require_key
    assert str(settings.virtual_keys["checkout-prod"].secret) == "env.VK"
    assert settings.virtual_keys["checkout-prod"].is_active


def test_a_literal_secret_is_refused():
    """
    A key's value does not stand in the settings file.
    """
    with pytest.raises(ConfigError) as caught:
        read({"virtual_keys": {"a": {"secret": "sk-canary-literal"}}})

    assert "plugins.governance.virtual_keys.a.secret" in str(caught.value)
    assert "canary" not in str(caught.value)
