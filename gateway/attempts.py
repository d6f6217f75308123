"""
The inner part of an exchange: trying targets until one answers.
"""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING

import attrs
from multidict import CIMultiDict

from gateway.errors import (
    Refused,
    UnsupportedOperation,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
)
from gateway.exchange import Attempt, AttemptState
from gateway.outcomes import SEAL_MARK, Losses
from gateway.providers.headers import UPSTREAM_ID
from gateway.received import UNREADABLE, ReceivedStream, failed, unreadable
from gateway.routing.retries import Failure, Report
from gateway.routing.retry_after import read_retry_after
from gateway.upstream import LocalReply, read_at_once, read_whole
from gateway.usage import credible
from gateway.views import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from gateway.dialects import Dialect
    from gateway.errors import ExchangeError
    from gateway.exchange import Exchange, Identity
    from gateway.flights import Flight
    from gateway.outcomes import Fault
    from gateway.outlets import Outlet
    from gateway.providers.provider import Provider
    from gateway.providers.vendors import InProcess
    from gateway.routing.plan import Plan
    from gateway.routing.targets import Target
    from gateway.runtime import Runtime
    from gateway.settlement import Settlement
    from gateway.translation import Translation
    from gateway.upstream import Reply
    from gateway.views import Request

_OK = range(200, 300)
_WELL = Report(status=_OK.start)
#: Statuses of a provider that tell of the caller's request, not of the provider's health.
_CALLERS_FAULT = frozenset({400, 404, 405, 409, 413, 415, 422, 429})
_FAILURES = {"connect": Failure.CONNECT, "broken": Failure.BROKEN}
_EVENT_STREAM = "text/event-stream"
_CREDENTIAL = "[credential]"
#: Bytes of a provider's error that are read.
_ERROR_BYTES = 1024 * 1024


def plan_of(runtime: Runtime, exchange: Exchange) -> Plan:
    """
    Choose the targets of *exchange*, plugins included, and the order to try them in.

    Plugins are asked as well where the router has nobody for the model: they may know one.

    Raises:
        ModelNotFound: if nobody serves the model.
        UnsupportedOperation: if nobody who serves it speaks the operation.
    """
    candidates = runtime.router.candidates(exchange.request)
    chosen = tuple(runtime.hooks.choose_targets(exchange, candidates.targets))
    nobody = candidates.nobody
    if nobody is not None and all(target.is_fallback for target in chosen):
        raise nobody
    return runtime.router.plan(chosen, party_of(exchange.identity))


def party_of(identity: Identity | None) -> str:
    """
    Name whose failures count together, see `gateway.routing.health`: who pays, the outermost.

    Those whom nothing identifies are one party.
    """
    if identity is None:
        return ""
    if identity.customer_id is not None:
        return f"customer {identity.customer_id}"
    if identity.team_id is not None:
        return f"team {identity.team_id}"
    return f"key {identity.key_id}"


def new_attempt(runtime: Runtime, exchange: Exchange, target: Target) -> Attempt:
    """
    Put down one more attempt of *exchange*, with a request of its own.
    """
    request = exchange.request.fork()
    request.model = target.model
    attempt = Attempt(
        number=len(exchange.attempts) + 1,
        target=target,
        request=request,
        headers=CIMultiDict(),
    )
    exchange.attempts.append(attempt)
    return attempt


@attrs.define(kw_only=True, eq=False)
class _Sending:
    """
    What one attempt sends, and where.
    """

    provider: Provider
    dialect: Dialect
    request: Request
    translation: Translation | None
    hides_usage: bool


