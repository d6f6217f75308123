"""
Splunk's HTTP Event Collector, with indexer acknowledgement.

Source: Splunk's "About HTTP Event Collector Indexer Acknowledgment" and "Troubleshoot HTTP Event
Collector" (its codes).  An answer of 200 says that events look valid; only
``/services/collector/ack`` says that they are indexed, once for each ``ackId``, which counts within
a channel.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, Final

import attrs

from gateway import codec
from gateway.outbound import Reply
from gateway.tasks import Tasks
from gateway_audit.sinks import ocsf
from gateway_audit.sinks.outlets import answers
from gateway_audit.sinks.outlets.outlet import Delivery, NotTaken, Unfit, Way
from gateway_audit.sinks.records import Record
from gateway_audit.sinks.settings import SplunkSink

#: Seconds between two questions whether something is indexed.
POLL_S: Final = 1.0
#: Codes that say that an event itself is at fault: invalid data format, event field is required,
#: event field cannot be blank, error in handling indexed fields.
_MALFORMED: Final = frozenset({6, 12, 13, 15})


@attrs.define(kw_only=True, eq=False)
class SplunkOutlet:
    """
    Sends events under a channel of its own, and waits until they are indexed.

    Splunk indexes small batches only after a while (two minutes are nothing unusual), so many are
    under way at a time.
    """

    settings: SplunkSink
    way: Way
    poll_s: float = POLL_S
    window: int = 32
    max_records: int = 500
    max_bytes: int = 256 * 1024
    stale_after_s: float | None = None
    channel: str = attrs.field(factory=lambda: str(uuid.uuid4()))
    _waiting: dict[int, asyncio.Future[None]] = attrs.field(factory=dict)
    _tasks: Tasks = attrs.field(factory=Tasks)
    _poll: asyncio.Task[None] | None = None
    _problem: str = ""

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Send *records*, and wait for them to be indexed.
        """
        body = b"".join([self._event(record) for record in records])
        reply = await self._post("event", body)
        if not self.settings.ack:
            return Delivery()
        ack_id = answers.read_object(reply).get("ackId")
        if type(ack_id) is not int:
            raise NotTaken(
                "it gave no ackId: switch indexer acknowledgement on for this token, "
                "or set ack: false"
            )
        await self._indexed(ack_id)
        return Delivery()

    async def close(self) -> None:
        """
        Ask no more.
        """
        await self._tasks.join(0)

    def _event(self, record: Record) -> bytes:
        settings = self.settings
        told: dict[str, Any] = {
            "time": f"{record.at_ms // 1000}.{record.at_ms % 1000:03d}",
            "source": record.origin,
            "sourcetype": settings.sourcetype,
            "event": ocsf.event(record),
        }
        if settings.index is not None:
            told["index"] = settings.index
        return codec.dumps(told)

    async def _post(self, path: str, body: bytes) -> Reply:
        token = answers.secret(self.way, self.settings.secret)
        headers = {
            "authorization": f"Splunk {token}",
            "content-type": "application/json",
            "x-splunk-request-channel": self.channel,
        }
        url = f"{self.settings.url.rstrip('/')}/services/collector/{path}"
        reply = await answers.post(
            self.way, url, body, headers, self.settings.timeout_s
        )
        _check(reply)
        return reply

    async def _indexed(self, ack_id: int) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting[ack_id] = future
        if self._poll is None or self._poll.done():
            self._poll = self._tasks.spawn(self._ask(), name="splunk-acks")
        try:
            async with asyncio.timeout(self.settings.ack_timeout_s):
                await future
        except TimeoutError:
            within = f"not indexed within {self.settings.ack_timeout_s:g} s"
            raise NotTaken(f"{within}{self._problem}") from None
        finally:
            self._waiting.pop(ack_id, None)

    async def _ask(self) -> None:
        """
        Ask for all that is waited for, until nothing is.
        """
        while self._waiting:
            await asyncio.sleep(self.poll_s)
            asked = list(self._waiting)
            try:
                reply = await self._post("ack", codec.dumps({"acks": asked}))
            except (NotTaken, Unfit) as exc:
                # What is waited for has a deadline of its own.
                self._problem = f": {exc}"
                continue
            self._problem = ""
            told = answers.read_object(reply).get("acks")
            for ack_id in asked:
                if isinstance(told, dict) and told.get(str(ack_id)) is True:
                    self._tell(ack_id)

    def _tell(self, ack_id: int) -> None:
        future = self._waiting.get(ack_id)
        if future is not None and not future.done():
            future.set_result(None)


def _check(reply: Reply) -> None:
    code = answers.read_object(reply).get("code")
    if reply.status == 400 and code in _MALFORMED:
        raise Unfit(f"it answered 400, code {code}")
    try:
        answers.check(reply)
    except NotTaken as exc:
        said = f"{exc}, code {code}" if type(code) is int else str(exc)
        raise NotTaken(said, after_s=exc.after_s) from None
    if type(code) is int and code != 0:
        raise NotTaken(f"it answered {reply.status}, code {code}")
