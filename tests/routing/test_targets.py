from __future__ import annotations

import pytest

from gateway.routing.targets import ProviderKey, Target
from gateway.settings import ProviderKeySettings, SecretRef

TARGET = Target(
    provider="openai",
    model="gpt-5",
    dialect="openai_chat",
    weight=3,
    is_fallback=True,
    source="models.smart.targets[0]",
)


def key(**settings) -> ProviderKey:
    secret = SecretRef("env", "K")
    return ProviderKey.from_settings(
        "k", ProviderKeySettings(secret=secret, **settings)
    )


class TestTarget:
    def test_is_named_as_callers_name_it(self):
        """
        A target reads as a caller would ask for it.
        """
        assert TARGET.name == "openai/gpt-5"
        assert str(TARGET) == "openai/gpt-5"
        assert str(TARGET.with_key("main")) == "openai/gpt-5 (main)"

    def test_takes_a_key_and_nothing_else(self):
        """
        Choosing a key changes the key alone.
        """
        keyed = TARGET.with_key("main")

        assert keyed.key == "main"
        assert keyed != TARGET
        assert keyed == Target(
            provider="openai",
            model="gpt-5",
            dialect="openai_chat",
            key="main",
            weight=3,
            is_fallback=True,
            source="models.smart.targets[0]",
        )


class TestProviderKey:
    @pytest.mark.parametrize(
        ("settings", "model", "serves"),
        [
            ({}, "anything", True),
            ({"models": ("gpt-5*",)}, "gpt-5-mini", True),
            ({"models": ("gpt-5*",)}, "o3", False),
            ({"models": ("o3", "o4-*")}, "o4-mini", True),
            ({"weight": 0}, "anything", False),
        ],
    )
    def test_serves_its_models(self, settings, model, serves):
        """
        A key is for the models of its list; one of weight 0 is for none.
        """
        assert key(**settings).serves(model) is serves

    def test_shows_where_the_secret_is_not_what_it_is(self):
        """
        What is printed of a key names its reference.
        """
        assert "env" in repr(key())
