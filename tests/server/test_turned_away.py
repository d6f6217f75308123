"""
Tests of `gateway.server.turned_away`.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.server.turned_away import TurnedAway


def test_cannot_be_changed() -> None:
    """
    Every watcher sees the same.
    """
    away = TurnedAway(request_id="req_1", path="", method="GET", status=404)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        away.status = 200  # type: ignore[misc]


def test_plugins_are_told_without_the_callers_own_words() -> None:
    """
    The event has what the route table and the gateway say, and whence it came.
    """
    away = TurnedAway(
        request_id="req_1",
        path="/v1/messages",
        method="POST",
        status=415,
        code="not_json",
        peer="192.0.2.7",
        client_request_id="what the caller wrote",
    )

    event = away.as_event(at=5.0)

    assert (event.at, event.code, event.status) == (5.0, "not_json", 415)
    assert event.peer == "192.0.2.7"
    assert "wrote" not in repr(event)
