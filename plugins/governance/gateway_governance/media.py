"""
What images and sound cost in tokens, by the rules that vendors publish.

Everything here rounds up, and where a size cannot be known the documented maximum stands.

Sources: OpenAI's guide "Images and vision" (tiles of 512 pixels, patches of 32) and its audio
guide; Anthropic's page "Vision" (patches of 28 pixels, about width x height / 750).
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import Final

import attrs

Size = tuple[int, int]

#: What an image of any size costs with a model that nobody published a rule for: vision
#: encoders of open models take up to so many tokens.
ANY_IMAGE_TOKENS: Final = 16_384
#: Beside the image itself: its place in the template.
_FRAME_TOKENS: Final = 16


# --- images ---------------------------------------------------------------------------------


@attrs.frozen
class _Tiles:
    """
    A price for the picture as a whole and one for each tile of 512 pixels.
    """

    base: int
    tile: int

    def tokens(self, size: Size | None, detail: str) -> int:
        if detail == "low":
            return self.base
        tiles = 8 if size is None else _tiles_of(size)
        return self.base + tiles * self.tile


@attrs.frozen
class _Patches:
    """
    Patches of *side* pixels, at most *most*, times a factor in hundredths.
    """

    most: int
    hundredths: int = 100
    side: int = 32
    most_original: int = 0

    def tokens(self, size: Size | None, detail: str) -> int:
        most = self.most
        if detail not in {"low", "high"}:
            most = max(most, self.most_original)
        patches = most
        if size is not None:
            wide, high = (-(-length // self.side) for length in size)
            patches = min(most, wide * high)
        return -(-patches * self.hundredths // 100)


def _tiles_of(size: Size) -> int:
    """
    Count tiles: fitted into a square of 2048, then the shorter side brought down to 768.
    """
    scale = min(1.0, 2048 / max(size))
    scale *= min(1.0, 768 / (min(size) * scale))
    wide, high = (-(-round(length * scale, 2) // 512) for length in size)
    return int(wide * high)


# Models newer than this table get the largest picture that any of them looks at, at the
# dearest factor that their size ever had.
_NEWER: Final = _Patches(2500, 162, most_original=10_000)
_NEWER_NANO: Final = _Patches(2500, 246, most_original=10_000)
_OPENAI: Final[tuple[tuple[str, _Tiles | _Patches], ...]] = (
    ("gpt-4o-mini", _Tiles(2833, 5667)),
    ("gpt-4.1-mini", _Patches(1536, 162)),
    ("gpt-4.1-nano", _Patches(1536, 246)),
    ("o4-mini", _Patches(1536, 172)),
    ("codex-mini", _Patches(1536, 172)),
    ("gpt-5-mini", _Patches(1536, 162)),
    ("gpt-5-nano", _Patches(1536, 246)),
    ("gpt-5.", _NEWER),
    ("gpt-5", _Tiles(70, 140)),
    ("gpt-4", _Tiles(85, 170)),
    ("chatgpt-4o", _Tiles(85, 170)),
    ("o1", _Tiles(75, 150)),
    ("o3", _Tiles(75, 150)),
    ("computer-use", _Tiles(65, 129)),
    ("gpt-", _NEWER),
    *((f"o{number}", _NEWER) for number in range(4, 10)),
)
_OLDER_CLAUDE: Final = re.compile(
    r"claude-(?:instant|2|3)|claude-(?:opus|sonnet|haiku)-4(?:-[0-6]\b|-20|$)"
)
_CLAUDE: Final = _Patches(4784, side=28)
_EARLY_CLAUDE: Final = _Patches(1600, side=28)
_ANY: Final = _Patches(ANY_IMAGE_TOKENS, side=14)


def image_tokens(model: str, size: Size | None, detail: str = "auto") -> int:
    """
    Return the most that one image costs *model*.

    Args:
        model: The vendor's name for it, with or without the prefixes of resellers.
        size: Width and height in pixels; None if they are not known.
        detail: What the caller asked for: ``low``, ``high``, ``original``, ``auto``.
    """
    if size is not None and min(size) <= 0:
        size = None
    rule = _rule_of(model)
    tokens = rule.tokens(size, detail) + _FRAME_TOKENS
    if rule is not _CLAUDE and rule is not _EARLY_CLAUDE:
        return tokens
    if size is None:
        return tokens
    by_area = -(-size[0] * size[1] // 750) + _FRAME_TOKENS
    return min(rule.most + _FRAME_TOKENS, max(tokens, by_area))


def _rule_of(model: str) -> _Tiles | _Patches:
    if "claude" in model:
        name = model[model.index("claude") :]
        return _EARLY_CLAUDE if _OLDER_CLAUDE.match(name) else _CLAUDE
    name = model.rpartition("/")[2]
    if name.startswith("gpt-oss"):
        return _ANY
    rule = next((rule for start, rule in _OPENAI if name.startswith(start)), _ANY)
    return _NEWER_NANO if rule is _NEWER and "nano" in name else rule


#: Base64 characters that hold the head of most files; a multiple of four.
_HEAD: Final = 8192
_DEEP_HEAD: Final = 1 << 20


def size_of(data: str) -> Size | None:
    """
    Read width and height from the head of an image in base64; None if it does not tell.
    """
    head = _decoded(data[:_HEAD])
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return _pair(head, 16, 4, "big")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _pair(head, 6, 2, "little")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp_size(head)
    if head.startswith(b"\xff\xd8"):
        found = _jpeg_size(head)
        if found is None and len(data) > _HEAD:  # long metadata stands before it
            found = _jpeg_size(_decoded(data[:_DEEP_HEAD]))
        return found
    return None


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _pair(head: bytes, at: int, width: int, order: str) -> Size | None:
    if len(head) < at + 2 * width:
        return None
    wide, high = head[at : at + width], head[at + width : at + 2 * width]
    if order == "big":
        return int.from_bytes(wide, "big"), int.from_bytes(high, "big")
    return int.from_bytes(wide, "little"), int.from_bytes(high, "little")


def _webp_size(head: bytes) -> Size | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        size = _pair(head, 26, 2, "little")
        return None if size is None else (size[0] & 0x3FFF, size[1] & 0x3FFF)
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        size = _pair(head, 24, 3, "little")
        return None if size is None else (size[0] + 1, size[1] + 1)
    return None


#: JPEG markers of a frame's start; the others of that row define tables.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg_size(head: bytes) -> Size | None:
    for marker, at in _jpeg_segments(head):
        if marker in _FRAMES:
            found = _pair(head, at + 3, 2, "big")
            return None if found is None else (found[1], found[0])
    return None


def _jpeg_segments(head: bytes) -> Iterator[tuple[int, int]]:
    """
    Yield markers, and where their segments' lengths stand.
    """
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        yield marker, at + 2
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")


# --- sound ----------------------------------------------------------------------------------

_OPENAI_AUDIO_PER_S: Final = 10  # one token each 100 ms
_ANY_AUDIO_PER_S: Final = 32  # what the most detailed vendor documents
#: Bytes a second of the slowest streams that MP3 allows: MPEG-1, and its later halves.
_MP3_BYTES_PER_S: Final = 4000
_LEAST_BYTES_PER_S: Final = 1000


def audio_tokens(model: str, data: str) -> int:
    """
    Return the most that a piece of sound in base64 costs *model*, by its length in time.
    """
    name = model.rpartition("/")[2]
    per_s = _OPENAI_AUDIO_PER_S if name.startswith("gpt-") else _ANY_AUDIO_PER_S
    size = len(data) * 3 // 4
    rate = _bytes_per_s(_decoded(data[:_HEAD]))
    return -(-size * per_s // rate) + _FRAME_TOKENS


def _bytes_per_s(head: bytes) -> int:
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return _wave_bytes_per_s(head)
    at = head.find(b"\xff\xfb")
    if head.startswith(b"ID3") or at == 0:
        return _MP3_BYTES_PER_S if at >= 0 else _LEAST_BYTES_PER_S
    return _LEAST_BYTES_PER_S


def _wave_bytes_per_s(head: bytes) -> int:
    """
    Read the format of a RIFF file; what is compressed, or not believable, counts as slow.
    """
    at = head.find(b"fmt ", 12) + 8
    if at < 8 or len(head) < at + 16:
        return _LEAST_BYTES_PER_S
    coding, channels, samples, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
    is_plain = coding in {1, 3} and channels in range(1, 9) and bits in {8, 16, 24, 32}
    if not is_plain or not 4000 <= samples <= 384_000:
        return _LEAST_BYTES_PER_S
    return int(samples * channels * bits // 8)
