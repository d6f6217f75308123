from __future__ import annotations

from collections import Counter
from random import Random

import attrs
import pytest

from gateway.routing.health import Health
from gateway.routing.places import (
    blamed_place,
    choose_key,
    places_of,
    standing,
    usable_keys,
)
from gateway.routing.retries import Blame
from gateway.routing.targets import Target

BARE = Target(provider="b", model="m", dialect="openai_chat")
KEYED = BARE.with_key("one")


@pytest.fixture
def health(clock) -> Health:
    return Health(clock=clock.monotonic)


@pytest.fixture
def provider(make_router):
    providers = {
        "b": {
            "type": "openai",
            "keys": {
                "one": {"secret": "env.A", "weight": 3},
                "two": {"secret": "env.B", "weight": 1},
                "off": {"secret": "env.C", "weight": 0},
                "other": {"secret": "env.D", "models": ["other-*"]},
            },
        }
    }
    return make_router(providers).providers["b"]


def test_a_target_may_be_kept_to_some_keys(provider):
    """
    A plugin lets one caller use some of the keys; the rules of the keys hold all the same.
    """
    kept = attrs.evolve(BARE, keys=("two", "off", "other"))

    usable = usable_keys(provider, kept)

    assert [key.name for key in usable] == ["two"]
    assert kept.with_key("two").keys == kept.keys


def test_an_attempt_touches_four_places():
    """
    Provider, model, key, and the model with the key.
    """
    assert set(places_of(KEYED)) == {
        ("b",),
        ("b", None, "m"),
        ("b", "one"),
        ("b", "one", "m"),
    }
    assert set(places_of(BARE)) == {("b",), ("b", None, "m")}


@pytest.mark.parametrize(
    ("target", "blame", "place"),
    [
        (KEYED, Blame.NOBODY, None),
        (KEYED, Blame.PROVIDER, ("b",)),
        (KEYED, Blame.MODEL, ("b", None, "m")),
        (KEYED, Blame.KEY, ("b", "one")),
        (KEYED, Blame.KEY_AND_MODEL, ("b", "one", "m")),
        (BARE, Blame.KEY, ("b",)),
        (BARE, Blame.KEY_AND_MODEL, ("b", None, "m")),
    ],
)
def test_blame_has_a_place(target, blame, place):
    """
    What a failure tells of is one of the places that the attempt touched.
    """
    assert blamed_place(target, blame) == place
    assert place is None or place in places_of(target)


def test_usable_keys_are_for_the_model(provider):
    """
    Keys for other models, and those of weight 0, are not used.
    """
    assert [key.name for key in usable_keys(provider, BARE)] == ["one", "two"]


def test_a_pinned_key_is_the_only_one(provider):
    """
    What a plugin pinned is used, and what it pinned wrongly is not there.
    """
    assert [k.name for k in usable_keys(provider, BARE.with_key("two"))] == ["two"]
    assert usable_keys(provider, BARE.with_key("gone")) == []


class TestChooseKey:
    def choose(self, provider, health, *, without=(), seed=1):
        return choose_key(
            usable_keys(provider, BARE),
            BARE,
            without=without,
            health=health,
            now=health.clock(),
            random=Random(seed),
        )

    def test_by_weight(self, provider, health):
        """
        Over many requests each key is chosen as often as its weight says.
        """
        rng = Random(3)
        keys = usable_keys(provider, BARE)

        chosen = Counter(
            choose_key(keys, BARE, without=(), health=health, now=0.0, random=rng)[
                0
            ].name
            for _ in range(8_000)
        )

        assert chosen["one"] == pytest.approx(6_000, rel=0.05)
        assert chosen["two"] == pytest.approx(2_000, rel=0.1)

    def test_among_the_well(self, provider, health):
        """
        A key that cools, alone or for this model, is not chosen.
        """
        health.failed(("b", "one", "m"), "status 429", retry_after_s=5.0)

        chosen = {
            self.choose(provider, health, seed=seed)[0].name for seed in range(20)
        }

        assert chosen == {"two"}

    def test_without_those_that_were_tried(self, provider, health):
        """
        An exchange does not come back to a key that failed it.
        """
        key, _ = self.choose(provider, health, without={"two"})

        assert key.name == "one"

    def test_tells_when_one_will_be_well(self, provider, health):
        """
        Where all keys cool, the soonest end tells when to come back.
        """
        health.failed(("b", "one"), "status 401", cools=True)
        health.failed(("b", "two", "m"), "status 429", retry_after_s=3.0)

        assert self.choose(provider, health) == (None, 3.0)

    def test_there_may_be_none_to_wait_for(self, provider, health):
        """
        Where all were tried no time helps.
        """
        key, wait = self.choose(provider, health, without={"one", "two"})

        assert (key, wait) == (None, float("inf"))


class TestStanding:
    def test_shows_the_key_that_would_be_used(self, provider, health, clock):
        """
        A dry run shows the weightiest key that is well.
        """
        assert standing(provider, BARE, health, clock.monotonic()) == (KEYED, "healthy")

        health.failed(("b", "one"), "status 401", cools=True)

        target, said = standing(provider, BARE, health, clock.monotonic())
        assert (target.key, said) == ("two", "healthy")

    def test_tells_how_long_it_cools(self, provider, health, clock):
        """
        A target that cools says for how many seconds.
        """
        health.failed(("b",), "did not connect", retry_after_s=13.2)

        _, said = standing(provider, BARE, health, clock.monotonic())

        assert said == "cooling down 14 s"

    def test_tells_what_is_missing(self, provider, health):
        """
        A target without provider or key says so.
        """
        gone = BARE.with_key("gone")

        assert standing(None, BARE, health, 0.0)[1] == "no such provider"
        assert "no credential" in standing(provider, gone, health, 0.0)[1]
