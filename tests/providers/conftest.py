from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.codec import dumps
from gateway.dialects import core_dialects
from gateway.providers.configured import make_providers
from gateway.providers.provider import Provider
from gateway.settings.load import settings_from_dict
from gateway.views import Request


@pytest.fixture(scope="session")
def dialects() -> dict[str, Any]:
    return {dialect.name: dialect for dialect in core_dialects()}


@pytest.fixture
def make_provider(dialects) -> Callable[..., Provider]:
    """
    Make one provider of a table as it would stand under ``providers`` in the file.
    """

    def make(name: str, **table: Any) -> Provider:
        table.setdefault("auth", "none")
        settings = settings_from_dict({"providers": {name: table}})
        return make_providers(settings, dialects)[name]

    return make


@pytest.fixture
def chat(dialects) -> Callable[..., Request]:
    """
    Make a chat request as it is about to go out.
    """

    def make(**doc: Any) -> Request:
        doc = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **doc}
        return Request(dialects["openai_chat"], dumps(doc), operation="generate")

    return make
