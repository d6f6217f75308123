"""
Whom a guardrail is attached to, and which of the names that it has for them nobody bears.

A name that is misspelt protects nobody, and nothing else tells of it.  Models are not among what
is told: which names a provider has for its own, nobody but the provider knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from gateway import CallerKind, Gateway
    from gateway_guardrails.policy.guardrail import Scope

_KINDS: Final[tuple[CallerKind, ...]] = ("customer", "team", "virtual_key")


@attrs.frozen(kw_only=True)
class Attachment:
    """
    What is known of the names in a scope.

    Attributes:
        strangers: A sentence for each name that nobody bears.
        is_nobody: All of them are such, so that the guardrail counts for no one.
    """

    strangers: tuple[str, ...] = ()
    is_nobody: bool = False


def attachment_of(scope: Scope, gateway: Gateway) -> Attachment:
    """
    Look up the names in *scope*, as *gateway* knows them now.

    What cannot be known is taken to be there: callers where no plugin tells of them, or has
    started, and models.
    """
    strangers = tuple(_strangers(scope, gateway))
    named = (
        *scope.customers,
        *scope.teams,
        *scope.virtual_keys,
        *scope.models,
        *scope.providers,
    )
    return Attachment(
        strangers=strangers, is_nobody=bool(named) and len(strangers) == len(named)
    )


def stranger(kind: CallerKind, name: str) -> str:
    """
    Say that *name* is nobody's.
    """
    return f"no {kind.replace('_', ' ')} is called {name[:64]}"


def _strangers(scope: Scope, gateway: Gateway) -> Iterator[str]:
    for kind in _KINDS:
        for name in sorted(getattr(scope, f"{kind}s")):
            if gateway.find_caller(kind, name) == "":
                yield stranger(kind, name)
    for name in sorted(scope.providers):
        if name not in gateway.settings.providers:
            yield f"no provider is called {name[:64]}"
