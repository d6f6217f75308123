"""
The paths that a fake upstream answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.testing.fake.anthropic_messages import COUNT_TOKENS, MESSAGES
from gateway.testing.fake.errors import Vendor, VendorError
from gateway.testing.fake.openai_chat import CHAT
from gateway.testing.fake.openai_completions import COMPLETIONS
from gateway.testing.fake.openai_embeddings import EMBEDDINGS
from gateway.testing.fake.openai_responses_events import RESPONSES
from gateway.testing.fake.operation import Operation

__all__ = ["BILL_PATH", "find_model", "find_operation", "vendor_of"]

BILL_PATH = "/_fake/bill"  # no vendor has it: what was charged, over HTTP

_OPENAI = {
    "/chat/completions": CHAT,
    "/completions": COMPLETIONS,
    "/responses": RESPONSES,
    "/embeddings": EMBEDDINGS,
}
_OPERATIONS: dict[str, Operation] = {
    **_OPENAI,
    **{f"/v1{path}": operation for path, operation in _OPENAI.items()},
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": COUNT_TOKENS,
}
_MODELS = ("/v1/models", "/models")


def find_operation(method: str, path: str) -> Operation:
    """
    Find what a request asks for.

    Raises:
        VendorError: 404 for an unknown path, 405 for another method than POST.
    """
    operation = _OPERATIONS.get(path)
    if operation is None:
        raise VendorError(
            404, f"Unknown request URL: {method} {path}.", code="unknown_url"
        )
    if method != "POST":
        raise VendorError(405, f"Not allowed to {method} on {path}.")
    return operation


def find_model(method: str, path: str) -> str | None:
    """
    Find the model that a request wants described.

    Returns:
        ``""`` for the list of all, ``None`` where it is no such request.
    """
    if method != "GET":
        return None
    for prefix in _MODELS:
        if path == prefix:
            return ""
        if path.startswith(f"{prefix}/"):
            return path[len(prefix) + 1 :]
    return None


def vendor_of(path: str, headers: Mapping[str, str]) -> Vendor:
    """
    Say in whose shape a path is answered, be it with an error.
    """
    operation = _OPERATIONS.get(path)
    if operation is not None:
        return operation.vendor
    return Vendor.ANTHROPIC if "anthropic-version" in headers else Vendor.OPENAI
