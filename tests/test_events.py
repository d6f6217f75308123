from __future__ import annotations

from collections.abc import Mapping

import attrs

from gateway import codec
from gateway.events import (
    AdminActed,
    Event,
    GatewayDraining,
    event_as_dict,
    event_from_dict,
)


@attrs.frozen(kw_only=True)
class KeyMade(Event):
    """
    An event of a plugin.
    """

    names: tuple[str, ...]
    facts: Mapping[str, str] = attrs.field(factory=dict)


def through_json(event: Event) -> Event | None:
    return event_from_dict(codec.loads(codec.dumps(event_as_dict(event))))


def test_the_cores_events_survive_the_way():
    """
    Tuples, texts and mappings come back as they were.
    """
    event = AdminActed(
        at=1.5,
        actor="a",
        action="b",
        target="c",
        digests=("x", "y"),
        details={"to": "z"},
    )

    assert through_json(event) == event


def test_a_plugins_events_survive_the_way():
    """
    Whoever has the class reads it, wherever it is defined.
    """
    event = KeyMade(at=2.0, names=("a", "b"), facts={"team": "x"})

    assert through_json(event) == event


def test_events_of_one_name_are_told_apart():
    """
    A plugin may call an event what the core calls one.
    """

    @attrs.frozen(kw_only=True)
    class GatewayDraining(Event):
        """
        Another one.
        """

    ours = GatewayDraining(at=1.0)

    assert type(through_json(ours)) is type(ours)


def test_an_event_that_nobody_here_knows_is_none():
    """
    A process without the plugin passes over what the plugin says.
    """
    told = event_as_dict(GatewayDraining(at=1.0))

    assert event_from_dict({**told, "type": "gateway_x.events:Gone"}) is None
