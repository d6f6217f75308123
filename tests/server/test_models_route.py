"""
Tests of `gateway.server.models_route`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.errors import ModelNotFound
from gateway.server.models_route import model_list, one_model

from .conftest import Serve, ToyListing

LISTED = (
    ToyListing("fast", "openai", 1_700_000_000),
    ToyListing("anthropic/claude-x", "anthropic"),
)
VERSION = b"anthropic-version: 2023-06-01\r\n"


async def get(serve: Serve, path: str, headers: bytes = b"") -> Any:
    wire = await (await serve(listed=LISTED)).wire()
    await wire.head("GET", path, headers)
    reply = await wire.read()
    return reply.status, reply.json


@pytest.mark.parametrize(
    "path", ["/v1/models", "/openai/v1/models", "/openai/models", "/v1/models?limit=1"]
)
async def test_lists_as_openai_does(serve: Serve, path: str) -> None:
    """
    OpenAI's SDK gets a list of its kind.
    """
    status, document = await get(serve, path)

    assert status == 200
    assert document == {
        "object": "list",
        "data": [
            {
                "id": "fast",
                "object": "model",
                "created": 1_700_000_000,
                "owned_by": "openai",
            },
            {
                "id": "anthropic/claude-x",
                "object": "model",
                "created": 0,
                "owned_by": "anthropic",
            },
        ],
    }


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/v1/models?limit=1000", VERSION), ("/anthropic/v1/models", b"")],
)
async def test_lists_as_anthropic_does(serve: Serve, path: str, headers: bytes) -> None:
    """
    Anthropic's SDK, known by its header or its prefix, gets one of its own.
    """
    status, document = await get(serve, path, headers)

    assert status == 200
    assert (document["first_id"], document["last_id"]) == ("fast", "anthropic/claude-x")
    assert document["has_more"] is False
    assert document["data"][0] == {
        "type": "model",
        "id": "fast",
        "display_name": "fast",
        "created_at": "2023-11-14T22:13:20Z",
    }


@pytest.mark.parametrize("path", ["anthropic/claude-x", "anthropic%2Fclaude-x"])
async def test_shows_one(serve: Serve, path: str) -> None:
    """
    A model whose name holds a slash is found, however the SDK writes it.
    """
    status, document = await get(serve, f"/v1/models/{path}")

    assert (status, document["id"]) == (200, "anthropic/claude-x")


async def test_an_unknown_one_is_told_in_the_vendors_words(serve: Serve) -> None:
    """
    A model that is not there is 404 in the caller's shape.
    """
    status, document = await get(serve, "/v1/models/nothing", VERSION)

    assert (status, document["type"]) == (404, "error")
    assert document["error"]["code"] == "model_not_found"


def test_an_empty_list_has_no_ends() -> None:
    """
    Without models there is neither a first nor a last one.
    """
    assert b'"first_id":null,"last_id":null' in model_list([], "anthropic")


def test_names_are_compared_exactly() -> None:
    """
    A prefix of a name is not the name.
    """
    with pytest.raises(ModelNotFound):
        one_model(LISTED, "fas", "openai")


def test_a_bare_name_is_shown_where_a_request_would_find_it() -> None:
    """
    What one provider alone has is found without the provider's name, and shown as asked for.
    """
    shown = json.loads(one_model(LISTED, "claude-x", "openai"))
    assert (shown["id"], shown["owned_by"]) == ("claude-x", "anthropic")

    with pytest.raises(ModelNotFound):
        one_model((*LISTED, ToyListing("mine/claude-x", "mine")), "claude-x", "openai")
