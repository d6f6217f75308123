"""
Asking Bedrock's runtime with boto3, which waits: in threads, with the gateway's way out below it.

boto3 is the extra ``[bedrock]`` and is imported where somebody asks.  Its own client reads an
answer whole whatever its length, and a service that sends a byte a second is never late for it; so
what botocore has signed is sent from its event ``before-send``, as every other service is asked.
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial as bound
from importlib import import_module
from typing import Any, Final

import attrs
from yarl import URL

from gateway.detecting import DetectorFailed, DetectorTools
from gateway.errors import SecretMissing
from gateway.settings import SecretRef
from gateway_guardrails.remote import failures
from gateway_guardrails.remote.asking import within
from gateway_guardrails.remote.aws import AwsOptions, failure_of
from gateway_guardrails.remote.services import reach
from gateway_guardrails.remote.threads import Threads

__all__ = ["BedrockRuntime"]

#: How much longer than the way out, which is bounded itself, a thread waits for it.
_SLACK_S: Final = 1.0


@attrs.frozen(kw_only=True)
class _Credentials:
    """
    What references led to, at the time of a call.
    """

    access_key: str | None = attrs.field(default=None, repr=False)
    secret_key: str | None = attrs.field(default=None, repr=False)
    session_token: str | None = attrs.field(default=None, repr=False)


class BedrockRuntime:
    """
    A client of ``bedrock-runtime``.
    """

    def __init__(self, options: AwsOptions, tools: DetectorTools) -> None:
        self._options = options
        self._tools = tools
        self._threads = Threads(options.concurrency, "gateway-bedrock")
        # Making a client takes 70 ms, and AWS's sessions are not to be shared by threads.
        self._lock = threading.Lock()
        self._made_with: _Credentials | None = None
        self._client: Any = None
        self._response: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """
        Call *operation*, by its Python name, and return its answer.

        Raises:
            DetectorFailed: There is none.
        """
        self._loop = asyncio.get_running_loop()
        try:
            credentials = self._credentials()
        except SecretMissing as missing:
            raise failures.of_missing_secret(missing) from None
        call = bound(self._call, operation, arguments, credentials)
        async with within(self._options.timeout_s):
            return await self._threads.run(call)

    async def close(self) -> None:
        """
        Wait for the calls that run, and let go of the client.
        """
        await self._threads.close(self._options.timeout_s + _SLACK_S)
        # A thread that hangs in spite of all bounds may hold it: it is not waited for.
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _call(
        self, operation: str, arguments: dict[str, Any], credentials: _Credentials
    ) -> dict[str, Any]:
        try:
            call = getattr(self._client_for(credentials), operation, None)
            if call is None:
                raise failures.misconfigured("boto3 is too old for this call")
            answer: dict[str, Any] = call(**arguments)
            return answer
        except DetectorFailed:
            raise
        except Exception as exc:  # noqa: BLE001 - botocore quotes what it was asked
            # in its messages, the text among it, which must not follow into a log.
            raise failure_of(exc) from None

    def _credentials(self) -> _Credentials:
        options = self._options
        return _Credentials(
            access_key=self._secret(options.access_key),
            secret_key=self._secret(options.secret_key),
            session_token=self._secret(options.session_token),
        )

    def _secret(self, reference: SecretRef | None) -> str | None:
        return self._tools.secrets.get(reference) if reference is not None else None

    # --- the client -------------------------------------------------------------------------

    def _client_for(self, credentials: _Credentials) -> Any:
        with self._lock:
            if self._client is None or self._made_with != credentials:
                self._drop()
                self._make(credentials)
            return self._client

    def _make(self, credentials: _Credentials) -> None:
        session = import_module("boto3.session").Session(
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
            region_name=self._options.region,
        )
        config = import_module("botocore.config").Config(
            retries={"mode": "standard", "total_max_attempts": 1}
        )
        client = session.client(
            "bedrock-runtime", endpoint_url=self._options.endpoint_url, config=config
        )
        self._response = import_module("botocore.awsrequest").AWSResponse
        client.meta.events.register("before-sign.bedrock-runtime", _spell_as_sent)
        client.meta.events.register("before-send.bedrock-runtime", self._send)
        self._client, self._made_with = client, credentials

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._made_with = None

    def _send(self, request: Any, **event: Any) -> Any:
        """
        Answer botocore's event with the response.
        """
        loop = self._loop
        if loop is None:
            raise RuntimeError("nobody called")
        headers = {name: _text(value) for name, value in request.headers.items()}
        sent = reach(self._tools, self._options, request.url, request.body, headers)
        asked = asyncio.run_coroutine_threadsafe(sent, loop)
        try:
            reply = asked.result(self._options.timeout_s + _SLACK_S)
        except TimeoutError:
            asked.cancel()
            raise DetectorFailed("timeout", "no answer in time") from None
        return self._response(
            request.url, reply.status, reply.headers, _WasRead(reply.body)
        )


def _spell_as_sent(request: Any, **event: Any) -> None:
    """
    Spell the URL as it is sent, before it is signed: a guardrail's ARN has colons in its path.
    """
    request.url = str(URL(request.url))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@attrs.frozen
class _WasRead:
    """
    A body, as botocore takes it from a connection.
    """

    _body: bytes = attrs.field(repr=False)

    def stream(self) -> list[bytes]:
        """
        Return all of it.
        """
        return [self._body]
