"""
Callers' routes that ask no model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from gateway.errors import ExchangeError, Refused, UnsupportedOperation
from gateway.request_ids import new_request_id
from gateway.server import guards
from gateway.server.connection import NO_PATH, NO_PATH_ALLOWS
from gateway.server.routes import READ, Route, vendor_dialect

if TYPE_CHECKING:
    from gateway.dialects import Dialect
    from gateway.server.reception import Reception

_GREETING: Final = "Gatewright is here: POST /v1/chat/completions or /v1/messages\n"
#: What a base URL may be, for who has another.
BASES: Final = (
    "Base URLs are the address followed by /v1 or /openai/v1 for OpenAI's clients, and by "
    "nothing or /anthropic for Anthropic's."
)
#: Anthropic's clients add the version themselves, OpenAI's do not.
DOUBLED: Final = (
    "The path has /v1 twice: the client adds it, so its base URL must end before it."
)
_TWICE: Final = "/v1/v1/"


class PlainRoute(ABC):
    """
    A route that is answered at once, or refused in the words of the prefix's vendor.

    Args:
        path: As it stands in the table.
        methods: Those that are answered.
    """

    def __init__(self, reception: Reception, path: str, methods: str = READ) -> None:
        self._reception = reception
        self._path = path
        self._methods = methods

    @abstractmethod
    async def make(
        self, request: web.Request, dialect: Dialect, request_id: str
    ) -> web.Response:
        """
        Make the answer.

        Raises:
            ExchangeError: what the caller is told instead.
        """

    def check(self, request: web.Request) -> None:
        """
        Check whether *request* is let in at all; as `make`.
        """
        self._reception.admit(request, self._path, self._methods)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """
        Answer *request*.
        """
        reception = self._reception
        began = reception.clock.monotonic()
        dialects = reception.gateway.dialects
        dialect = vendor_dialect(dialects, request.path, request.headers)
        route = Route(path=self._path, methods=self._methods, dialect=dialect)
        sink = reception.sink(request)
        request_id = new_request_id(reception.clock.now())
        try:
            self.check(request)
            response = await self.make(request, dialect, request_id)
        except ExchangeError as error:
            return await reception.turn_away(
                request, error, sink, route, began, request_id
            )
        reception.tell(request, route, began, response, request_id)
        return sink.take(response)


class Probe(PlainRoute):
    """
    Says that somebody is here, whoever asks; gives nothing else away.
    """

    def check(self, request: web.Request) -> None:
        """
        Let everybody in whose request is in order.
        """
        if request.method in {"GET", "HEAD"} and hdrs.UPGRADE not in request.headers:
            guards.check_target(request.raw_path)
        else:
            super().check(request)

    async def make(
        self, request: web.Request, dialect: Dialect, request_id: str
    ) -> web.Response:
        """
        Greet.
        """
        return web.Response(text=_GREETING)


class Unsupported(PlainRoute):
    """
    A route that the vendor has and the gateway cannot have.
    """

    async def make(
        self, request: web.Request, dialect: Dialect, request_id: str
    ) -> web.Response:
        """
        Refuse by name.
        """
        msg = f"{request.method} {self._path} is the vendor's own; it is not offered here."
        raise UnsupportedOperation(msg)


class Nowhere(PlainRoute):
    """
    Whatever no other route takes.
    """

    def __init__(self, reception: Reception) -> None:
        super().__init__(reception, "")

    def check(self, request: web.Request) -> None:
        """
        Let every method in.
        """
        self._reception.admit(request, "", request.method)

    async def make(
        self, request: web.Request, dialect: Dialect, request_id: str
    ) -> web.Response:
        """
        Refuse; the path is not repeated, for it may hold anything.
        """
        raise route_gone(DOUBLED if _TWICE in request.path else "")


class Pathless(PlainRoute):
    """
    What names no path: CONNECT, for this is no proxy, and ``OPTIONS *``.

    Source: RFC 9110 sections 9.3.6, 9.3.7 and 15.5.6, which demands to say what is allowed.
    """

    def __init__(self, reception: Reception) -> None:
        super().__init__(reception, "")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """
        Answer *request*, and close: what follows a CONNECT may be meant for somebody else.
        """
        response = await super().answer(request)
        response.force_close()
        return response

    def check(self, request: web.Request) -> None:
        """
        Let nobody in.
        """
        allow = {"Allow": NO_PATH_ALLOWS}
        raise Refused(NO_PATH, status=405, code="method_not_allowed", headers=allow)

    async def make(
        self, request: web.Request, dialect: Dialect, request_id: str
    ) -> web.Response:
        """
        Never asked.
        """
        raise route_gone()


def route_gone(why: str = "") -> Refused:
    """
    Make the error for a path that leads nowhere.

    Args:
        why: What is wrong with the path, where that is known.
    """
    msg = f"There is no such route here. {why or BASES}"
    return Refused(msg, status=404, code="route_not_found")
