"""
Errors in OpenAI's shape, of all its dialects: the gateway's own, and providers'.

Source: OpenAI's API reference, "Error codes"; vendors that speak its dialects send an ``error``
that is a string, a bare ``message``, FastAPI's ``detail``, a list around all of it, or HTML.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.faults import (
    document_of,
    has_kind,
    kind_of_status,
    unspoken,
    without_secrets,
)
from gateway.errors import Untranslatable, UpstreamOverloaded
from gateway.outcomes import Fault

if TYPE_CHECKING:
    from gateway.errors import ExchangeError
    from gateway.views import Chunk, Response

_MAX_WORD: Final = 200

_TYPES: Final = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}
#: Codes of the gateway's own for which clients know one of OpenAI's, by which they retry.
_CODES: Final = {UpstreamOverloaded.code: "server_is_overloaded"}
#: By kind of fault: OpenAI's type, its code, and the status that it has there.
_FAULTS: Final[dict[str, tuple[str, str | None, int]]] = {
    "invalid_request": ("invalid_request_error", None, 400),
    "authentication": ("authentication_error", "invalid_api_key", 401),
    "billing": ("insufficient_quota", "insufficient_quota", 429),
    "permission": ("permission_error", None, 403),
    "not_found": ("invalid_request_error", "model_not_found", 404),
    "too_large": ("invalid_request_error", "request_too_large", 413),
    "rate_limit": ("rate_limit_error", "rate_limit_exceeded", 429),
    "overloaded": ("server_error", "server_is_overloaded", 503),
    "timeout": ("server_error", "timeout", 504),
    "server": ("server_error", None, 500),
    "context_length": ("invalid_request_error", "context_length_exceeded", 400),
    "content_filter": ("invalid_request_error", "content_filter", 400),
}
_BY_CODE: Final = {
    "context_length_exceeded": "context_length",
    "string_above_max_length": "too_large",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "bio_policy": "content_filter",
    "misalignment_policy_violation": "content_filter",
    "insufficient_quota": "billing",
    "billing_hard_limit_reached": "billing",
    "billing_not_active": "billing",
    "invalid_api_key": "authentication",
    "invalid_authentication": "authentication",
    "authentication_error": "authentication",
    "permission_error": "permission",
    "model_not_found": "not_found",
    "previous_response_not_found": "not_found",
    "not_found_error": "not_found",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "tokens": "rate_limit",
    "requests": "rate_limit",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
    "timeout": "timeout",
    "invalid_request_error": "invalid_request",
    "invalid_prompt": "invalid_request",
    "server_error": "server",
}
_TOO_LONG: Final = re.compile(
    r"(?:maximum|model'?s) context|context[ _](?:length|window)|prompt is too long"
    r"|input is too long|too many (?:input )?tokens|reduce the length",
    re.IGNORECASE,
)

# --- the gateway's own ----------------------------------------------------------------------


def error_doc(error: ExchangeError) -> dict[str, Any]:
    """
    Render *error* as an object with the one member ``error``.
    """
    kind = _TYPES.get(error.status)
    if kind is None:
        kind = "server_error" if error.status >= 500 else "invalid_request_error"
    param = error.fields[0] if isinstance(error, Untranslatable) else None
    return _doc(str(error), kind, param, _CODES.get(error.code, error.code))


def fault_doc(fault: Fault) -> tuple[int, dict[str, Any]]:
    """
    Render a provider's error, with the status that OpenAI gives such an error.
    """
    kind, code, status = _FAULTS.get(fault.kind, _FAULTS["server"])
    if fault.status // 100 == status // 100 and fault.kind in _KEEPS_STATUS:
        status = fault.status
    return status, _doc(fault.message, kind, fault.param, code or fault.code)


#: Kinds that come with more than one status, all of which OpenAI's clients know.
_KEEPS_STATUS: Final = frozenset(("invalid_request", "server", "billing"))


def _doc(
    message: str, kind: str, param: str | None, code: str | None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


# --- a provider's ---------------------------------------------------------------------------


def read_fault(status: int, body: bytes) -> Fault:
    """
    Read an error body, of any shape.
    """
    return fault_of(status, document_of(body))


def error_message(response: Response) -> str | None:
    """
    Return the message of the error that *response* is; None if it is none.
    """
    doc = response.doc
    if response.status < 400 and not (isinstance(doc, dict) and doc.get("error")):
        return None
    return fault_of(response.status, doc).message


def chunk_fault(chunk: Chunk) -> Fault | None:
    """
    Read the error that an event of a stream reports; None if it reports none.
    """
    doc = chunk.doc
    if not isinstance(doc, dict):
        return None
    if doc.get("error"):
        return fault_of(None, doc)
    groq = doc.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return fault_of(None, groq)
    return fault_of(None, doc) if chunk.event == b"error" else None


def fault_of(status: int | None, doc: Any) -> Fault:
    """
    Read an error document; *status* is None in mid-stream, where the document may tell it.
    """
    error = _error_in(doc)
    if status is None or status < 400:  # some vendors answer errors with 200
        status = _status_in(error)
    message = _message_in(error) or unspoken(status)
    words = [_word(error.get(key)) for key in ("code", "type", "status")]
    code = next((word for word in words if word and not word.isdigit()), None)
    return Fault(
        status=status,
        kind=_kind(status, words, message),
        message=message,
        code=code,
        param=_param(error),
    )


def _error_in(doc: Any) -> dict[str, Any]:
    if isinstance(doc, list):
        doc = doc[0] if doc else None
    if not isinstance(doc, dict):
        return {}
    error = doc.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and error:
        return {**doc, "message": error}
    return doc


def _status_in(error: dict[str, Any]) -> int:
    for key in ("code", "status", "status_code"):
        value = _word(error.get(key))
        if value and value.isdigit() and 400 <= int(value) <= 599:
            return int(value)
    for key in ("code", "type"):
        kind = _BY_CODE.get(_word(error.get(key)) or "")
        if kind is not None:
            return _FAULTS[kind][2]
    return 500


def _message_in(error: dict[str, Any]) -> str:
    message = error.get("message")
    if not isinstance(message, str):
        message = error.get("detail")
    if isinstance(message, list):  # FastAPI; its "input" would quote the prompt
        found = [entry.get("msg") for entry in message if isinstance(entry, dict)]
        message = "; ".join(words for words in found if isinstance(words, str))
    if not isinstance(message, str):
        return ""
    return without_secrets(message)


def _param(error: dict[str, Any]) -> str | None:
    param = _word(error.get("param"))
    detail = error.get("detail")
    if param is None and isinstance(detail, list) and detail:
        place = detail[0].get("loc") if isinstance(detail[0], dict) else None
        if isinstance(place, list):
            param = ".".join(str(step) for step in place if step != "body")[:_MAX_WORD]
    return param


def _kind(status: int, words: list[str | None], message: str) -> str:
    code, kind, _ = (word or "" for word in words)
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status < 500 and status not in (401, 403, 404) and _TOO_LONG.search(message):
        return "context_length"
    if has_kind(status) and kind != "insufficient_quota":
        return kind_of_status(status)
    return _BY_CODE.get(kind) or kind_of_status(status)


def _word(value: Any) -> str | None:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return without_secrets(str(value), _MAX_WORD)
    return None
