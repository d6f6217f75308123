"""
What is the same for every kind of entity: one is shown, created, changed and removed alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import attrs
from aiohttp import web

from gateway.management import json_response
from gateway_governance.api.bodies import Body, read_body
from gateway_governance.api.office import NOUNS, Office, made
from gateway_governance.api.resets import reset_usage
from gateway_governance.checks import Entity

E = TypeVar("E", bound=Entity)


@attrs.frozen(eq=False)
class EntityRoutes(ABC, Generic[E]):
    """
    Answers for one kind of entity.

    Attributes:
        kind: As the snapshot has it.
        key: What one is called in answers.
        has_limits: A change may begin its budgets anew.
    """

    kind: ClassVar[str]
    key: ClassVar[str]
    has_limits: ClassVar[bool] = True

    office: Office

    @abstractmethod
    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """

    @abstractmethod
    def blank(self, body: Body) -> E:
        """
        Make one that *body* has said nothing of yet.
        """

    @abstractmethod
    def read(self, body: Body, before: E) -> E:
        """
        Read one over what it was; what *body* does not speak of stays.
        """

    @abstractmethod
    async def document(self, entity: E) -> dict[str, Any]:
        """
        Write one as it is shown.
        """

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one.
        """
        entity = await self.office.find(request, self.kind)
        return json_response({self.key: await self.document(entity)})

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one.
        """
        await self.office.snapshot()
        body = await read_body(request)
        entity = self.read(body, self.blank(body))
        body.check()
        stored = await self.office.put(request, entity)
        return self.done("created", await self.document(stored))

    async def update(self, request: web.Request) -> web.Response:
        """
        Change one.
        """
        before = await self.office.find(request, self.kind)
        body = await read_body(request)
        resets = self.has_limits and body.flag("reset_budget_usage", default=False)
        changed = self.read(body, before)
        body.check()
        stored = await self.office.put(request, changed, replaces=before)
        if resets:
            await reset_usage(self.office, stored)
        return self.done("updated", await self.document(stored))

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove one, which nobody may refer to.
        """
        await self.office.remove(request, await self.office.find(request, self.kind))
        noun = NOUNS[self.kind].capitalize()
        return json_response({"message": f"{noun} deleted successfully"})

    def done(self, deed: str, document: dict[str, Any]) -> web.Response:
        """
        Answer a change.
        """
        return made(NOUNS[self.kind], deed, self.key, document)
