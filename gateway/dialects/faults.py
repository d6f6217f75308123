"""
What providers' errors have in common, whatever their dialect.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway import codec

#: Characters of a provider's message that are kept.
MAX_MESSAGE: Final = 4096

_BY_STATUS: Final = {
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limit",
    498: "overloaded",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
#: What must not reach a caller: providers quote keys and accounts in their sentences.
_SECRET: Final = re.compile(
    r"\b(?:sk|rk|pk|gsk|csk|xai|pplx|nvapi|hf|fw|org|proj|sess|key)[-_][\w*.-]{4,}"
    r"|\bAIza[\w-]{8,}|\bBearer\s+\S+",
    re.ASCII,
)


def kind_of_status(status: int) -> str:
    """
    Return the kind of fault that a *status* tells by itself.
    """
    usual = "invalid_request" if 400 <= status < 500 else "server"
    return _BY_STATUS.get(status, usual)


def has_kind(status: int) -> bool:
    """
    Tell whether *status* is given to one kind of fault only.
    """
    return status in _BY_STATUS


def without_secrets(words: str, longest: int = MAX_MESSAGE) -> str:
    """
    Return the beginning of what a provider said, keys and accounts taken out.
    """
    return _SECRET.sub("[removed]", words[:longest])


def unspoken(status: int) -> str:
    """
    Say what there is to say of an error without a message.
    """
    return f"The provider answered with status {status}."


def document_of(body: bytes) -> Any:
    """
    Parse an error's *body*; None for a proxy's page, or nothing at all.
    """
    try:
        return codec.loads(body)
    except codec.JsonError:
        return None
