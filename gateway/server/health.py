"""
Whether this worker is alive and willing, for those who send it requests.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from aiohttp import web

from gateway import codec

NOT_STARTED = "not started"


@attrs.define(eq=False)
class Health:
    """
    What ``/healthz`` and ``/readyz`` say.

    A worker that is not willing still answers whoever comes: requests are on their way while
    the load balancer finds out.

    Args:
        ask: Asks why no requests should be sent here, whoever else is willing; ``""`` for none.

    Attributes:
        reason: Why it is not willing itself; empty while it is.
        is_draining: The worker is about to end; connections are closed behind each answer.
    """

    reason: str = NOT_STARTED
    is_draining: bool = False
    _ask: Callable[[], str] = attrs.field(default=str, kw_only=True)

    @property
    def why_not(self) -> str:
        """
        Why no requests should be sent here; empty while they should.
        """
        return self.reason or self._ask()

    def ready(self) -> None:
        """
        Be willing.
        """
        self.reason = ""

    def unready(self, reason: str) -> None:
        """
        Be unwilling, because of *reason*, until `ready` is called.
        """
        self.reason = reason

    def drain(self, reason: str = "draining") -> None:
        """
        Be unwilling for good.
        """
        self.reason = reason
        self.is_draining = True

    def routes(self) -> list[web.AbstractRouteDef]:
        """
        Make the two routes; nobody needs a credential for them.
        """
        return [
            web.get("/healthz", self._alive),
            web.get("/readyz", self._willing),
        ]

    async def _alive(self, request: web.Request) -> web.Response:
        return _answer(200, {"status": "alive"})

    async def _willing(self, request: web.Request) -> web.Response:
        why = self.why_not
        if why:
            return _answer(503, {"status": "not ready", "reason": why})
        return _answer(200, {"status": "ready"})


def _answer(status: int, document: dict[str, str]) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, headers=headers, body=codec.dumps(document))
