"""
A webhook that keeps the contract of ``WEBHOOK.md``, signature included.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from aiohttp import web
from fakes.serving import FakeService

SECRET = "webhook-secret-" + "of-a-test"

_FIELDS = {"version", "stage", "request_id", "passages", "query", "sources", "system"}


class FakeWebhook(FakeService):
    """
    Answers as `says_of` tells.
    """

    def __init__(self, **serving: Any) -> None:
        super().__init__(**serving)
        self.says_of: Callable[[dict[str, Any]], Any] = lambda asked: {
            "action": "allow"
        }
        self.ids: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/judge", self._judge)]

    async def _judge(self, request: web.Request) -> web.Response:
        asked = await self.take(request)
        await self._check_signature(request)
        self.demand(asked["version"] == 1, "version")
        self.demand(set(asked) <= _FIELDS, "fields")
        self.demand(asked["stage"] in ("input", "output"), "stage")
        for passage in asked["passages"]:
            self.demand(set(passage) == {"role", "kind", "text"}, "passage")
        if self.violations:
            return self.error(400, "invalid")
        return web.json_response(self.says_of(asked))

    async def _check_signature(self, request: web.Request) -> None:
        told = request.headers
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            if name not in told:
                self.violations.append(f"no {name}")
                return
        self.ids.append(told["webhook-id"])
        signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode()
        digest = hmac.digest(SECRET.encode(), signed + await request.read(), "sha256")
        expected = f"v1,{b64encode(digest).decode()}"
        self.demand(expected == told["webhook-signature"], "signature")
