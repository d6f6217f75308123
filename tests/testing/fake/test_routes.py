"""
Paths and what they lead to.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.errors import Vendor, VendorError
from gateway.testing.fake.routes import find_model, find_operation, vendor_of


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "chat"),
        ("/chat/completions", "chat"),
        ("/v1/completions", "completion"),
        ("/v1/responses", "response"),
        ("/responses", "response"),
        ("/v1/embeddings", "embedding"),
        ("/v1/messages", "message"),
        ("/v1/messages/count_tokens", "count_tokens"),
    ],
    ids=str,
)
def test_finds_operations(path, name):
    """
    OpenAI's paths work with and without the version.
    """
    assert find_operation("POST", path).name == name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/chat", 404),
        ("GET", "/v1/responses", 405),
        ("POST", "/messages", 404),
    ],
    ids=str,
)
def test_refuses_what_no_vendor_has(method, path, status):
    """
    Unknown paths and methods have the status that tells which.
    """
    with pytest.raises(VendorError) as caught:
        find_operation(method, path)

    assert caught.value.status == status


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/models", ""),
        ("GET", "/models", ""),
        ("GET", "/v1/models/gpt-x", "gpt-x"),
        ("GET", "/v1/models/org/gpt-x", "org/gpt-x"),
        ("POST", "/v1/models", None),
        ("GET", "/v1/chat/completions", None),
    ],
    ids=str,
)
def test_finds_models(method, path, name):
    """
    A list, one model, or no question about models at all.
    """
    assert find_model(method, path) == name


@pytest.mark.parametrize(
    ("path", "headers", "vendor"),
    [
        ("/v1/messages", {}, Vendor.ANTHROPIC),
        ("/v1/messages/count_tokens", {}, Vendor.ANTHROPIC),
        ("/v1/models", {"anthropic-version": "x"}, Vendor.ANTHROPIC),
        ("/v1/models", {}, Vendor.OPENAI),
        ("/v1/chat/completions", {"anthropic-version": "x"}, Vendor.OPENAI),
        ("/v1/else", {}, Vendor.OPENAI),
    ],
    ids=str,
)
def test_knows_whose_shape_is_wanted(path, headers, vendor):
    """
    The path tells the vendor, or else the version header.
    """
    assert vendor_of(path, headers) is vendor
