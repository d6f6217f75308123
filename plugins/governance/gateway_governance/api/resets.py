"""
Beginning the windows of budgets anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_governance.entities import Unit
from gateway_governance.snapshot import owners_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_governance.api.office import Office
    from gateway_governance.checks import Entity
    from gateway_governance.ledger.meters import Meter


async def reset_usage(office: Office, entity: Entity) -> None:
    """
    Begin every budget of *entity* anew, with nothing spent; open holds keep their window.
    """
    governor = office.governor()
    for meter in _money(office, entity):
        await governor.ledger.reset(meter)


def _money(office: Office, entity: Entity) -> Iterator[Meter]:
    snapshot = office.governor().watch.snapshot
    for owner in owners_in(entity):
        for meter in snapshot.owner_meters(owner):
            if meter.unit is Unit.MONEY:
                yield meter
