"""
How rules, detectors and findings are written in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.clock import utc_text
from gateway.detecting import Detector
from gateway.settings.problems import may_be_secret
from gateway.settings.schema import schema_of_class
from gateway.settings.snapshot import HIDDEN
from gateway_guardrails.policy.coverage import Cover
from gateway_guardrails.policy.rules import NamedRule, document_of

__all__ = [
    "HIDDEN",
    "cover_shape",
    "detector_shape",
    "finding_shape",
    "holds_hidden",
    "rule_shape",
]


def rule_shape(named: NamedRule) -> dict[str, Any]:
    """
    Write a rule: its document, and what is known of it beside.
    """
    return {
        "name": named.name,
        "source": "settings" if named.is_declared else "api",
        "revision": named.revision,
        "created_at": None if named.is_declared else utc_text(named.created_at),
        "updated_at": None if named.is_declared else utc_text(named.updated_at),
        "rule": _without_secrets(document_of(named.rule)),
    }


def holds_hidden(value: Any) -> bool:
    """
    Tell whether somebody sends back what `rule_shape` did not show.
    """
    if isinstance(value, Mapping):
        return any(holds_hidden(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_hidden(item) for item in value)
    return bool(value == HIDDEN)


def _without_secrets(value: Any) -> Any:
    """
    Hide texts that look like credentials: somebody pasted one in place of a reference.
    """
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return HIDDEN if isinstance(value, str) and may_be_secret(value) else value


def detector_shape(detector: Detector) -> dict[str, Any]:
    """
    Write what a detector is and takes.
    """
    return {
        "name": detector.name,
        "summary": detector.summary,
        "local": detector.is_local,
        "stages": sorted(detector.stages),
        "redacts": detector.redacts,
        "needs_whole": detector.needs_whole,
        "options": schema_of_class(detector.Options),
    }


def finding_shape(row: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write one finding.
    """
    start, end = row["span_start"], row["span_end"]
    return {
        "id": row["id"],
        "at": utc_text(row["at"]),
        "request_id": row["request_id"],
        "key_id": row["key_id"],
        "team_id": row["team_id"],
        "customer_id": row["customer_id"],
        "model": row["model"],
        "guardrail": row["guardrail"],
        "detector": row["detector"],
        "type": row["type"],
        "severity": row["severity"],
        "action": row["action"],
        "stage": row["stage"],
        "shadow": bool(row["is_shadow"]),
        "place": row["place"],
        "span": None if start is None else [start, end],
        "score": row["score"],
        "took_ms": None if row["took_us"] is None else row["took_us"] / 1_000,
        "latency_ms": row["latency_ns"] / 1e6,
    }


def cover_shape(cover: Cover) -> dict[str, Any]:
    """
    Write one cell of the coverage table.
    """
    return {
        "guardrail": cover.guardrail,
        "endpoint": cover.endpoint,
        "direction": cover.direction,
        "stream": cover.is_stream,
        "state": cover.state,
        "why": cover.why,
        "notes": list(cover.notes),
        "strangers": list(cover.strangers),
    }
