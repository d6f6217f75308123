"""
The ranks of the encodings: read out of this package, checked, never fetched.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import attrs


class RanksDamaged(Exception):
    """
    The packed ranks are not those that this version was made with.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the ranks of {name} are damaged: install the package again")


@attrs.frozen(kw_only=True)
class Source:
    """
    What an encoding is made of.

    Attributes:
        digest: SHA-256 of the expanded ranks.
        pattern: Cuts text into the pieces that tokens never cross.
        special_tokens: Their numbers; in a text they are words like any other.
    """

    digest: str
    pattern: str
    special_tokens: tuple[tuple[str, int], ...]


# Patterns and numbers are tiktoken's (openai_public.py, 0.14); see licenses/TIKTOKEN.
_ENDINGS: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER: Final = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
_LOWER: Final = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_SOURCES: Final = {
    "o200k_base": Source(
        digest="bac143fe7fe950090c6e4ed9a2f80de5412a92495758b52becbbe5a7eea25ecb",
        pattern="|".join(
            (
                rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_ENDINGS}",
                rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_ENDINGS}",
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"\s*[\r\n]+",
                r"\s+(?!\S)",
                r"\s+",
            )
        ),
        special_tokens=(("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)),
    ),
    "cl100k_base": Source(
        digest="6bfd43f7b31b50b645b3228413547e662af1ae4801e9b192b9791680a71d650c",
        pattern=(
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
            r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
        ),
        special_tokens=(
            ("<|endoftext|>", 100_257),
            ("<|fim_prefix|>", 100_258),
            ("<|fim_middle|>", 100_259),
            ("<|fim_suffix|>", 100_260),
            ("<|endofprompt|>", 100_276),
        ),
    ),
}
NAMES: Final = tuple(_SOURCES)


def source_of(name: str) -> Source:
    """
    Return what the encoding called *name* is made of.
    """
    return _SOURCES[name]


def read_ranks(name: str) -> dict[bytes, int]:
    """
    Read the ranks of the encoding called *name*.

    Raises:
        RanksDamaged: if they are not what they were when this version was made.
    """
    packed = (files(__package__) / "data" / f"{name}.xz").read_bytes()
    return unpack(name, packed)


def unpack(name: str, packed: bytes) -> dict[bytes, int]:
    """
    Read *packed* ranks.

    Raises:
        RanksDamaged: as above.
    """
    try:
        plain = lzma.decompress(packed)
    except lzma.LZMAError as exc:
        raise RanksDamaged(name) from exc
    if hashlib.sha256(plain).hexdigest() != _SOURCES[name].digest:
        raise RanksDamaged(name)
    return {token: rank for rank, token in enumerate(_tokens(plain))}


def _tokens(plain: bytes) -> Iterator[bytes]:
    """
    Yield the tokens in the order of their ranks: each stands behind a byte with its length.
    """
    at, end = 0, len(plain)
    while at < end:
        start = at + 1
        at = start + plain[at]
        yield plain[start:at]