class Attempts:
    """
    Tries the targets of one exchange, on one settings snapshot.
    """

    __slots__ = (
        "_exchange",
        "_flight",
        "_is_reported",
        "_outlet",
        "_plan",
        "_runtime",
        "_settlement",
    )

    def __init__(
        self,
        runtime: Runtime,
        exchange: Exchange,
        outlet: Outlet,
        settlement: Settlement,
        flight: Flight | None = None,
    ) -> None:
        self._flight = flight
        self._is_reported = False
        self._runtime = runtime
        self._exchange = exchange
        self._outlet = outlet
        self._settlement = settlement

    async def run(self) -> None:
        """
        Bring an answer, or a provider's final error, to the outlet.

        Raises:
            ModelNotFound: if nobody serves the model.
            Refused: if a plugin says no, or every target was refused.
            UpstreamError: if every target that was asked failed; lists the attempts.
        """
        plan = self._plan = plan_of(self._runtime, self._exchange)
        refusal: Refused | None = None
        failure: UpstreamError | None = None
        try:
            while (target := plan.next()) is not None:
                if plan.wait_s > 0:
                    await asyncio.sleep(plan.wait_s)
                attempt = new_attempt(self._runtime, self._exchange, target)
                attempt.flight = self._flight
                error = await self._try(attempt)
                if error is None:
                    return
                if isinstance(error, Refused):
                    refusal = refusal or error
                elif isinstance(error, UpstreamError):
                    failure = error
        finally:
            plan.close()
        if failure is None:
            raise refusal or plan.failure()
        await self._fail(failure)

    async def _try(self, attempt: Attempt) -> ExchangeError | None:
        """
        Try one target; returns why another one is worth trying, or None if all is done.
        """
        try:
            hooks = self._runtime.hooks
            if hooks.has_before_attempt:
                await hooks.before_attempt(self._exchange, attempt)
            else:
                attempt.entered_from = 0
            sending = self._prepare(attempt)
        except Refused as refused:
            await self._over(attempt, refused)
            self._plan.report(Report(failure=Failure.REFUSED))
            if refused.ends:
                raise
            return refused
        try:
            await self._send(attempt, sending)
        except UpstreamError as error:
            await self._over(attempt, error)
            is_committed = self._outlet.is_committed
            self._plan.report(_report(error, is_committed=is_committed))
            if is_committed:
                raise
            await self._outlet.discard()
            return error
        if not self._is_reported:
            is_plain = attempt.status == _OK.start
            self._plan.report(_WELL if is_plain else Report(status=attempt.status))
        return None

    def _committed(self) -> None:
        """
        Tell routing that the provider is well: its stream began to reach the caller.
        """
        self._is_reported = True
        self._plan.report(_WELL)

    async def _over(self, attempt: Attempt, error: ExchangeError) -> None:
        attempt.error = error
        await self._settlement.attempt(attempt)

    # --- sending ----------------------------------------------------------------------------

    def _prepare(self, attempt: Attempt) -> _Sending:
        """
        Write the request as it goes upstream.

        Raises:
            Untranslatable: if the provider's dialect cannot say it.
        """
        runtime = self._runtime
        exchange = self._exchange
        provider = runtime.providers[attempt.target.provider]
        dialect = runtime.dialects[attempt.target.dialect]
        translation = None
        request = attempt.request
        if dialect is not exchange.dialect:
            translation = self._translation(attempt, dialect)
            request = translation.request(runtime.facts(attempt.target))
        elif _brings_seals(request) and dialect.drop_foreign_seals(request):
            request.edits += ("foreign_reasoning",)
        hides_usage = request.is_stream and dialect.ask_for_usage(request)
        if provider.vendor.quirks:
            losses = exchange.losses = exchange.losses or self._losses()
            provider.adapt(request, losses)
        self._note_edits(attempt, request)
        return _Sending(
            provider=provider,
            dialect=dialect,
            request=request,
            translation=translation,
            hides_usage=hides_usage,
        )

    async def _send(self, attempt: Attempt, sending: _Sending) -> None:
        exchange = self._exchange
        exchange.upstream_headers = {}
        admission = self._runtime.router.admission(attempt.target.provider)
        if not admission.try_enter():
            await admission.enter()
        try:
            attempt.sent_at = exchange.clock.monotonic()
            attempt.state = AttemptState.SENT
            reply = await self._ask(attempt, sending)
            try:
                attempt.status = reply.status
                seen = exchange.upstream_headers = _without_in(
                    self._runtime.credential(attempt.target),
                    sending.provider.answer_headers(reply.headers),
                )
                attempt.upstream_id = seen.get(UPSTREAM_ID)
                if reply.status not in _OK:
                    await self._fault(attempt, sending, reply)
                elif sending.request.is_stream and _is_stream(reply):
                    await self._stream(attempt, sending, reply)
                else:
                    await self._whole(attempt, sending, reply)
            finally:
                reply.close()
        finally:
            admission.leave()

    def _translation(self, attempt: Attempt, dialect: Dialect) -> Translation:
        exchange = self._exchange
        if "generate" not in dialect.operations or exchange.operation != "generate":
            msg = f"{exchange.operation} cannot be translated for this provider"
            raise UnsupportedOperation(msg)
        from gateway.translation import Translation

        losses = exchange.losses = self._losses()
        return Translation(
            exchange.dialect,
            dialect,
            attempt.request,
            losses=losses,
            now=exchange.clock.now,
        )

    def _losses(self) -> Losses:
        return Losses(self._exchange.settings.server.translation == "strict")

    def _note_edits(self, attempt: Attempt, request: Request) -> None:
        edits: Iterable[str] = request.edits
        if request is not attempt.request:
            edits = dict.fromkeys((*attempt.request.edits, *edits))
        if edits:
            self._exchange.trail.add(
                "core", "edit", "changed", ", ".join(edits), 0, attempt.number
            )

    def _ask(self, attempt: Attempt, sending: _Sending) -> Awaitable[Reply]:
        provider = sending.provider
        operation = self._exchange.operation
        body = sending.request.encode()
        if provider.in_process is not None:
            return _answered_here(provider.in_process, operation, body)
        secret = self._runtime.credential(attempt.target)
        headers = provider.headers(secret, self._exchange.headers)
        headers.update(attempt.headers)
        return self._runtime.upstream.post(
            provider.url(sending.dialect.name, operation, sending.request),
            headers,
            body,
            provider.timeouts,
            self._runtime.proxy(provider),
            total_s=self._left_s(provider),
        )

    def _left_s(self, provider: Provider) -> float | None:
        """
        Return what is left for all attempts, where that is clearly less than one may take.
        """
        left = self._plan.left_s
        return left if left < provider.timeouts.total_s - 1.0 else None

    # --- receiving --------------------------------------------------------------------------

    async def _answered(self, attempt: Attempt) -> None:
        attempt.state = AttemptState.ANSWERED
        self._runtime.price(self._exchange, attempt)
        await self._settlement.attempt(attempt)

    async def _stream(self, attempt: Attempt, sending: _Sending, reply: Reply) -> None:
        stream = ReceivedStream(
            self._exchange,
            attempt,
            sending.dialect,
            sending.translation,
            self._runtime.hooks,
            self._committed,
        )
        await stream.pump(reply, self._outlet, hides_usage=sending.hides_usage)
        await self._answered(attempt)
        await self._outlet.end()

    async def _whole(self, attempt: Attempt, sending: _Sending, reply: Reply) -> None:
        body = read_at_once(reply)
        if body is None:
            body = await read_whole(reply)
        attempt.bytes_received = len(body)
        attempt.first_event_at = self._exchange.clock.monotonic()
        dialect = sending.dialect
        response = Response(dialect, body, status=reply.status)
        try:
            fault = dialect.fault_of(response)
            if fault is not None:
                raise self._failed(attempt, fault, fault.status, reply)
            attempt.usage = credible(dialect.usage_of(response))
            attempt.stop = dialect.stop_of(response)
            if sending.translation is not None:
                response = sending.translation.answer(response)
        except UNREADABLE as exc:
            raise unreadable() from exc
        await self._answered(attempt)
        await self._outlet.whole(response, attempt)

    async def _fault(self, attempt: Attempt, sending: _Sending, reply: Reply) -> None:
        """
        Read a provider's error.

        Raises:
            UpstreamError: always; with the error, for the caller may have to hear it.
        """
        body = await read_whole(reply, _ERROR_BYTES)
        attempt.bytes_received = len(body)
        fault = sending.dialect.read_fault(reply.status, body)
        raise self._failed(attempt, fault, reply.status, reply)

    def _failed(
        self, attempt: Attempt, fault: Fault, status: int, reply: Reply
    ) -> UpstreamError:
        """
        Make the error for a provider that answered with *fault*: nothing was generated.
        """
        attempt.state = AttemptState.ANSWERED
        attempt.status = status
        secret = self._runtime.credential(attempt.target)
        if secret:
            fault = _without(secret, fault)
        return failed(
            attempt.target.provider,
            fault,
            status=status,
            retry_after_s=read_retry_after(reply.headers, self._exchange.clock.now()),
        )

    async def _fail(self, failure: UpstreamError) -> None:
        """
        Tell the caller of the last failure.

        That is the provider's own error where the request was at fault, one of ours where
        it was not.
        """
        exchange = self._exchange
        failure.attempts = tuple(_line(attempt) for attempt in exchange.attempts)
        fault = failure.details.get("fault")
        attempt = exchange.attempts[-1]
        provider = self._runtime.providers[attempt.target.provider]
        is_callers = failure.upstream_status in _CALLERS_FAULT
        if fault is None or not (is_callers or provider.auth == "caller"):
            told = None
            if not failure.upstream_status:
                tried = "; ".join(failure.attempts)
                told = f"{str(failure).rstrip('.')} (tried: {tried})"
            raise type(failure)(
                told,
                provider=failure.provider,
                upstream_status=failure.upstream_status,
                attempts=failure.attempts,
                retry_after_s=failure.retry_after_s,
            )
        response = exchange.dialect.write_fault(fault, exchange.id)
        if failure.retry_after_s is not None:
            response.headers["retry-after"] = str(max(1, ceil(failure.retry_after_s)))
        await self._outlet.whole(response, attempt)


