"""
What an outcome says, as the gateway tells of a recent request.
"""

from __future__ import annotations

from typing import Any

from gateway import codec
from gateway.clock import utc_text
from gateway_audit.index.reading import IndexReader, Search


async def recall(reader: IndexReader, request_id: str) -> dict[str, Any] | None:
    """
    Find what became of the request *request_id*; None if no outcome is indexed.
    """
    search = Search(equal={"request": request_id, "type": "outcome"})
    found = await reader.search(search, 1)
    return as_trace(codec.loads(found[0].entry), found[0].place) if found else None


def as_trace(entry: dict[str, Any], index: int) -> dict[str, Any]:
    """
    Return an outcome in the members that ``GET /api/explain/{request_id}`` has.

    ``audit_index`` is its place in the log, by which it can be proved.
    """
    key = entry["key"]
    cost = entry["cost_nano"]
    return {
        "request_id": entry["request"],
        "at": utc_text(entry["at"] / 1000),
        "duration_ms": entry["duration_us"] / 1000,
        "operation": entry["op"],
        "dialect": entry["dialect"],
        "model": entry["model"],
        "status": entry["status"],
        "outcome": entry["outcome"] or "unknown",
        "code": entry["code"],
        "message": None,
        "settings": entry["settings"][:12],
        "key": key and {"id": key, "name": entry["key_name"]},
        "team": entry["team"],
        "customer": entry["customer"],
        "trail": [_line(line) for line in entry["trail"]],
        "findings": entry["findings"],
        "attempts": [_attempt(attempt) for attempt in entry["attempts"]],
        "cost_usd": None if cost is None else cost / 1e9,
        "audit_index": index,
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {"reason": "", **line}


def _attempt(attempt: dict[str, Any]) -> dict[str, Any]:
    usage = attempt["usage"]
    told = {
        name: attempt[name]
        for name in (
            "number",
            "target",
            "dialect",
            "state",
            "status",
            "error",
            "joined",
            "stop",
            "prices",
            "hold_nano",
            "upstream_id",
        )
    }
    return {
        **told,
        "key": attempt["provider_key"],
        "input_tokens": None if usage is None else _sum(usage, output=False),
        "output_tokens": None if usage is None else _sum(usage, output=True),
    }


def _sum(usage: dict[str, Any], *, output: bool) -> int:
    """
    Add up the buckets of the answer, or of the prompt.
    """
    return sum(
        tokens
        for name, tokens in usage.items()
        if name not in {"images", "is_estimated"}
        and (name.startswith("output") or name == "reasoning") == output
    )
