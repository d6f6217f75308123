"""
The SDK ``azure-ai-contentsafety``, with the gateway's way out below it.

It is the extra ``[azure]``.  Below its pipeline stands a transport of ours, so that the settings'
proxy and certificate authorities count here too, nothing is retried or redirected, and no answer
is read beyond its bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NoReturn, Self

import attrs

from gateway import codec
from gateway.detecting import DetectorFailed
from gateway.errors import ConfigError
from gateway.outbound import Reply
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.azure_service import AzureService

__all__ = ["AnalyzeClient", "check_extra"]


def check_extra(detector: str) -> None:
    """
    Import the SDK, which takes longer than the first question may take.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import_module("azure.ai.contentsafety.aio")
    except ImportError:
        raise ConfigError(
            f"the detector {detector} needs azure-ai-contentsafety: "
            "pip install 'gatewright-guardrails[azure]'"
        ) from None


class AnalyzeClient:
    """
    Calls ``text:analyze``.
    """

    def __init__(self, service: AzureService, endpoint: str, version: str) -> None:
        self._service = service
        self._endpoint = endpoint.rstrip("/")
        self._version = version
        self._client: Any = None

    async def analyze(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        Send *document*, and return what is answered.

        Raises:
            DetectorFailed: There is no answer.
        """
        if self._client is None:
            self._client = self._make()
        headers = self._service.authorization()
        try:
            answer = await self._client.analyze_text(dict(document), headers=headers)
            return answers.row(answer.as_dict(), "the answer")
        except DetectorFailed:
            raise
        except Exception as exc:  # noqa: BLE001 - azure-core quotes bodies in its
            # messages, and a service may repeat there what it was asked.
            _fail(exc)

    async def close(self) -> None:
        """
        Let go of the pipeline.
        """
        if self._client is not None:
            await self._client.close()

    def _make(self) -> Any:
        policies = import_module("azure.core.pipeline.policies")
        credentials = import_module("azure.core.credentials")
        sdk = import_module("azure.ai.contentsafety.aio")
        return sdk.ContentSafetyClient(
            self._endpoint,
            # Never sent: who asks is said with each call, as it is then.
            credentials.AzureKeyCredential("unused"),
            authentication_policy=policies.SansIOHTTPPolicy(),
            api_version=self._version,
            transport=_Transport(self._service, self._endpoint),
            retry_total=0,
            permit_redirects=False,
        )


def _fail(exc: Exception) -> NoReturn:
    status = getattr(exc, "status_code", None)
    if isinstance(status, int) and status != 200:
        raise failures.of_status(status) from None
    raise failures.garbage(type(exc).__name__) from None


_REASONS: Final = {True: "OK", False: "Failed"}


@attrs.frozen(eq=False)
class _Transport:
    """
    What azure-core sends requests with (``azure.core.pipeline.transport.AsyncHttpTransport``).
    """

    service: AzureService
    endpoint: str

    async def send(self, request: Any, **options: Any) -> _Response:
        content = request.content
        body = content.encode() if isinstance(content, str) else bytes(content or b"")
        path = str(request.url).removeprefix(self.endpoint)
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers.pop("content-length", None)  # told by whoever sends
        reply = await self.service.send(path, body, headers)
        return _Response(request, reply)

    async def open(self) -> None:
        """
        Do nothing: the way out is the gateway's, and open.
        """

    async def close(self) -> None:
        """
        Do nothing, likewise.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None


@attrs.frozen(eq=False)
class _Response:
    """
    An answer that was read, as azure-core takes it (``azure.core.rest.AsyncHttpResponse``).
    """

    request: Any
    reply: Reply = attrs.field(repr=False)

    @property
    def status_code(self) -> int:
        return self.reply.status

    @property
    def reason(self) -> str:
        return _REASONS[self.reply.status < 400]

    @property
    def headers(self) -> Mapping[str, str]:
        return self.reply.headers

    @property
    def content_type(self) -> str:
        # Whatever it is called, it is read as JSON or not at all.
        return "application/json"

    @property
    def content(self) -> bytes:
        return self.reply.body

    def body(self) -> bytes:
        return self.reply.body

    def text(self, encoding: str | None = None) -> str:
        return self.reply.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return codec.read(self.reply.body)

    async def read(self) -> bytes:
        return self.reply.body

    async def close(self) -> None:
        return None
