"""
How amounts, times and limits are written in JSON.

A budget's id names its owner and its period, ``team:payments:1M``; it fits in one step of a path.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from gateway.clock import utc_text
from gateway_governance import documents
from gateway_governance.checks import Entity
from gateway_governance.entities import (
    NANO_PER_USD,
    KeyValue,
    Owner,
    OwnerKind,
    Period,
)
from gateway_governance.periods import CODES, code_of

#: Bifrost's name for the field in which a limit says whose it is.
OWNER_FIELDS: Final = {
    OwnerKind.CUSTOMER: "customer_id",
    OwnerKind.TEAM: "team_id",
    OwnerKind.VIRTUAL_KEY: "virtual_key_id",
    OwnerKind.PROVIDER_CONFIG: "provider_config_id",
    OwnerKind.MODEL: "model_config_id",
}
_MASK: Final = "****"
_NUMBER_BYTES: Final = 6


def usd(nano: int) -> float:
    """
    Write *nano* as USD, the nearest float: exact to the nano up to four million USD.
    """
    return nano / NANO_PER_USD


def moment(seconds: float | None) -> str | None:
    """
    Write Unix *seconds*; None stays None.
    """
    return None if seconds is None else utc_text(seconds)


def masked(value: KeyValue | None) -> str:
    """
    Write a virtual key's value so that people can tell it from others, and nobody can use it.

    The first ten characters behind the prefix only say where it is found.
    """
    if value is None or not value.hint:
        return _MASK
    return f"sk-gw-{value.lookup}{_MASK}{value.hint}"


def number_of(config_id: str) -> int:
    """
    Return the number that stands for a provider config where Bifrost has a number.
    """
    raw = hashlib.blake2b(config_id.encode(), digest_size=_NUMBER_BYTES).digest()
    return int.from_bytes(raw)


def owner_ref(owner: Owner) -> str | int:
    """
    Return what stands in a limit's `OWNER_FIELDS`.
    """
    if owner.kind is OwnerKind.PROVIDER_CONFIG:
        return number_of(owner.id)
    return owner.id


def config_hash(entity: Entity) -> str:
    """
    Hash what is stored of *entity*: another one tells that it was changed.
    """
    return hashlib.sha256(documents.written(entity).encode()).hexdigest()


def hash_of(limits: object) -> str:
    """
    Hash the limits of an owner, for Bifrost's ``config_hash`` of each.
    """
    return hashlib.sha256(repr(limits).encode()).hexdigest()


def budget_id(owner: Owner, period: Period) -> str:
    """
    Write the id of a budget.
    """
    return f"{owner.kind.value}:{owner.id}:{code_of(period)}"


def rate_limit_id(owner: Owner) -> str:
    """
    Write the id that all rate limits of *owner* have together.
    """
    return f"{owner.kind.value}:{owner.id}"


def read_budget_id(text: str) -> tuple[Owner, Period] | None:
    """
    Read what `budget_id` wrote; None if it is something else.
    """
    owner_text, _, code = text.rpartition(":")
    owner = read_owner(owner_text, ":")
    if owner is None or code not in CODES:
        return None
    return owner, CODES[code]


def read_owner(text: str, separator: str = "/") -> Owner | None:
    """
    Read ``team/payments``; None if it is something else.
    """
    kind, _, owner_id = text.partition(separator)
    kinds = {each.value: each for each in OWNER_FIELDS}
    if kind not in kinds or not owner_id:
        return None
    return Owner(kinds[kind], owner_id)


def without_empty(document: dict[str, Any], *optional: str) -> dict[str, Any]:
    """
    Leave out those of *optional* that are None or empty, as Bifrost does.
    """
    return {
        key: value
        for key, value in document.items()
        if key not in optional or value not in (None, "", [], {})
    }
