"""
Services that speak JSON over HTTP, asked by way of `gateway.outbound`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import attrs

from gateway import codec
from gateway.detecting import DetectorTools
from gateway.errors import SecretMissing, UpstreamError
from gateway.outbound import Reply
from gateway.settings import SecretRef, http_url, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import ServiceOptions, check_clear

__all__ = ["HttpOptions", "Service", "reach"]

_JSON: Final = {"content-type": "application/json", "accept": "application/json"}


@attrs.frozen(kw_only=True)
class HttpOptions(ServiceOptions):
    """
    What can be said of a service with a URL.

    Attributes:
        endpoint: Its URL.
        allow_http: It may be asked in clear; to this machine everybody may.
    """

    endpoint: str = attrs.field(
        validator=http_url, metadata=told("The service's URL, https://…")
    )
    allow_http: bool = attrs.field(
        default=False,
        metadata=told(
            "Whether http:// is allowed, which sends texts and keys in clear."
        ),
    )

    def __attrs_post_init__(self) -> None:
        check_clear("endpoint", self.endpoint, allow_http=self.allow_http)


class Service:
    """
    Sends documents and reads documents, so many at a time.
    """

    def __init__(self, options: HttpOptions, tools: DetectorTools) -> None:
        self._options = options
        self._tools = tools
        self._free = asyncio.Semaphore(options.concurrency)

    async def post(
        self, path: str, document: Any, headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """
        Send *document*, and return the document that is answered.

        Args:
            path: What follows the endpoint.

        Raises:
            DetectorFailed: There is none.
        """
        return await self.ask(path, codec.dumps(document), headers)

    async def ask(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """
        Send *body*, a document that is written, and return the document that is answered.

        Raises:
            DetectorFailed: There is none.
        """
        reply = await self.send(path, body, headers)
        if reply.status != 200:
            raise failures.of_status(reply.status)
        return answers.document(reply.body)

    async def send(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """
        Send *body*, and return what is answered, whatever its status.

        Raises:
            DetectorFailed: Nothing is.
        """
        url = self._options.endpoint.rstrip("/") + path
        async with self._free:
            sent = {**_JSON, **headers}
            return await reach(self._tools, self._options, url, body, sent)

    def secret(self, reference: SecretRef) -> str:
        """
        Return the secret at *reference*, as it is now.

        Raises:
            DetectorFailed: There is none.
        """
        try:
            return self._tools.secrets.get(reference)
        except SecretMissing as missing:
            raise failures.of_missing_secret(missing) from None


async def reach(
    tools: DetectorTools,
    options: ServiceOptions,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Reply:
    """
    Send *body* to *url* by the gateway's way out, and return what is answered in time.

    Raises:
        DetectorFailed: Nothing is.
    """
    if tools.outbound is None:
        raise failures.misconfigured("nobody may be asked from here")
    try:
        return await tools.outbound.ask(
            "POST",
            url,
            headers=headers,
            body=body,
            timeout_s=options.timeout_s,
            max_bytes=options.max_answer_bytes,
        )
    except UpstreamError as error:
        raise failures.of_upstream(error) from None
    except SecretMissing as missing:
        raise failures.of_missing_secret(missing) from None
