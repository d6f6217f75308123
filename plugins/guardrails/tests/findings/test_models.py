"""
Whose word the name of a model is.
"""

from __future__ import annotations

import attrs
import pytest

from gateway import ModelListing
from gateway.testing import make_exchange
from gateway.testing.exchanges import make_attempt
from gateway_guardrails.findings.models import ModelNames

LISTED = ModelListing(id="smart", provider="openai", leads_to=("openai/gpt-5",))


@pytest.fixture(name="names")
def _names():
    return ModelNames(lambda: [LISTED])


def asking(model):
    return make_exchange({"model": model, "messages": []})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("smart", "smart"),
        ("openai/gpt-5", "openai/gpt-5"),
        ("jane@acme.com", None),
        ("openai/jane@acme.com", None),
    ],
)
def test_what_the_settings_know_is_told(names, asked, told):
    """
    Whatever else a caller writes there is not.
    """
    assert names.of(asking(asked)) == told


@pytest.mark.parametrize(
    ("status", "told"), [(200, "openai/new"), (404, None), (None, None)]
)
def test_what_a_provider_answered_by_is_told(names, status, told):
    """
    A model may be newer than every list.
    """
    exchange = asking("openai/new")
    make_attempt(exchange, provider="openai", model="new", status=status)

    assert names.of(exchange) == told


def test_new_settings_are_asked_anew():
    """
    And the old ones once.
    """
    asked = []
    names = ModelNames(lambda: asked.append(1) or [LISTED])
    exchange = asking("smart")

    for _ in range(3):
        names.of(exchange)
    exchange.settings = attrs.evolve(exchange.settings)
    names.of(exchange)

    assert len(asked) == 2
