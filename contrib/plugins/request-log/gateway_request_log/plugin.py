"""
The plugin: what became of each request, in numbers and names, to a webhook.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import structlog

from gateway import Exchange, Phase, Plugin, codec, hookimpl
from gateway.errors import ExchangeError
from gateway.settings import SecretRef
from gateway.tasks import Tasks

if TYPE_CHECKING:
    from gateway import Gateway

log = structlog.get_logger("gateway_request_log")


@attrs.frozen(kw_only=True)
class RequestLogSettings:
    """
    What the table ``plugins.request_log`` says.

    Attributes:
        url: Where batches are posted, as a JSON document with the list ``requests``.
        secret: Sent as a bearer token.
        every_s: The longest time that a line waits.
        batch: Lines in one post, at the most.
        waiting: Lines that wait, at the most; further ones are counted and dropped.
        timeout_s: How long a post may take.
    """

    url: str = attrs.field(metadata={"help": "Where batches are posted."})
    secret: SecretRef | None = attrs.field(
        default=None, metadata={"help": "Sent as a bearer token."}
    )
    every_s: float = attrs.field(
        default=1.0,
        validator=attrs.validators.gt(0),
        metadata={"help": "The longest time that a line waits."},
    )
    batch: int = attrs.field(
        default=500,
        validator=attrs.validators.gt(0),
        metadata={"help": "Lines in one post, at the most."},
    )
    waiting: int = attrs.field(
        default=10_000,
        validator=attrs.validators.gt(0),
        metadata={"help": "Lines that wait, at the most; then they are dropped."},
    )
    timeout_s: float = attrs.field(
        default=5.0,
        validator=attrs.validators.gt(0),
        metadata={"help": "How long a post may take."},
    )


def line_of(exchange: Exchange) -> dict[str, Any]:
    """
    Write down what became of *exchange*: no word of a person or a model, no address.
    """
    ended_at, duration_s = exchange.when_ended()
    attempt = exchange.attempt
    usage = attempt.usage if attempt else None
    who = exchange.identity
    return {
        "id": exchange.id,
        "at": ended_at,
        "duration_ms": round(duration_s * 1000, 1),
        "operation": exchange.operation,
        "target": attempt.target.name if attempt else None,
        "status": exchange.status,
        "outcome": exchange.outcome.value if exchange.outcome else None,
        "code": exchange.error.code if exchange.error else None,
        "key": who.key_id if who else None,
        "team": who.team_id if who else None,
        "input_tokens": usage.total_input if usage else None,
        "output_tokens": usage.total_output if usage else None,
        "cost_nano": exchange.cost_nano,
    }


class RequestLogPlugin(Plugin):
    """
    Collects a line for each exchange, and posts them in batches.
    """

    phase: ClassVar[Phase] = Phase.OBSERVE
    Settings: ClassVar[type] = RequestLogSettings

    settings: RequestLogSettings

    def __init__(self, settings: RequestLogSettings) -> None:
        super().__init__(settings)
        self._waiting: deque[dict[str, Any]] = deque()
        self.dropped = 0

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        """
        Post while the gateway runs, and what is left when it stops.
        """
        work = Tasks().spawn(self._run(gateway), name="request log")
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait([work])
            await self._post(gateway)

    @hookimpl
    def on_complete(self, exchange: Exchange) -> None:
        """
        Note what became of the exchange; never waits, never grows without bound.
        """
        if len(self._waiting) < self.settings.waiting:
            self._waiting.append(line_of(exchange))
        else:
            self.dropped += 1

    async def _run(self, gateway: Gateway) -> None:
        while True:
            await asyncio.sleep(self.settings.every_s)
            while self._waiting and await self._post(gateway):
                pass

    async def _post(self, gateway: Gateway) -> bool:
        settings = self.settings
        count = min(len(self._waiting), settings.batch)
        if not count:
            return True
        lines = [self._waiting[at] for at in range(count)]
        headers = {"Content-Type": "application/json"}
        if settings.secret is not None:
            headers["Authorization"] = f"Bearer {gateway.secrets.get(settings.secret)}"
        body = codec.dumps({"requests": lines, "dropped": self.dropped})
        try:
            reply = await gateway.outbound.ask(
                "POST",
                settings.url,
                headers=headers,
                body=body,
                timeout_s=settings.timeout_s,
            )
        except ExchangeError as exc:
            log.warning("lines wait", count=len(self._waiting), why=str(exc))
            return False
        if reply.status >= 300:
            log.warning("lines wait", count=len(self._waiting), status=reply.status)
            return False
        for _ in range(count):
            self._waiting.popleft()
        return True