async def _answered_here(asked: InProcess, operation: str, body: bytes) -> Reply:
    return LocalReply(*await asked.answer(operation, body))


def _brings_seals(request: Request) -> bool:
    """
    Tell whether *request* may hold reasoning that this gateway wrapped; costs next to nothing.
    """
    # Backwards, for where nothing is found that takes half as long.
    return request.encode().rfind(SEAL_MARK) >= 0


def _report(error: UpstreamError, *, is_committed: bool) -> Report:
    """
    Say what *error* means for routing.
    """
    fault = error.details.get("fault")
    if is_committed:
        return Report(failure=Failure.CUT)
    if fault is not None:
        return Report(
            status=fault.status,
            code=fault.code,
            kind=fault.kind,
            retry_after_s=error.retry_after_s,
        )
    if isinstance(error, UpstreamBusy):
        return Report(failure=Failure.BUSY)
    if isinstance(error, UpstreamTimeout):
        return Report(failure=Failure.STALL)
    said = error.details.get("failure")
    return Report(failure=_FAILURES.get(said or "", Failure.UNREADABLE))


def _without(secret: str, fault: Fault) -> Fault:
    """
    Take the credential that was sent out of the provider's words: some repeat it.
    """
    return attrs.evolve(
        fault,
        message=fault.message.replace(secret, _CREDENTIAL),
        code=fault.code and fault.code.replace(secret, _CREDENTIAL),
        param=fault.param and fault.param.replace(secret, _CREDENTIAL),
    )


def _without_in(secret: str | None, headers: dict[str, str]) -> dict[str, str]:
    """
    Take it out of the headers that are shown, and recorded, likewise.
    """
    if not secret or not any(secret in value for value in headers.values()):
        return headers
    return {name: value.replace(secret, _CREDENTIAL) for name, value in headers.items()}


def _is_stream(reply: Reply) -> bool:
    return reply.headers.get("Content-Type", "").startswith(_EVENT_STREAM)


def _line(attempt: Attempt) -> str:
    said = attempt.error.code if attempt.error is not None else attempt.state.value
    if attempt.status is not None:
        said = str(attempt.status)
    return f"{attempt.target.name} {said}"
