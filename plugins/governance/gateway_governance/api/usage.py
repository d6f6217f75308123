"""
The routes of what was used: sums by key, team, customer, model, provider, run or day, and the rows.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, Literal, cast

import attrs
from aiohttp import web

from gateway.clock import utc_text
from gateway.management import json_response
from gateway_governance.api import wire
from gateway_governance.api.bodies import Fault, refuse
from gateway_governance.api.office import Office
from gateway_governance.api.paging import Query
from gateway_governance.snapshot import FIELDS, Snapshot
from gateway_governance.usage import UsageRow
from gateway_governance.usage_reports import (
    GROUPS,
    Cursor,
    Group,
    UsageFilter,
    UsageTotal,
)

_DAY_S: Final = 86_400
_NAMED: Final = {"key": "virtual_key", "team": "team", "customer": "customer"}
#: Groups whose attempts all stand in the same rows; without a period a month is meant.
_DEFAULT_SPAN_S: Final = 30 * _DAY_S
_FILTERS: Final = {
    "virtual_key_id": "key_id",
    "team_id": "team_id",
    "customer_id": "customer_id",
    "run_id": "run_id",
    "provider": "provider",
    "model": "model",
}


@attrs.frozen(eq=False)
class UsageRoutes:
    """
    Answers what was used.
    """

    office: Office

    async def totals(self, request: web.Request) -> web.Response:
        """
        Add up.
        """
        query = Query(request)
        by = query.choice("by", ("total", *GROUPS), "total")
        order = query.choice("order", ("cost", "group"), "cost")
        page = query.page(100)
        which = self._filter(query)
        query.check()
        snapshot = await self.office.snapshot()
        governor = self.office.governor()
        await self.office.flush()
        limit, offset = page
        group = None if by == "total" else cast("Group", by)
        found = await governor.reports.totals(
            group,
            which,
            order=cast("Literal['group', 'cost']", order),
            limit=limit + 1,
            offset=offset,
        )
        shown = found[:limit]
        return json_response(
            {
                "usage": [_total(by, total, snapshot) for total in shown],
                "by": by,
                "since": wire.moment(which.since),
                "until": wire.moment(which.until),
                "count": len(shown),
                "limit": limit,
                "offset": offset,
                "has_more": len(found) > limit,
            }
        )

    async def rows(self, request: web.Request) -> web.Response:
        """
        List attempts, the newest first, each with what it cost.
        """
        query = Query(request)
        limit = query.whole("limit", 100, least=1, most=1000)
        after = query.text("after")
        which = self._filter(query)
        query.check()
        cursor = None if after is None else _read_cursor(after)
        governor = self.office.governor()
        await self.office.flush()
        found, following = await governor.reports.rows(which, limit=limit, after=cursor)
        return json_response(
            {
                "rows": [_row(each) for each in found],
                "count": len(found),
                "limit": limit,
                "next": None if following is None else _write_cursor(following),
            }
        )

    def _filter(self, query: Query) -> UsageFilter:
        since, until = query.moment("since"), query.moment("until")
        told = {name: query.text(key) for key, name in _FILTERS.items()}
        if since is not None and until is not None and until <= since:
            query.blame("until", "is not after since")
        if since is None and told["run_id"] is None:
            since = (self.office.now() if until is None else until) - _DEFAULT_SPAN_S
        return UsageFilter(since=since, until=until, **told)


def _total(by: str, total: UsageTotal, snapshot: Snapshot) -> dict[str, Any]:
    document: dict[str, Any] = {} if by == "total" else {by: total.group}
    if by in _NAMED:
        entities: Any = getattr(snapshot, FIELDS[_NAMED[by]])
        entity = entities.get(total.group)
        document["name"] = total.key_name if entity is None else entity.name
    return {
        **document,
        "cost": wire.usd(total.cost_nano),
        "cost_nano": total.cost_nano,
        "attempts": total.attempts,
        "estimated": total.estimated,
        **total.counts,
    }


def _row(row: UsageRow) -> dict[str, Any]:
    return {
        **row._asdict(),
        "at": utc_text(row.at),
        "cost": wire.usd(row.cost_nano),
    }


def _write_cursor(cursor: Cursor) -> str:
    text = f"{cursor.at}.{cursor.attempt}.{cursor.exchange_id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(text: str) -> Cursor:
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True).decode()
        at, attempt, exchange_id = raw.split(".", 2)
        return Cursor(int(at), exchange_id, int(attempt))
    except (ValueError, binascii.Error):
        message = "is no place in a list: take next of the page before"
        raise refuse(
            [Fault("?after", message)], outcome="Nothing was looked up"
        ) from None
