"""
Elasticsearch's bulk API.

Source: Elastic's "Bulk index or delete documents".  Each record is created under its own id, so
that what comes twice is there once: 409 says that it is there.  The answer is 200 even where items
failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from gateway import codec
from gateway.clock import utc_text
from gateway_audit.sinks import ocsf
from gateway_audit.sinks.feed import MAX_BYTES, MAX_RECORDS
from gateway_audit.sinks.outlets import answers
from gateway_audit.sinks.outlets.outlet import Delivery, NotTaken, Way
from gateway_audit.sinks.records import Record
from gateway_audit.sinks.settings import ElasticSink

#: Errors that say that this document does not fit this index, whenever it comes.
_MALFORMED: Final = frozenset(
    {
        "document_parsing_exception",
        "mapper_parsing_exception",
        "strict_dynamic_mapping_exception",
    }
)
_CONFLICT: Final = 409


@attrs.define(kw_only=True)
class ElasticOutlet:
    """
    One bulk request a batch; what it did not take of it is asked for again by itself.
    """

    settings: ElasticSink
    way: Way
    window: int = 1
    max_records: int = MAX_RECORDS
    max_bytes: int = MAX_BYTES
    stale_after_s: float | None = None

    async def send(self, records: Sequence[Record]) -> Delivery:
        """
        Create a document for each of *records*.
        """
        settings = self.settings
        headers = {"content-type": "application/x-ndjson"}
        if settings.secret is not None:
            headers["authorization"] = (
                f"ApiKey {answers.secret(self.way, settings.secret)}"
            )
        body = b"".join([self._lines(record) for record in records])
        url = f"{settings.url.rstrip('/')}/_bulk"
        reply = await answers.post(self.way, url, body, headers, settings.timeout_s)
        answers.check(reply)
        items = answers.read_object(reply).get("items")
        if not isinstance(items, list) or len(items) != len(records):
            raise NotTaken("its answer does not tell what became of each document")
        return _delivery(records, items)

    async def close(self) -> None:
        """
        Nothing of its own is open.
        """

    def _lines(self, record: Record) -> bytes:
        action = {"create": {"_index": self.settings.index, "_id": record.id}}
        document = {
            "@timestamp": utc_text(record.at_ms / 1000),
            **ocsf.event(record),
        }
        return codec.dumps(action) + b"\n" + codec.dumps(document) + b"\n"


def _delivery(records: Sequence[Record], items: Sequence[Any]) -> Delivery:
    left: list[Record] = []
    refused: list[tuple[Record, str]] = []
    statuses: set[int] = set()
    for record, item in zip(records, items, strict=True):
        status, error = _outcome(item)
        if 200 <= status < 300 or status == _CONFLICT:
            continue
        if error in _MALFORMED:
            refused.append((record, f"it answered {status}, {error}"))
        else:
            left.append(record)
            statuses.add(status)
    why = f"it answered {' '.join(map(str, sorted(statuses)))} for {len(left)} of them"
    if left and len(left) == len(records):
        raise NotTaken(why)
    return Delivery(left=left, why=why, refused=refused)


def _outcome(item: Any) -> tuple[int, str | None]:
    """
    Return an item's status, 0 if it has none, and the type of its error.
    """
    told = item.get("create") if isinstance(item, dict) else None
    if not isinstance(told, dict):
        return 0, None
    status, error = told.get("status"), told.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    return status if type(status) is int else 0, kind if type(kind) is str else None
