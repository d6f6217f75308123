"""
Pages of other origins, as far as the settings let them read what is answered here.

Browsers keep an answer from a page unless it names the page's origin, and ask before they send
what a form could not, without any credential (Fetch standard, section 3.2).  Callers' keys
travel in headers that the page sets, never in cookies, so credentials are allowed to nobody,
and ``*`` may stand for what may be read of the headers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Self

import attrs
from aiohttp import hdrs, web

from gateway.server.sink import HttpSink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings import Settings

ANY: Final = "*"
#: Seconds for which a browser need not ask again; Chromium takes no more than two hours.
_MAX_AGE_S: Final = 600
_NAMES: Final = re.compile(r"[A-Za-z0-9_, -]{1,2000}")


@attrs.frozen
class Cors:
    """
    The origins whose pages may read answers.
    """

    origins: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """
        Take them from *settings*; None if there are none.
        """
        found = settings.server.cors.allow_origins
        return cls(frozenset(map(str.lower, found))) if found else None

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        """
        Return what an answer to *request* says of it; nothing if its page may not read it.
        """
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None:
            return {}
        if ANY in self.origins:
            said = ANY
        elif origin.lower() in self.origins:
            said = origin
        else:
            return {}
        return {
            "Access-Control-Allow-Origin": said,
            "Access-Control-Expose-Headers": "*",
            "Vary": "Origin",
        }

    def preflight(self, request: web.BaseRequest, methods: str) -> web.Response | None:
        """
        Answer the question whether *request*'s page may use *methods*; None if it is none.
        """
        asked = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        if request.method != hdrs.METH_OPTIONS or not asked:
            return None
        headers = self.headers(request)
        if not headers:
            return None
        del headers["Access-Control-Expose-Headers"]
        headers["Access-Control-Allow-Methods"] = methods
        headers["Access-Control-Max-Age"] = str(_MAX_AGE_S)
        headers["Vary"] = "Origin, Access-Control-Request-Headers"
        names = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
        if _NAMES.fullmatch(names):
            headers["Access-Control-Allow-Headers"] = names
        return web.Response(status=204, headers=headers)


class CorsSink(HttpSink):
    """
    An answer that says which page may read it.

    Args:
        headers: From `Cors.headers`.
    """

    __slots__ = ("_headers",)

    def __init__(
        self, request: web.BaseRequest, headers: Mapping[str, str], *, closes: bool
    ) -> None:
        super().__init__(request, closes=closes)
        self._headers = headers

    def _own(self, response: web.StreamResponse) -> None:
        super()._own(response)
        response.headers.update(self._headers)
