"""
A decision, dry or real, as lines for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def explained_lines(told: dict[str, Any]) -> list[str]:
    """
    Render what ``/api/explain`` says.

    Args:
        told: Of a dry run, or of a recent request.
    """
    return [_head(told), *_trail(told), *_targets(told), *_attempts(told), *_end(told)]


def _head(told: dict[str, Any]) -> str:
    refused = told.get("refused") or {}
    status = told.get("status") or refused.get("status")
    code = told.get("code") or refused.get("code")
    parts = []
    if told.get("dry_run"):
        parts.append("would be refused" if refused else "would be served")
        if "answered_by" in told:
            parts[0] = f"would be answered by {told['answered_by']}"
    if status:
        parts.append(f"{status} {code or 'ok'}")
    if not told.get("dry_run"):
        parts.append(str(told.get("at", "")))
    parts.append(f"settings {told.get('settings', 'unknown')}")
    parts.append(f"{told.get('operation')} {told.get('model')} ({told.get('dialect')})")
    key = told.get("key")
    if isinstance(key, dict):
        who = f"key {key.get('name') or key.get('id')}"
        parts.append(who + (f" → team {told['team']}" if told.get("team") else ""))
    return "  ".join(part for part in parts if part)


def _trail(told: dict[str, Any]) -> Iterator[str]:
    for line in told.get("trail", ()):
        if line["outcome"] == "passed" and not line["reason"]:
            continue
        attempt = f" attempt {line['attempt']}" if line.get("attempt") else ""
        reason = f": {line['reason']}" if line["reason"] else ""
        yield (
            f"  {line['plugin']} {line['hook']}{attempt} {line['us']:.0f} µs  "
            f"{line['outcome']}{reason}"
        )


def _targets(told: dict[str, Any]) -> Iterator[str]:
    targets = told.get("targets", ())
    for number, target in enumerate(targets, 1):
        notes = [str(target["key"])] if target.get("key") else []
        notes.append(str(target.get("health", "")))
        if target.get("translated"):
            notes.append(f"translated to {target['dialect']}")
        line = f"  target {number} {target['target']} ({', '.join(notes)})"
        refused = target.get("refused")
        if refused:
            line += f"  {refused['status']} {refused['code']}: {refused['why']}"
        yield line


def _attempts(told: dict[str, Any]) -> Iterator[str]:
    for attempt in told.get("attempts", ()):
        facts = [attempt["state"]]
        facts += [str(attempt[key]) for key in ("status", "error") if attempt.get(key)]
        if attempt.get("output_tokens") is not None:
            tokens = f"{attempt['input_tokens']}+{attempt['output_tokens']} tokens"
            facts.append(tokens)
        yield f"  attempt {attempt['number']} {attempt['target']}  {', '.join(facts)}"


def _end(told: dict[str, Any]) -> Iterator[str]:
    refused = told.get("refused") or {}
    why = told.get("message") or refused.get("why")
    if why:
        yield f"  {why}"
    if told.get("cost_usd") is not None:
        yield f"  cost ${told['cost_usd']:.6f}"
