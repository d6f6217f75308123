"""
What was found: ``/api/guardrails/findings``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
from aiohttp import web

from gateway.management import json_response
from gateway_guardrails.api.queries import findings_wanted
from gateway_guardrails.api.shapes import finding_shape

if TYPE_CHECKING:
    from gateway_guardrails.warden import Warden


@attrs.frozen(eq=False)
class FindingRoutes:
    """
    Answers for findings.
    """

    warden: Callable[[], Warden]

    async def list(self, request: web.Request) -> web.Response:
        """
        List them, the latest first.
        """
        warden = self.warden()
        wanted, strangers = findings_wanted(request, warden.gateway.find_caller)
        recorder = warden.recorder
        # What this worker found just now is to be seen; others' follow within a second.
        await recorder.flush()
        rows, cursor = await recorder.store.page(wanted)
        return json_response(
            {
                "findings": [finding_shape(row) for row in rows],
                "cursor": None if cursor is None else str(cursor),
                "dropped": recorder.dropped,
                "strangers": strangers,
            }
        )
