"""
Which headers cross the gateway, in both directions: by allow-list, value by value.

So credentials, cookies and hop-by-hop headers (RFC 9110 section 7.6.1) stop here
without being named.  A value that holds control characters is dropped as well: aiohttp's
parser lets them through in places (CVE-2026-34520), and the next one may see two lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multidict import MultiMapping

#: Longer values are dropped; ``anthropic-beta`` lists are the longest seen.
MAX_VALUE: Final = 4096

#: A caller's organisation and project ids are not among them: they belong to a
#: credential that stops here.
OPENAI_REQUEST: Final = ("openai-beta", "idempotency-key")
ANTHROPIC_REQUEST: Final = ("anthropic-version", "anthropic-beta", "idempotency-key")

#: Organisation ids, rate limits of the shared credential and internal hosts are not
#: among them.
ANSWER: Final = ("retry-after", "retry-after-ms", "x-should-retry")
#: Where the caller's own credential went upstream, its limits are the caller's as well.
CALLERS_LIMITS: Final = ("x-ratelimit-", "anthropic-ratelimit-")

UPSTREAM_ID: Final = "x-gw-upstream-request-id"
_IDS: Final = ("request-id", "x-request-id", "apim-request-id")
_ID = re.compile(r"[\x21-\x7e]{1,128}")

# RFC 9110 section 5.5, without obs-text: what is beyond ASCII has no agreed meaning.
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


def is_value(text: str) -> bool:
    """
    Tell whether *text* may be forwarded as a header's value.
    """
    return len(text) <= MAX_VALUE and _VALUE.fullmatch(text) is not None


def pick(headers: MultiMapping[str], names: Iterable[str]) -> dict[str, str]:
    """
    Return those of *headers* that are named; several of one name as one list.
    """
    picked = {}
    for name in names:
        values = headers.getall(name, None)
        if values:
            value = values[0] if len(values) == 1 else ", ".join(values)
            if is_value(value):
                picked[name] = value
    return picked


def pick_answer(headers: MultiMapping[str], *, is_callers: bool) -> dict[str, str]:
    """
    Return what the caller may see of a provider's headers, in lower case.

    Args:
        is_callers: The caller's own credential went upstream.
    """
    picked = pick(headers, ANSWER)
    upstream_id = find_upstream_id(headers)
    if upstream_id:
        picked[UPSTREAM_ID] = upstream_id
    if is_callers:
        limits = {name.lower() for name in headers}
        picked |= pick(headers, [n for n in limits if n.startswith(CALLERS_LIMITS)])
    return picked


def find_upstream_id(headers: Mapping[str, str]) -> str | None:
    """
    Find the provider's own request id.
    """
    for name in _IDS:
        value = headers.get(name)
        if value and _ID.fullmatch(value):
            return value
    return None
