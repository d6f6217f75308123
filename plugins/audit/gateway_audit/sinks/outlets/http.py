"""
JSON by POST, to whoever answers 2xx once it is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from gateway_audit.sinks import ocsf
from gateway_audit.sinks.feed import MAX_BYTES, MAX_RECORDS
from gateway_audit.sinks.outlets import answers
from gateway_audit.sinks.outlets.outlet import Delivery, Way
from gateway_audit.sinks.records import Record
from gateway_audit.sinks.settings import HttpSink


@attrs.define(kw_only=True)
class HttpOutlet:
    """
    One request a batch.
    """

    settings: HttpSink
    way: Way
    window: int = 1
    max_records: int = MAX_RECORDS
    max_bytes: int = MAX_BYTES
    stale_after_s: float | None = None

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Post *records*.
        """
        settings = self.settings
        events = [ocsf.encode(record) for record in records]
        if settings.form == "json":
            body, kind = b"[" + b",".join(events) + b"]", "application/json"
        else:
            body, kind = b"\n".join(events) + b"\n", "application/x-ndjson"
        headers = {"content-type": kind, **self._credentials()}
        reply = await answers.post(
            self.way, settings.url, body, headers, settings.timeout_s
        )
        answers.check(reply)
        return Delivery()

    async def close(self) -> None:
        """
        Nothing of its own is open.
        """

    def _credentials(self) -> dict[str, str]:
        if self.settings.secret is None:
            return {}
        value = answers.secret(self.way, self.settings.secret)
        header = self.settings.header.lower()
        return {header: f"Bearer {value}" if header == "authorization" else value}
