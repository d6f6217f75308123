"""
Errors: the gateway's own and a provider's, in Anthropic's shape and out of it.

Source: Anthropic's API reference, errors; the same object stands in the body of an answer
and in the data of an ``error`` event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.faults import (
    document_of,
    kind_of_status,
    unspoken,
    without_secrets,
)
from gateway.dialects.lenient import string_at
from gateway.errors import BudgetExceeded, UpstreamOverloaded
from gateway.outcomes import Fault

if TYPE_CHECKING:
    from gateway.errors import ExchangeError

_OF_STATUS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    501: "not_supported",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}

# What a provider's error is called, with the status that such an error has.
_KINDS: Final = {
    "invalid_request_error": ("invalid_request", 400),
    "authentication_error": ("authentication", 401),
    "billing_error": ("billing", 402),
    "permission_error": ("permission", 403),
    "not_found_error": ("not_found", 404),
    "conflict_error": ("invalid_request", 409),
    "request_too_large": ("too_large", 413),
    "rate_limit_error": ("rate_limit", 429),
    "api_error": ("server", 500),
    "timeout_error": ("timeout", 504),
    "overloaded_error": ("overloaded", 529),
}
_TYPES: Final = {
    "invalid_request": ("invalid_request_error", 400),
    "authentication": ("authentication_error", 401),
    "billing": ("billing_error", 402),
    "permission": ("permission_error", 403),
    "not_found": ("not_found_error", 404),
    "too_large": ("request_too_large", 413),
    "rate_limit": ("rate_limit_error", 429),
    "overloaded": ("overloaded_error", 529),
    "timeout": ("timeout_error", 504),
    "server": ("api_error", 500),
    "context_length": ("invalid_request_error", 400),
    "content_filter": ("invalid_request_error", 400),
}

#: The vendor tells these apart by words alone.
_BY_WORDS: Final = (
    (
        re.compile(r"prompt is too long|exceed(?:s the)? context (?:limit|window)"),
        "context_length",
    ),
    (re.compile(r"credit balance is too low"), "billing"),
    (re.compile(r"content filtering policy"), "content_filter"),
)
#: What coding agents look for before they shorten a conversation and try again.
_TOO_LONG: Final = "prompt is too long"
_MAX_WORD: Final = 100
_FIRST_ERROR: Final = 400
_FIELD: Final = re.compile(r"([a-z_][\w.\[\]]{0,100}): ", re.ASCII)


def error_doc(error: ExchangeError, request_id: str = "") -> dict[str, Any]:
    """
    Render *error*, whose code the SDK offers as ``error_code``.
    """
    kind = _OF_STATUS.get(error.status)
    if isinstance(error, BudgetExceeded):
        kind = "billing_error"  # with 429 too, which is what makes a coding agent stop
    if kind is None:
        kind = "invalid_request_error" if error.status < 500 else "api_error"
    doc = _doc(kind, str(error), request_id)
    doc["error"]["details"] = {"error_code": error.code}
    return doc


def status_of(error: ExchangeError) -> int:
    """
    Return the status of *error*: for overload Anthropic has one of its own, its SDK an exception.
    """
    return 529 if isinstance(error, UpstreamOverloaded) else error.status


def fault_doc(fault: Fault, request_id: str = "") -> tuple[int, dict[str, Any]]:
    """
    Render a provider's error, with the status that Anthropic gives such an error.
    """
    kind, status = _TYPES.get(fault.kind, ("api_error", 500))
    if fault.kind == "server" and fault.status > 500:
        status = fault.status
    message = fault.message
    if fault.kind == "context_length" and _TOO_LONG not in message:
        message = f"{_TOO_LONG}: {message}"
    return status, _doc(kind, message, request_id)


def read_error(error: Any, status: int | None = None) -> Fault:
    """
    Read the ``error`` member of a body or an event, of whatever shape.

    Args:
        status: The answer's; None in mid-stream, where the type tells it.
    """
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        error = {}
    code = error.get("type")
    kind, usual = _KINDS.get(code, ("", 0)) if isinstance(code, str) else ("", 0)
    status = status or usual or 500
    kind = kind or kind_of_status(status)
    message = without_secrets(string_at(error, "message"))
    if kind == "invalid_request":
        kind = next((k for words, k in _BY_WORDS if words.search(message)), kind)
    field = _FIELD.match(message)
    return Fault(
        status=status,
        kind=kind,
        message=message or unspoken(status),
        code=_code_of(error),
        param=field[1] if field and status == 400 else None,
    )


def read_body(status: int, body: bytes) -> Fault:
    """
    Read the body of an error answer; a proxy's HTML tells nothing but its status.
    """
    doc = document_of(body)
    if not isinstance(doc, dict):
        return read_error(None, status)
    told = status if status >= _FIRST_ERROR else None  # some answer errors with 200
    return read_error(doc.get("error") or doc.get("message") or doc.get("detail"), told)


def _code_of(error: dict[str, Any]) -> str | None:
    details = error.get("details")
    codes = [details.get("error_code")] if isinstance(details, dict) else []
    codes += [error.get("code"), error.get("type")]
    found = next((code for code in codes if isinstance(code, str)), None)
    return None if found is None else without_secrets(found, _MAX_WORD)


def _doc(kind: str, message: str, request_id: str) -> dict[str, Any]:
    doc: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": message}}
    if request_id:
        doc["request_id"] = request_id
    return doc
