"""
Datadog's log intake.

Source: https://docs.datadoghq.com/api/latest/logs/send-logs/: 5 MB of payload, 1 MB a log (what is
longer is cut, and the answer is 2xx all the same), 1000 logs; 202 says that they are accepted; a
timestamp may be up to 18 hours in the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from gateway import codec
from gateway_audit.sinks import ocsf
from gateway_audit.sinks.gravity import Severity, severity
from gateway_audit.sinks.outlets import answers
from gateway_audit.sinks.outlets.outlet import Delivery, NotTaken, Unfit, Way
from gateway_audit.sinks.records import Record
from gateway_audit.sinks.settings import DatadogSink

MAX_PAYLOAD: Final = 5_000_000
MAX_LOG: Final = 1_000_000
MAX_LOGS: Final = 1000
STALE_AFTER_S: Final = 18 * 3600.0
_ACCEPTED: Final = 202
_STATUSES: Final = {
    Severity.INFORMATIONAL: "info",
    Severity.LOW: "notice",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}


@attrs.define(kw_only=True)
class DatadogOutlet:
    """
    One request a batch; a batch that would be too large goes in parts.
    """

    settings: DatadogSink
    way: Way
    window: int = 1
    max_records: int = MAX_LOGS
    max_bytes: int = 1024 * 1024
    stale_after_s: float | None = STALE_AFTER_S

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Post *records*.
        """
        logs = [self._log(record) for record in records]
        if any(len(each) > MAX_LOG for each in logs):
            raise Unfit("a log is larger than 1 MB, which would be cut")
        body = b"[" + b",".join(logs) + b"]"
        if len(body) > MAX_PAYLOAD:
            raise Unfit("larger than 5 MB")
        settings = self.settings
        headers = {
            "content-type": "application/json",
            "dd-api-key": answers.secret(self.way, settings.secret),
        }
        url = f"{settings.url.rstrip('/')}/api/v2/logs"
        reply = await answers.post(self.way, url, body, headers, settings.timeout_s)
        answers.check(reply)
        if reply.status != _ACCEPTED:
            raise NotTaken(f"it answered {reply.status}, not 202")
        return Delivery()

    async def close(self) -> None:
        """
        Nothing of its own is open.
        """

    def _log(self, record: Record) -> bytes:
        entry = record.entry()
        said: dict[str, Any] = {
            "ddsource": "gatewright",
            "ddtags": f"log_origin:{record.origin}",
            "service": self.settings.service,
            "status": _STATUSES[severity(entry)],
            "timestamp": record.at_ms,
            "message": f"{entry['type']} {record.id}",
            "ocsf": ocsf.event(record),
        }
        return codec.dumps(said)
