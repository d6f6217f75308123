"""
Count tokens, the same way every time: four bytes of UTF-8 are a token.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BYTES_PER_TOKEN", "IMAGE_TOKENS", "count_bytes", "count_input", "tokens_of"]

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 85  # whatever its size

# Names, kinds and references are not text that a model reads, and media are
# counted apart.
_NOT_TEXT = frozenset(
    "type role id call_id tool_call_id tool_use_id media_type status detail data "
    "signature encrypted_content file_id file_data file_url url image_url format "
    "cache_control".split()
)
_MEDIA = frozenset(
    "image image_url input_image document file input_file input_audio".split()
)


def tokens_of(size: int) -> int:
    """
    Turn *size* bytes into tokens, rounded up.
    """
    return -(-size // BYTES_PER_TOKEN)


def count_bytes(text: str) -> int:
    """
    Measure *text* in bytes of UTF-8.
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def count_input(*nodes: Any) -> int:
    """
    Count the tokens of the parts of a request that a model reads.

    Walks with a list instead of recursion: how deep a document goes is up to
    whoever sent it.
    """
    size = media = 0
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            size += count_bytes(node)
        elif isinstance(node, dict):
            kind = node.get("type")
            media += isinstance(kind, str) and kind in _MEDIA
            waiting.extend(v for k, v in node.items() if k not in _NOT_TEXT)
        elif isinstance(node, list):
            waiting.extend(node)
    return tokens_of(size) + media * IMAGE_TOKENS
