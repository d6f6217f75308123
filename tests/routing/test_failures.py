from __future__ import annotations

import pytest

from gateway.routing.failures import NEVER, failure_of, nobody
from gateway.routing.retries import Failure, Report

LINES = ["openai/gpt-5: status 503", "azure/gpt-5: did not connect"]


@pytest.mark.parametrize(
    ("report", "status", "code"),
    [
        (Report(status=503), 502, "upstream_failed"),
        (Report(failure=Failure.CONNECT), 502, "upstream_failed"),
        (Report(failure=Failure.BROKEN), 502, "upstream_failed"),
        (Report(failure=Failure.STALL), 504, "upstream_timeout"),
        (Report(failure=Failure.BUSY), 503, "upstream_busy"),
    ],
)
def test_each_end_has_its_status(report, status, code):
    """
    A caller can tell a failure from a timeout and from want of capacity.
    """
    error = failure_of("azure", report, LINES)

    assert (error.status, error.code) == (status, code)
    assert error.attempts == tuple(LINES)
    assert "azure" in str(error)


def test_a_provider_may_have_said_when_to_come_back():
    """
    Retry-After of the last provider reaches the caller.
    """
    error = failure_of("azure", Report(status=429, retry_after_s=7.0), LINES)

    assert error.retry_after_s == 7.0
    assert error.upstream_status == 429


@pytest.mark.parametrize(
    ("ready_in_s", "retry_after_s"), [(14.0, 14.0), (0.0, 1.0), (0.2, 1.0)]
)
def test_nobody_healthy_is_503(ready_in_s, retry_after_s):
    """
    Where every target cools the caller hears when the first is back, a second at least.
    """
    error = nobody(["openai/gpt-5: is cooling down"], ready_in_s)

    assert (error.status, error.code) == (503, "upstream_busy")
    assert error.retry_after_s == retry_after_s


def test_nobody_usable_says_why():
    """
    Targets that can never be tried are told with the reason.
    """
    error = nobody(["b/m: no credential may be used for it"], NEVER)

    assert error.status == 503
    assert "no credential" in str(error)


def test_nobody_left_is_503():
    """
    A plugin that took every target away leaves no line to show.
    """
    error = nobody([], NEVER)

    assert (error.status, error.code) == (503, "unavailable")
