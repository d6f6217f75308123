"""
Requests of plugins to others than providers: a guardrail's service, a webhook, a log collector.

They go the way of the providers' requests: the settings' proxy and certificate authorities, no
redirects, no cookies, bounded answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import attrs

from gateway.settings import Address, Timeouts
from gateway.upstream import Proxy, Upstream, read_whole

if TYPE_CHECKING:
    from gateway.secrets import Secrets
    from gateway.settings import EgressSettings

__all__ = ["MAX_ANSWER_BYTES", "Outbound", "Reply"]

#: Bytes of an answer that are read, unless told otherwise.
MAX_ANSWER_BYTES: Final = 1024 * 1024
_CONNECT_S: Final = 5.0

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


@attrs.frozen(kw_only=True)
class Reply:
    """
    What was answered, whatever its status.

    Attributes:
        headers: By lower-case name, the last of each.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


@attrs.define(eq=False)
class Outbound:
    """
    The way out.
    """

    _upstream: Upstream
    _egress: EgressSettings
    _secrets: Secrets

    @classmethod
    @asynccontextmanager
    async def open(
        cls, egress: EgressSettings, secrets: Secrets
    ) -> AsyncIterator[Outbound]:
        """
        Open one for a process that has no gateway.
        """
        upstream = Upstream(egress.ca_file)
        await upstream.open()
        try:
            yield cls(upstream, egress, secrets)
        finally:
            await upstream.close()

    async def ask(
        self,
        method: Method,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Reply:
        """
        Send one request, and read the answer whole.

        Args:
            timeout_s: For all of it.

        Raises:
            UpstreamError: Nobody could be reached, the answer broke off, or it is longer than
                *max_bytes*; the message names neither address nor credential.
            UpstreamTimeout: Not within *timeout_s*.
            SecretMissing: The proxy's credentials lead nowhere.
        """
        timeouts = Timeouts(
            connect_s=min(_CONNECT_S, timeout_s),
            first_byte_s=timeout_s,
            idle_s=timeout_s,
            total_s=timeout_s,
        )
        reply = await self._upstream.request(
            method, url, headers or {}, body, timeouts, self._proxy(url)
        )
        try:
            read = await read_whole(reply, max_bytes)
        finally:
            reply.close()
        told = {name.lower(): value for name, value in reply.headers.items()}
        return Reply(status=reply.status, headers=told, body=read)

    def _proxy(self, url: str) -> Proxy | None:
        # This machine is never behind the proxy.
        if Address(urlsplit(url).hostname or "", 0).is_loopback:
            return None
        return Proxy.of(self._egress.proxy, self._secrets.get)
