"""
Tests of `gateway.server.routes`.
"""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.server.routes import all_prefixes, inference_routes, vendor_dialect

from .conftest import ToyChat, ToyGateway, ToyMessages

DIALECTS = {"openai_chat": ToyChat(), "anthropic_messages": ToyMessages()}


def test_only_what_is_spoken_has_routes() -> None:
    """
    A dialect that is not there has no routes; the others have them on all their prefixes.
    """
    paths = [route.path for route in inference_routes({"openai_chat": ToyChat()})]

    assert paths[:3] == [
        "/v1/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/chat/completions",
    ]
    assert all(path.endswith("/chat/completions") for path in paths)


def test_counting_tokens_is_an_operation_of_its_own() -> None:
    """
    One dialect may stand at several paths.
    """
    found = {route.path: route.operation for route in inference_routes(DIALECTS)}

    assert found["/anthropic/v1/messages"] == "generate"
    assert found["/anthropic/v1/messages/count_tokens"] == "count_tokens"


def test_no_route_is_defined_twice() -> None:
    """
    The prefix that belongs to all vendors is there once.
    """
    paths = [route.path for route in inference_routes(ToyGateway().dialects)]

    assert len(paths) == len(set(paths))
    assert len(all_prefixes()) == len(set(all_prefixes()))


@pytest.mark.parametrize(
    ("path", "version", "vendor"),
    [
        ("/v1/models", False, "openai"),
        ("/v1/models", True, "anthropic"),
        ("/openai/v1/models", True, "openai"),
        ("/anthropic/v1/models", False, "anthropic"),
        ("/v1/messages", False, "anthropic"),
        ("/langchain/v1/models", True, "openai"),
        ("/langchain/anthropic/v1/models", False, "anthropic"),
    ],
)
def test_the_vendor_whose_words_are_used(path: str, version: bool, vendor: str) -> None:
    """
    The prefix decides, and where it does not, Anthropic's header.
    """
    headers = CIMultiDict({"anthropic-version": "1"} if version else {})

    found = vendor_dialect(DIALECTS, path, CIMultiDictProxy(headers))

    assert found.vendor == vendor


def test_somebody_always_answers() -> None:
    """
    Where a vendor's dialect is missing, errors are told in another's words.
    """
    headers = CIMultiDictProxy(CIMultiDict())

    found = vendor_dialect({"openai_chat": ToyChat()}, "/anthropic/x", headers)

    assert found.vendor == "openai"
