"""
What a caller is told when no target is left and no provider's own answer can be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.errors import (
    ExchangeError,
    Unavailable,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
)
from gateway.routing.retries import Failure, Report

NEVER: Final = float("inf")


def failure_of(provider: str, report: Report, attempts: Sequence[str]) -> ExchangeError:
    """
    Say that *provider*, asked last, failed as *report* tells.
    """
    if report.failure is Failure.STALL:
        return UpstreamTimeout(provider=provider, attempts=attempts)
    if report.failure is Failure.BUSY:
        return UpstreamBusy(provider=provider, attempts=attempts, retry_after_s=1.0)
    return UpstreamError(
        provider=provider,
        upstream_status=report.status,
        attempts=attempts,
        retry_after_s=report.retry_after_s,
    )


def nobody(lines: Sequence[str], ready_in_s: float) -> ExchangeError:
    """
    Say that no target could be tried at all.

    Args:
        lines: Why each was passed over.
        ready_in_s: When the first of them may be tried again, if any.
    """
    if ready_in_s < NEVER:
        return UpstreamBusy(attempts=lines, retry_after_s=max(ready_in_s, 1.0))
    if lines:
        return Unavailable(f"No target can be tried ({'; '.join(lines)}).")
    return Unavailable("No target is left for this request.")
