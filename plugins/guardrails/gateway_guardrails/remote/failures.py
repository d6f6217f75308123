"""
Why a service could not judge: one word for each reason, the same for all services.

The words are those that a rule's ``on_failure`` and the findings show; what a service wrote beside
a status is never quoted, for it may repeat the text that it was asked about.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.detecting import DetectorFailed
from gateway.errors import SecretMissing, UpstreamError, UpstreamTimeout

__all__ = [
    "garbage",
    "misconfigured",
    "of_missing_secret",
    "of_status",
    "of_upstream",
    "partial",
    "word_of",
]

_WORD: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def of_status(status: int, code: str = "") -> DetectorFailed:
    """
    Return what an HTTP *status* that is no success means.

    ==============  ====================================================================
    ``throttled``   429: too many at a time, or a quota is used up
    ``timeout``     408, 504: somebody on the way waited too long
    ``unavailable`` any other 5xx: the service's own fault
    ``misconfigured`` 401, 403, 404: credential, permission, name or region
    ``refused``     anything else: the service does not take this question
    ==============  ====================================================================
    """
    told = f"status {status} {word_of(code)}".rstrip()
    if status == 429:
        return DetectorFailed("throttled", told)
    if status in (408, 504):
        return DetectorFailed("timeout", told)
    if status >= 500:
        return DetectorFailed("unavailable", told)
    if status in (401, 403, 404):
        return DetectorFailed("misconfigured", told)
    return DetectorFailed("refused", told)


def of_upstream(error: UpstreamError) -> DetectorFailed:
    """
    Return what it means that `gateway.outbound` got no answer.
    """
    if isinstance(error, UpstreamTimeout):
        return DetectorFailed("timeout", "no answer in time")
    if error.details.get("failure") == "connect":
        return DetectorFailed("unreachable", "no connection")
    if error.details.get("failure") == "broken":
        return DetectorFailed("unreachable", "the answer broke off")
    return garbage("the answer is too long")


def of_missing_secret(error: SecretMissing) -> DetectorFailed:
    """
    Return what a reference that leads nowhere means; it is named, its value is not.
    """
    return misconfigured(str(error))


def garbage(told: str) -> DetectorFailed:
    """
    Return the failure of an answer that is not what the service's contract says.
    """
    return DetectorFailed("garbage", told)


def partial(told: str) -> DetectorFailed:
    """
    Return the failure of a service that looked at a part only.
    """
    return DetectorFailed("partial_coverage", told)


def misconfigured(told: str) -> DetectorFailed:
    """
    Return the failure that an operator has to mend.
    """
    return DetectorFailed("misconfigured", told)


def word_of(text: object) -> str:
    """
    Return *text* if it is one short word, as error codes are; else nothing.
    """
    is_word = isinstance(text, str) and _WORD.fullmatch(text) is not None
    return str(text) if is_word else ""
