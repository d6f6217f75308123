"""
Errors in the events of a stream, and in responses that failed.

Source: the OpenAI API reference, "Streaming events"; the SDK raises on an event with an ``error``
object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.dialects.openai_faults import fault_of

if TYPE_CHECKING:
    from gateway.outcomes import Fault


def read_error_event(doc: dict[str, Any]) -> Fault:
    """
    Read an ``error`` event; servers put its members at the top, in ``error``, or in both.
    """
    return fault_of(None, doc)


def read_failure(error: Any) -> Fault:
    """
    Read the ``error`` of a response that failed.
    """
    return fault_of(None, {"error": error})


def error_members(body: dict[str, Any]) -> dict[str, Any]:
    """
    Return the members of the event that reports the error *body* in mid-stream.

    The reference has them at the top, the vendor sends them in ``error``, which is what makes
    SDKs raise.
    """
    error = body["error"]
    return {
        "code": error["code"],
        "message": error["message"],
        "param": error["param"],
        "error": dict(error),
    }


def failure(body: dict[str, Any], status: int) -> dict[str, Any]:
    """
    Write the error *body* as the ``error`` of a response, whose codes are a closed list.
    """
    if status == 429:
        code = "rate_limit_exceeded"
    else:
        code = "invalid_prompt" if status < 500 else "server_error"
    return {"code": code, "message": body["error"]["message"]}
