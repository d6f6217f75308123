"""
What becomes known of a place that is cooling, and of its return: a line in the log, an event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from gateway.events import KeyHealthChanged

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.events import Event
    from gateway.routing.health import Cooling

log = structlog.get_logger("gateway.routing")


def teller(publish: Callable[[Event], None], clock: Clock) -> Callable[[Cooling], None]:
    """
    Make what `Health` tells of places, so that *publish* and the log hear of it.
    """

    def tell(cooling: Cooling) -> None:
        provider, key, model = (*cooling.place, None, None)[:3]
        is_well = cooling.state == "well"
        about = {"provider": provider, "key": key, "model": model}
        about = {name: value for name, value in about.items() if value is not None}
        if is_well:
            log.info("provider is well again", **about)
        else:
            log.warning(
                "provider is cooling down",
                **about,
                for_s=round(cooling.left_s, 1),
                why=cooling.why,
                **({"party": cooling.party} if cooling.party else {}),
            )
        publish(
            KeyHealthChanged(
                at=clock.now(),
                provider=provider or "",
                key=key or "",
                is_healthy=is_well,
                reason="" if is_well else _reason(cooling, model),
            )
        )

    return tell


def _reason(cooling: Cooling, model: str | None) -> str:
    """
    Say why, without the name of a model, which callers choose.
    """
    words = [cooling.why]
    if model is not None:
        words.append("of one model alone")
    if cooling.party:
        words.append(f"for {cooling.party} alone")
    return ", ".join(words)
