from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from gateway.catalog import Catalog
from gateway.codec import dumps
from gateway.dialects import core_dialects
from gateway.providers.configured import make_providers
from gateway.routing.router import Router
from gateway.settings.load import settings_from_dict
from gateway.views import Request


class SteppedClock:
    """
    Time that passes when a test says so.
    """

    def __init__(self) -> None:
        self.time = 1_000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return 1_800_000_000.0 + self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(scope="session")
def dialects() -> dict[str, Any]:
    return {dialect.name: dialect for dialect in core_dialects()}


#: Three providers as most tests want them; ``b`` has two keys.
PROVIDERS: dict[str, Any] = {
    "a": {"type": "openai", "keys": {"only": "env.A"}},
    "b": {
        "type": "openai",
        "keys": {"one": {"secret": "env.B1", "weight": 3}, "two": "env.B2"},
    },
    "c": {"type": "anthropic", "keys": {"only": "env.C"}},
}


@pytest.fixture
def make_router(dialects, clock) -> Callable[..., Router]:
    """
    Make a router of tables as they would stand in the file, seeded.
    """

    def make(
        providers: dict[str, Any] | None = None,
        models: dict[str, Any] | None = None,
        *,
        before: Router | None = None,
        seed: int = 1,
        catalog: Catalog | None = None,
        **routing: Any,
    ) -> Router:
        document = {
            "providers": PROVIDERS if providers is None else providers,
            "models": models or {},
            "routing": routing,
        }
        settings = settings_from_dict(document)
        return Router(
            settings,
            make_providers(settings, dialects),
            Catalog.builtin() if catalog is None else catalog,
            clock=clock,
            before=before,
            random=Random(seed),
        )

    return make


@pytest.fixture
def make_request(dialects) -> Callable[..., Request]:
    """
    Make a request as a caller sent it.
    """

    def make(dialect: str = "openai_chat", operation: str = "generate", **doc: Any):
        doc = {"model": "m", **doc}
        return Request(dialects[dialect], dumps(doc), operation=operation)

    return make
