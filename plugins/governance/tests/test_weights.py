from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from gateway import Target
from gateway_governance.weights import shuffled, spread


def target(provider: str, model: str = "m", **more) -> Target:
    return Target(provider=provider, model=model, dialect="openai_chat", **more)


def names(targets) -> list[str]:
    return [each.name for each in targets]


def test_the_first_is_drawn_by_weight_and_the_others_follow_by_weight():
    """
    Shares of first choices are the weights'; who is not drawn keeps the order of weights.
    """
    random = Random(1)

    drawn = [shuffled({"a": 1.0, "b": 3.0, "c": 0.0}, random) for _ in range(4_000)]

    shares = Counter(order[0] for order in drawn)
    assert shares["b"] / 4_000 == pytest.approx(0.75, abs=0.03)
    assert shares["c"] == 0
    assert {tuple(order) for order in drawn} == {("b", "a", "c"), ("a", "b", "c")}


def test_weights_of_nothing_leave_the_order():
    """
    Nothing is drawn where no weight is above zero.
    """
    assert shuffled({"a": 0.0, "b": 0.0}, Random(1)) == ["a", "b"]
    assert shuffled({}, Random(1)) == []


def test_the_providers_that_were_not_drawn_become_fallbacks():
    """
    The next in weight follows, marked as what it is, before the declared fallbacks.
    """
    offered = [
        target("plain"),
        target("small"),
        target("big"),
        target("last", is_fallback=True),
    ]

    chosen = spread(offered, {"small": 1e-9, "big": 1.0}, Random(1))

    assert names(chosen) == ["big/m", "small/m", "plain/m", "last/m"]
    assert [each.is_fallback for each in chosen] == [False, True, True, True]


def test_several_targets_of_one_provider_stay_in_their_order():
    """
    Weights are of providers; among the targets of one the settings decide.
    """
    offered = [target("b", "x"), target("a", "y"), target("b", "z")]

    chosen = spread(offered, {"b": 1.0}, Random(1))

    assert names(chosen) == ["b/x", "b/z", "a/y"]


def test_without_a_weight_among_them_nothing_changes():
    """
    The router's own order stands.
    """
    offered = [target("a"), target("b")]

    assert spread(offered, {"elsewhere": 1.0}, Random(1)) is offered
