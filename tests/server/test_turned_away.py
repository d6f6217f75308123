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
