"""
Errors, both ways: the vendor's bodies and events, and neutral faults.

Source: the OpenAI API reference, "Error codes" and "Streaming events"; the SDK chooses its
exception by the HTTP status, and in a stream raises on an event with an ``error`` object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.errors import Untranslatable
from gateway.neutral import Fault

if TYPE_CHECKING:
    from gateway.errors import ExchangeError

_LONGEST: Final = 2000

# What a caller must not learn: keys, and whose they are.
_SECRET: Final = re.compile(r"\b(?:sk|rk|pk|org|proj|sess|key)-[\w*.-]{4,}", re.ASCII)

_TYPES: Final = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}
_KINDS_BY_CODE: Final = {
    "context_length_exceeded": "context_length",
    "insufficient_quota": "billing",
    "billing_hard_limit_reached": "billing",
    "billing_not_active": "billing",
    "invalid_api_key": "authentication",
    "model_not_found": "not_found",
    "previous_response_not_found": "not_found",
    "rate_limit_exceeded": "rate_limit",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "bio_policy": "content_filter",
    "misalignment_policy_violation": "content_filter",
    "invalid_prompt": "invalid_request",
    "server_error": "server",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
}
_KINDS_BY_STATUS: Final = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_STATUS_BY_KIND: Final = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 429,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "overloaded": 503,
    "timeout": 504,
    "server": 500,
    "context_length": 400,
    "content_filter": 400,
}
_CODE_BY_KIND: Final = {
    "authentication": "invalid_api_key",
    "billing": "insufficient_quota",
    "not_found": "model_not_found",
    "rate_limit": "rate_limit_exceeded",
    "overloaded": "server_is_overloaded",
    "server": "server_error",
    "context_length": "context_length_exceeded",
    "content_filter": "content_filter",
}


# --- reading --------------------------------------------------------------------------------


def read_fault(status: int, body: bytes) -> Fault:
    """
    Read a provider's error body, which may be anything.
    """
    try:
        doc = codec.loads(body)
    except codec.JsonError:
        doc = None
    if doc.__class__ is list and doc:
        doc = doc[0]
    error = doc.get("error", doc) if doc.__class__ is dict else None
    return _fault(error, status)


def read_error_event(doc: dict[str, Any]) -> Fault:
    """
    Read an ``error`` event; servers put its members at the top, in ``error``, or in both.
    """
    error = doc.get("error")
    return _fault(error if error.__class__ is dict else doc, None)


def read_failure(error: Any) -> Fault:
    """
    Read the ``error`` of a response that failed.
    """
    return _fault(error, None)


def _fault(error: Any, status: int | None) -> Fault:
    if error.__class__ is str:
        error = {"message": error}
    elif error.__class__ is not dict:
        error = {}
    code = _word(error.get("code")) or _word(error.get("type"))
    kind = _KINDS_BY_CODE.get(code or "")
    if kind is None and status is not None:
        kind = _KINDS_BY_STATUS.get(status)
    kind = kind or "server"
    return Fault(
        status=status or _STATUS_BY_KIND[kind],
        kind=kind,
        message=_sentence(error.get("message") or error.get("detail"), status),
        code=code,
        param=_word(error.get("param")),
    )


def _sentence(message: Any, status: int | None) -> str:
    if message.__class__ is not str or not message.strip():
        return (
            f"The provider answered with status {status}."
            if status
            else ("The provider reported an error.")
        )
    return _SECRET.sub("[key]", message)[:_LONGEST]


def _word(value: Any) -> str | None:
    return value[:200] if value.__class__ is str and value else None


# --- writing --------------------------------------------------------------------------------


def error_body(error: ExchangeError) -> dict[str, Any]:
    """
    Write *error* as the vendor's error body.
    """
    param = error.fields[0] if isinstance(error, Untranslatable) else None
    return {"error": _error(str(error), error.status, error.code, param)}


def fault_body(fault: Fault) -> tuple[int, dict[str, Any]]:
    """
    Write a provider's error as the vendor's status and error body.
    """
    status = _STATUS_BY_KIND.get(fault.kind, fault.status)
    code = _CODE_BY_KIND.get(fault.kind) or fault.code
    return status, {"error": _error(fault.message, status, code, fault.param)}


def _error(
    message: str, status: int, code: str | None, param: str | None
) -> dict[str, Any]:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {
        "message": message,
        "type": _TYPES.get(status, kind),
        "param": param,
        "code": code,
    }


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
