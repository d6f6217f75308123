"""
How the two vendors say no.
"""

from __future__ import annotations

import enum
from typing import Any

import attrs
import orjson

__all__ = ["Vendor", "VendorError", "bad_request", "error_body"]


class Vendor(enum.Enum):
    """
    Whose error shape, credential header and request id a path has.
    """

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


@attrs.define
class VendorError(Exception):
    """
    A refusal in the vendor's own words.

    *type*, *code* and *param* stand in the body where the vendor has them; a
    *type* that is ``None`` follows from the status.
    """

    status: int
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.message}"


def bad_request(message: str, param: str | None = None) -> VendorError:
    """
    Make the 400 that both vendors call ``invalid_request_error``.
    """
    return VendorError(400, message, param=param)


_OPENAI_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(vendor: Vendor, error: VendorError, request_id: str) -> bytes:
    """
    Render *error* as the body of a response.
    """
    if vendor is Vendor.ANTHROPIC:
        return orjson.dumps(anthropic_error(error, request_id))
    return orjson.dumps({"error": openai_error(error)})


def openai_error(error: VendorError) -> dict[str, Any]:
    """
    Render what stands under ``error`` in a body or a chunk of OpenAI.
    """
    fallback = "server_error" if error.status >= 500 else "invalid_request_error"
    kind, code = _OPENAI_TYPES.get(error.status, (fallback, None))
    return {
        "message": error.message,
        "type": error.type or kind,
        "param": error.param,
        "code": error.code or (code if error.type is None else None),
    }


def anthropic_error(error: VendorError, request_id: str) -> dict[str, Any]:
    """
    Render a whole error document of Anthropic, as a body or as an event.
    """
    fallback = "api_error" if error.status >= 500 else "invalid_request_error"
    kind = error.type or _ANTHROPIC_TYPES.get(error.status, fallback)
    return {
        "type": "error",
        "error": {"type": kind, "message": error.message},
        "request_id": request_id,
    }
