"""
The published rules, with the examples that their pages give.
"""

from __future__ import annotations

import base64
import struct

import pytest

from gateway_governance.media import (
    ANY_IMAGE_TOKENS,
    audio_tokens,
    image_tokens,
    size_of,
)

FRAME = 16  # what every image costs for its place in the template


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def png(wide: int, high: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", wide, high) + b"\x08\2"


def gif(wide: int, high: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", wide, high) + bytes(4)


def jpeg(wide: int, high: int, before: int = 40) -> bytes:
    segment = b"\xff\xe1" + struct.pack(">H", before + 2) + bytes(before)
    frame = b"\xff\xc2\0\x11\x08" + struct.pack(">HH", high, wide)
    return b"\xff\xd8" + segment + b"\xff\xff\xc4\0\4ab" + frame + bytes(20)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + body + bytes(8)


def wave(samples: int, bits: int, seconds: float, coding: int = 1) -> bytes:
    form = struct.pack(
        "<HHIIHH", coding, 1, samples, samples * bits // 8, bits // 8, bits
    )
    data = bytes(int(samples * bits // 8 * seconds))
    return b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + form + b"data\0\0\0\0" + data


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        pytest.param(png(640, 480), (640, 480), id="png"),
        pytest.param(gif(320, 200), (320, 200), id="gif"),
        pytest.param(jpeg(800, 600), (800, 600), id="jpeg"),
        pytest.param(jpeg(800, 600, before=60_000), (800, 600), id="jpeg-late"),
        pytest.param(
            webp(b"VP8 ", bytes(10) + struct.pack("<HH", 0x4000 | 640, 480)),
            (640, 480),
            id="webp",
        ),
        pytest.param(
            webp(b"VP8L", bytes(4) + b"\x2f" + struct.pack("<I", 639 | 479 << 14)),
            (640, 480),
            id="webp-lossless",
        ),
        pytest.param(
            webp(b"VP8X", bytes(8) + b"\x7f\x02\0\xdf\1\0"), (640, 480), id="webp-more"
        ),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", None, id="png-cut"),
        pytest.param(b"\xff\xd8\xff\xe1\0\0", None, id="jpeg-cut"),
        pytest.param(b"\xff\xd8" + b"\xff\xe1\0\0" * 3000, None, id="jpeg-endless"),
        pytest.param(webp(b"VP9 ", b""), None, id="webp-new"),
        pytest.param(b"RIFF", None, id="riff"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_reads_sizes_from_heads(raw, size):
    """
    Width and height are read from the formats that vendors take; nothing else is believed.
    """
    assert size_of(encoded(raw)) == size


@pytest.mark.parametrize("data", ["***", "a", "\ud800\ud800", "中文中文"])
def test_what_is_no_base64_has_no_size(data):
    """
    Broken media cost what the largest image costs.
    """
    assert size_of(data) is None


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        pytest.param("gpt-4o", (1024, 1024), "high", 765, id="tiles-square"),
        pytest.param("gpt-4o", (2048, 4096), "high", 1105, id="tiles-tall"),
        pytest.param("gpt-4o", (4096, 8192), "low", 85, id="tiles-low"),
        pytest.param("gpt-4o", (512, 512), "auto", 255, id="tiles-small"),
        pytest.param("gpt-4o-mini", (512, 512), "high", 8500, id="tiles-mini"),
        pytest.param("gpt-4o-mini-2024-07-18", None, "auto", 48_169, id="tiles-any"),
        pytest.param("gpt-4.1", None, "auto", 1445, id="4.1"),
        pytest.param("gpt-5", None, "auto", 1190, id="5"),
        pytest.param("o1", (1024, 1024), "high", 675, id="o1"),
        pytest.param("gpt-4.1-mini", (1024, 1024), "high", 1659, id="patches"),
        pytest.param("gpt-4.1-nano", None, "high", 3779, id="patches-most"),
        pytest.param("o4-mini", (1024, 1024), "high", 1762, id="patches-o4"),
        pytest.param("gpt-5.4", None, "high", 4050, id="newer-high"),
        pytest.param("openai/gpt-5.4", None, "original", 16_200, id="newer-original"),
        pytest.param("gpt-5.4-nano", None, "auto", 24_600, id="newer-nano"),
        pytest.param("claude-sonnet-4-5", (200, 200), "auto", 64, id="claude-small"),
        pytest.param("claude-sonnet-4-5", (1092, 1092), "auto", 1590, id="claude"),
        pytest.param("claude-opus-4-6", (8000, 8000), "auto", 1600, id="claude-large"),
        pytest.param("us.anthropic.claude-3-5-haiku", None, "auto", 1600, id="bedrock"),
        pytest.param("claude-opus-4-8", None, "auto", 4784, id="claude-new"),
        pytest.param("claude-opus-5", (2576, 2576), "auto", 4784, id="claude-newer"),
        pytest.param("qwen-vl", None, "auto", ANY_IMAGE_TOKENS, id="other"),
        pytest.param("openai/gpt-oss-20b", (28, 28), "auto", 4, id="other-small"),
        pytest.param("gpt-4o", (0, 10), "high", 1445, id="no-size"),
    ],
)
def test_images_cost_what_the_pages_say(model, size, detail, tokens):
    """
    The examples of the vendors' pages, and the maximum where no size is known.
    """
    assert image_tokens(model, size, detail) == tokens + FRAME


@pytest.mark.parametrize(
    ("model", "raw", "least", "most"),
    [
        pytest.param("gpt-4o-audio", wave(24_000, 16, 10), 100, 130, id="wave"),
        pytest.param("gemini-2.5", wave(24_000, 16, 10), 320, 350, id="other-vendor"),
        pytest.param("gpt-4o-audio", wave(24_000, 16, 1, 2), 480, 520, id="compressed"),
        pytest.param("gpt-4o-audio", wave(7, 16, 10), 10, 30, id="unbelievable"),
        pytest.param(
            "gpt-4o-audio", b"\xff\xfb\x90\0" + bytes(16_000), 40, 60, id="mp3"
        ),
        pytest.param("gpt-4o-audio", b"ID3" + bytes(16_000), 160, 180, id="mp3-slow"),
        pytest.param("gpt-4o-audio", b"RIFF\0\0\0\0WAVE", 16, 20, id="cut"),
    ],
)
def test_sound_costs_by_its_length(model, raw, least, most):
    """
    Uncompressed sound is measured by its format, compressed by the slowest that there is.
    """
    assert least <= audio_tokens(model, encoded(raw)) <= most
