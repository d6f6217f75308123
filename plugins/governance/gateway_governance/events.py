"""
What governance tells the rest of the gateway, and itself in other workers.
"""

from __future__ import annotations

import attrs

from gateway.events import Event


@attrs.frozen(kw_only=True)
class EntityChanged(Event):
    """
    A virtual key, a team, a limit, … was made, changed or removed.

    Attributes:
        kind: ``virtual_key``, ``team``, ``customer``, ``model_config``, ``routing_rule``,
            ``pricing_override``.
        action: ``created``, ``changed``, ``rotated``, ``removed``.
    """

    kind: str
    id: str
    name: str
    action: str


@attrs.frozen(kw_only=True)
class BudgetCrossed(Event):
    """
    So many percent of a budget are used; told once for each window.

    Attributes:
        meter: Owner, unit and period: ``team/payments/usd/month``.
        window_starts: Unix seconds.
    """

    meter: str
    percent: int
    spent_nano: int
    limit_nano: int
    window_starts: float


@attrs.frozen(kw_only=True)
class BudgetOverran(Event):
    """
    A provider billed more than a strict budget held: its price, or its cap, is another one.
    """

    meters: tuple[str, ...]
    over_nano: int


@attrs.frozen(kw_only=True)
class HoldBurned(Event):
    """
    A worker died while a request was under way; what it held counts as spent.

    ``gatewright ledger resolve`` corrects it once the provider's bill is known.
    """

    hold_id: str
    amount_nano: int
