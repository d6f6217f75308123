"""
How a credential is written into the headers of a request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from gateway.errors import NotAuthenticated

if TYPE_CHECKING:
    from multidict import MultiMapping

#: ``anthropic`` and ``azure`` choose between a header of their own and Bearer.
Spelling = Literal["bearer", "x-api-key", "api-key", "anthropic", "azure"]

#: What a caller may bring its credential in, in the order in which they are tried.
CALLERS: Final = ("authorization", "x-api-key", "api-key")

#: Prefixes of credentials for a gateway, this one's and Bifrost's.
GATEWAY_KEYS: Final = ("sk-gw-", "sk-bf-")

# From this version on Anthropic documents Bearer for API keys; tokens of a login
# (OAuth) are Bearer in every version.
_ANTHROPIC_BEARER: Final = "2026-10-21"
_ANTHROPIC_LOGIN: Final = "sk-ant-oat"
# A JSON web token: what Entra ID issues for Azure, in the place of a resource's key.
_WEB_TOKEN: Final = "eyJ"

_SENDABLE = re.compile(r"[\x21-\x7e]{1,4096}")


def spell(value: str, spelling: Spelling, version: str = "") -> tuple[str, str]:
    """
    Return the header, name and value, that carries the credential *value*.

    Args:
        version: The ``anthropic-version`` that goes with it.
    """
    if spelling == "anthropic":
        is_bearer = value.startswith(_ANTHROPIC_LOGIN) or version >= _ANTHROPIC_BEARER
        spelling = "bearer" if is_bearer else "x-api-key"
    elif spelling == "azure":
        is_token = value.startswith(_WEB_TOKEN) and value.count(".") == 2
        spelling = "bearer" if is_token else "api-key"
    if spelling == "bearer":
        return "authorization", f"Bearer {value}"
    return spelling, value


def callers_own(headers: MultiMapping[str], provider: str) -> str:
    """
    Return the provider's credential that the caller brought.

    A key for this gateway is never one: it may stand in any header that vendors use.

    Raises:
        NotAuthenticated: The caller brought none.
    """
    for name in CALLERS:
        for value in headers.getall(name, ()):
            scheme, _, token = value.partition(" ")
            if scheme.lower() == "bearer":
                value = token
            value = value.strip()
            if _SENDABLE.fullmatch(value) and not value.startswith(GATEWAY_KEYS):
                return value
    msg = (
        f"Provider {provider} takes the caller's own credential, and none came: "
        f"send it as Authorization: Bearer or x-api-key."
    )
    raise NotAuthenticated(msg, code="provider_credential_required")
