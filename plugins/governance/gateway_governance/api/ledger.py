"""
The routes of the ledger: what nobody knows the outcome of, and whether its counts agree.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from aiohttp import web

from gateway.clock import utc_text
from gateway.management import ApiError, actor_of, json_response, note_change
from gateway_governance.api import wire
from gateway_governance.api.bodies import read_body
from gateway_governance.api.office import Office
from gateway_governance.api.paging import Query
from gateway_governance.ledger.authority import BurnedHold
from gateway_governance.ledger.meters import MICROS

_MAX_HEX: Final = 16


@attrs.frozen(eq=False)
class LedgerRoutes:
    """
    Answers for the ledger.
    """

    office: Office

    async def burned(self, request: web.Request) -> web.Response:
        """
        List holds that were sent by workers that died, the oldest first.
        """
        query = Query(request)
        everything = query.flag("all") or False
        limit, offset = query.page(100)
        query.check()
        ledger = self.office.governor().ledger
        await self.office.flush()
        found = await ledger.burned(unresolved_only=not everything)
        shown = found[offset : offset + limit]
        return json_response(
            {
                "burned": [_burned(hold) for hold in shown],
                "count": len(shown),
                "total_count": len(found),
                "limit": limit,
                "offset": offset,
            }
        )

    async def resolve(self, request: web.Request) -> web.Response:
        """
        Correct a burned hold to what the provider truly billed.
        """
        hold_id = _hold_id(request.match_info["hold_id"])
        body = await read_body(request)
        true_nano = body.nano("cost")
        if true_nano is None:
            body.blame(
                "cost", "is required: USD that the provider billed, 0 for nothing"
            )
        elif true_nano < 0:
            body.blame("cost", "must not be less than 0")
        body.check()
        ledger = self.office.governor().ledger
        await self.office.flush()
        found = await ledger.resolve(
            hold_id, true_nano=true_nano or 0, actor=actor_of(request).name
        )
        if found is None:
            msg = "No burned hold with this id waits for its outcome."
            raise ApiError(404, "hold_not_found", msg)
        note_change(
            request,
            f"governance.hold/{hold_id:x}",
            details={"amount_nano": str(found.amount), "true_nano": str(true_nano)},
        )
        return json_response(
            {"message": "Hold resolved successfully", "hold": _burned(found)}
        )

    async def check(self, request: web.Request) -> web.Response:
        """
        Count everything again, and compare.
        """
        ledger = self.office.governor().ledger
        await self.office.flush()
        found = await ledger.recount()
        return json_response(
            {
                "agrees": not found,
                "discrepancies": [
                    {**attrs.asdict(each), "starts": utc_text(each.starts / MICROS)}
                    for each in found
                ],
                "burned": len(await ledger.burned()),
            }
        )


def _burned(hold: BurnedHold) -> dict[str, Any]:
    resolved = hold.resolved_nano
    return {
        "id": f"{hold.hold_id:x}",
        "at": utc_text(hold.at / MICROS),
        "amount": wire.usd(hold.amount),
        "amount_nano": hold.amount,
        "meters": [charge.meter for charge in hold.charges],
        "resolved": None if resolved is None else wire.usd(resolved),
        "actor": hold.actor,
    }


def _hold_id(text: str) -> int:
    try:
        if len(text) <= _MAX_HEX:
            return int(text, 16)
    except ValueError:
        pass
    raise ApiError(404, "hold_not_found", "This is no id of a hold.")
