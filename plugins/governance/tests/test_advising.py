from __future__ import annotations

import pytest

from gateway import Gateway
from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway_governance import GovernancePlugin

KEY = {"secret": "env.VK", "budgets": [{"limit_usd": 5, "per": "day"}]}


def advice(tmp_path, models=None, **table) -> dict[str, str]:
    """
    Return what is advised, by its path.
    """
    keys = {"main": {"secret": "env.KEY"}}
    settings = settings_from_dict(
        {
            "server": {"data_dir": str(tmp_path)},
            "providers": {
                "openai": {"keys": keys},
                "own": {"type": "vllm", "base_url": "http://127.0.0.1:1"},
            },
            "models": models or {},
            "plugins": {"governance": table},
        }
    )
    found = FoundPlugin(name="governance", cls=GovernancePlugin)
    gateway = Gateway(settings, plugins=[found], installed=False)
    return {
        problem.path.removeprefix("plugins.governance."): problem.message
        for problem in gateway.advice()
    }


def test_names_that_lead_nowhere_are_told(tmp_path):
    """
    Of teams and keys, by their place in the list.
    """
    told = advice(
        tmp_path,
        models={"fast": "openai/gpt-5"},
        teams={"a": {"models": ["fast", "fst"]}},
        virtual_keys={"k": {"secret": "env.VK", "models": ["nowhere/gpt-5"]}},
    )

    assert list(told) == ["teams.a.models[1]", "virtual_keys.k.models[0]"]
    assert "no model is called fst here" in told["teams.a.models[1]"]


@pytest.mark.parametrize(
    "name",
    ["fast", "openai/gpt-5", "openai/gpt-new", "gpt-5", "c-new", "c-*", "emb", "own/x"],
)
def test_names_that_lead_somewhere_are_not(tmp_path, name):
    """
    Names of the settings, of a provider's, bare ones, patterns, and what only embeds.
    """
    models = {
        "fast": "openai/gpt-5",
        "c-*": "openai/*",
        "emb": "openai/text-embedding-3-small",
    }

    assert advice(tmp_path, models, teams={"a": {"models": [name]}}) == {}


def test_targets_without_a_price_are_told_where_there_are_budgets(tmp_path):
    """
    Fallbacks too, by the name of the model; what an override prices is well.
    """
    models = {
        "well": "openai/gpt-5",
        "new": "openai/gpt-new",
        "back": {"targets": ["openai/gpt-5"], "fallbacks": ["own/x"]},
        "any-*": "own/*",
    }
    price = {
        "provider": "openai",
        "model": "gpt-new",
        "prices": {"input": 1, "output": 2},
    }

    told = advice(tmp_path, models, virtual_keys={"k": KEY})
    priced = advice(
        tmp_path, models, virtual_keys={"k": KEY}, pricing_overrides={"new": price}
    )

    assert list(told) == ["models.new", "models.back"]
    assert told["models.back"].startswith(
        "own/x has no price: keys with budgets get 402"
    )
    assert list(priced) == ["models.back"]


@pytest.mark.parametrize(
    "table",
    [
        {"virtual_keys": {"k": {"secret": "env.VK"}}},
        {"virtual_keys": {"k": KEY}, "unpriced_models": "free"},
    ],
    ids=["no-budget", "free"],
)
def test_prices_that_nobody_needs_are_not_missed(tmp_path, table):
    """
    Without a budget, or where the operator lets such models be free.
    """
    assert advice(tmp_path, {"new": "openai/gpt-new"}, **table) == {}
