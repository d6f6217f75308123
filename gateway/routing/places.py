"""
Where an attempt's health is kept, and how the key of a target is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING

from gateway.routing.health import Health, Place
from gateway.routing.retries import Blame
from gateway.routing.targets import ProviderKey, Target

if TYPE_CHECKING:
    from gateway.providers.provider import Provider


def shared_places(target: Target) -> tuple[Place, ...]:
    """
    List the places that an attempt at *target* touches whatever its key.
    """
    return (target.provider,), (target.provider, None, target.model)


def key_places(target: Target, key: str) -> tuple[Place, ...]:
    """
    List the places that it touches with *key*.
    """
    return (target.provider, key), (target.provider, key, target.model)


def places_of(target: Target) -> tuple[Place, ...]:
    """
    List all places that an attempt at *target* touches, its key chosen.
    """
    if target.key is None:
        return shared_places(target)
    return shared_places(target) + key_places(target, target.key)


def blamed_place(target: Target, blame: Blame) -> Place | None:
    """
    Find the place that *blame* means; without a key its failures are the provider's.
    """
    if blame is Blame.NOBODY:
        return None
    if blame is Blame.PROVIDER or (blame is Blame.KEY and target.key is None):
        return (target.provider,)
    if blame is Blame.KEY:
        return target.provider, target.key
    return (
        target.provider,
        target.key if blame is Blame.KEY_AND_MODEL else None,
        target.model,
    )


def usable_keys(provider: Provider, target: Target) -> Sequence[ProviderKey]:
    """
    List the keys of *provider* that may be used for *target*.
    """
    if target.key is not None:
        return [key for key in provider.keys if key.name == target.key]
    usable = [key for key in provider.keys if key.serves(target.model)]
    if target.keys is not None:
        return [key for key in usable if key.name in target.keys]
    return usable


def choose_key(
    keys: Sequence[ProviderKey],
    target: Target,
    *,
    without: Collection[str],
    health: Health,
    now: float,
    party: str = "",
    random: Random,
) -> tuple[ProviderKey | None, float]:
    """
    Choose one of *keys* by weight among those that are well.

    Args:
        without: Names of keys that were tried already.

    Returns:
        The key, or None and in how many seconds one of them may be well; infinity where
        there is none to wait for.
    """
    well = []
    soonest = float("inf")
    for key in keys:
        if key.name in without:
            continue
        wait = health.waits_for(key_places(target, key.name), now, party)
        if wait <= 0.0:
            well.append(key)
        else:
            soonest = min(soonest, wait)
    if not well:
        return None, soonest
    if len(well) == 1:
        return well[0], 0.0
    weights = [key.weight for key in well]
    return random.choices(well, weights)[0], 0.0


def standing(
    provider: Provider | None,
    target: Target,
    health: Health,
    now: float,
    party: str = "",
) -> tuple[Target, str]:
    """
    Tell how *target* stands, with the key that is the first to be well.
    """
    if provider is None:
        return target, "no such provider"
    keyed = [target]
    if provider.auth == "key":
        keys = usable_keys(provider, target)
        by_weight = sorted(keys, key=lambda key: key.weight, reverse=True)
        keyed = [target.with_key(key.name) for key in by_weight]
    if not keyed:
        return target, "no credential may be used for it"
    waits = ((health.waits_for(places_of(one), now, party), one) for one in keyed)
    wait, best = min(waits, key=itemgetter(0))
    return best, f"cooling down {math.ceil(wait)} s" if wait > 0.0 else "healthy"
