"""
Asking Bedrock's runtime with boto3, which waits: in threads, in bounded time, with bounded answers.

boto3 is the extra ``[bedrock]`` and is imported where somebody asks.  Its client reads an answer
whole whatever its length, and a service that sends a byte a second is never late for it; so the
answer is read here, by botocore's own session, from its event ``before-send``.
"""

from __future__ import annotations

import socket
import threading
from functools import partial as bound
from importlib import import_module
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from gateway.clock import Clock
from gateway.detecting import DetectorFailed, DetectorTools
from gateway.errors import SecretMissing
from gateway.settings import Address, SecretRef
from gateway_guardrails.remote import failures
from gateway_guardrails.remote.asking import within
from gateway_guardrails.remote.aws import AwsOptions, failure_of
from gateway_guardrails.remote.threads import Threads

__all__ = ["BedrockRuntime"]

_CONNECT_S: Final = 1.0
_READ_BYTES: Final = 64 * 1024


@attrs.frozen(kw_only=True)
class _Credentials:
    """
    What references led to, at the time of a call.
    """

    access_key: str | None = attrs.field(default=None, repr=False)
    secret_key: str | None = attrs.field(default=None, repr=False)
    session_token: str | None = attrs.field(default=None, repr=False)
    proxy_url: str | None = attrs.field(default=None, repr=False)


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
        self._session: _BoundedSession | None = None

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """
        Call *operation*, by its Python name, and return its answer.

        Raises:
            DetectorFailed: There is none.
        """
        try:
            credentials = self._credentials()
        except SecretMissing as missing:
            raise failures.of_missing_secret(missing) from None
        call = bound(self._call, operation, arguments, credentials)
        async with within(self._options.timeout_s):
            return await self._threads.run(call)

    async def close(self) -> None:
        """
        Wait for the calls that run, and close the connections.
        """
        await self._threads.close(self._options.timeout_s + _CONNECT_S)
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
            proxy_url=self._proxy_url(),
        )

    def _secret(self, reference: SecretRef | None) -> str | None:
        return self._tools.secrets.get(reference) if reference is not None else None

    def _proxy_url(self) -> str | None:
        proxy = self._tools.settings.egress.proxy
        endpoint = self._options.endpoint_url
        host = urlsplit(endpoint).hostname if endpoint else None
        # This machine is never behind the proxy.
        if proxy is None or (host and Address(host, 0).is_loopback):
            return None
        if proxy.secret is None:
            return proxy.url
        secret = self._tools.secrets.get(proxy.secret)
        user, password = (
            (proxy.user, secret) if proxy.user else secret.partition(":")[::2]
        )
        url = urlsplit(proxy.url)
        place = f"{quote(user, safe='')}:{quote(password, safe='')}@{url.netloc}"
        return urlunsplit(url._replace(netloc=place))

    def _client_for(self, credentials: _Credentials) -> Any:
        with self._lock:
            if self._client is None or self._made_with != credentials:
                self._drop()
                self._make(credentials)
            return self._client

    def _make(self, credentials: _Credentials) -> None:
        options = self._options
        config = import_module("botocore.config").Config(
            connect_timeout=_CONNECT_S,
            read_timeout=options.timeout_s,
            max_pool_connections=options.concurrency,
            retries={"mode": "standard", "total_max_attempts": 1},
            proxies={},  # never the environment's
        )
        session = import_module("boto3.session").Session(
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
            region_name=options.region,
        )
        client = session.client(
            "bedrock-runtime", endpoint_url=options.endpoint_url, config=config
        )
        self._session = _BoundedSession(
            options,
            self._tools.clock,
            ca_file=self._ca_file(),
            proxy_url=credentials.proxy_url,
        )
        client.meta.events.register("before-send.bedrock-runtime", self._session.send)
        self._client, self._made_with = client, credentials

    def _ca_file(self) -> str | None:
        ca_file = self._tools.settings.egress.ca_file
        return str(ca_file) if ca_file is not None else None

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._session is not None:
            self._session.close()
        self._client = self._session = self._made_with = None


class _BoundedSession:
    """
    Sends what botocore has signed, and reads so much of the answer, so long.
    """

    def __init__(
        self,
        options: AwsOptions,
        clock: Clock,
        *,
        ca_file: str | None,
        proxy_url: str | None,
    ) -> None:
        self._options = options
        self._clock = clock
        self._response: Any = import_module("botocore.awsrequest").AWSResponse
        proxies = {"http": proxy_url, "https": proxy_url} if proxy_url else None
        self._session: Any = import_module("botocore.httpsession").URLLib3Session(
            verify=ca_file or True,
            proxies=proxies,
            timeout=(_CONNECT_S, options.timeout_s),
            max_pool_connections=options.concurrency,
            # Headers and body leave apart: without it the second waits 40 ms for the first's
            # acknowledgement (RFC 9293 section 3.7.4).
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    def send(self, request: Any, **event: Any) -> Any:
        """
        Answer botocore's event with the response.
        """
        deadline = self._clock.monotonic() + self._options.timeout_s
        request.stream_output = True  # else it is read whole, whatever its length
        reply = self._session.send(request)
        try:
            body = self._read(reply.raw, deadline)
        except BaseException:
            reply.raw.close()
            raise
        reply.raw.release_conn()
        return self._response(
            reply.url, reply.status_code, reply.headers, _WasRead(body)
        )

    def close(self) -> None:
        """
        Close the connections.
        """
        self._session.close()

    def _read(self, raw: Any, deadline: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := raw.read1(_READ_BYTES):
            size += len(part)
            if size > self._options.max_answer_bytes:
                raise failures.garbage("the answer is too long")
            if self._clock.monotonic() > deadline:
                raise DetectorFailed("timeout", "the answer stalled")
            parts.append(part)
        return b"".join(parts)


@attrs.frozen
class _WasRead:
    """
    A body, as botocore takes it from a connection.
    """

    _body: bytes

    def stream(self) -> list[bytes]:
        """
        Return all of it.
        """
        return [self._body]
