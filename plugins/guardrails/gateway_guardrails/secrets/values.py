"""
What tells a secret value from a placeholder, a word, or a piece of code.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from typing import Final

__all__ = ["entropy_of", "is_passwordlike", "is_placeholder", "is_randomlike"]

#: Beyond so many characters, entropy says no more.
_ENTROPY_CHARACTERS: Final = 256

# What stands where a value should: variables, gaps to fill in, calls.
_STAND_IN: Final = re.compile(
    r"""
    ^ \$ | ^ % \w+ % $ | ^ @ \w+ @ $ | \$\{ | \$\( | \{\{ | % [(s] | <[^>]*> | ^ [<\[{(]
    | \.\.\. | … | process\.env | os\.environ | getenv | ENV\[ | secrets\. | \b env [._]
    | ^ (?:env|file|vault): | ^ arn:
    """,
    re.VERBOSE | re.IGNORECASE,
)
# The same character over and over, or a row of the alphabet or of digits; A is zero in base64.
_BLANKED: Final = re.compile(
    r"([xX*.#?_-])\1{4,}|([B-Zb-z0-9])\2{7,}|abcdefghijklmnop|1234567890123456"
)
_FILLED: Final = re.compile(
    r"""
    ([xX*.\#?_-]) \1{3,} | ([A-Za-z]) \2{4,} | ([0-9]) \3{6,}
    | 0123456789 | 123456789 | abcdefgh | abcdef1234 | 1234567890
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_WORD: Final = "secret|password|passwd|token|api[-_]?key|key|credential"
_FILLER_WORD: Final = re.compile(
    rf"""
    example | sample | placeholder | change[-_]?(?:me|it|this) | dummy | redacted | insert | replace
    | your[-_]? | [-_]here\b | \btodo\b | \bxxx | foobar
    | (?<![a-z])my[-_](?:api|secret|token|key|pass)
    | ^ (?:super)?[-_]?
      (?:{_SECRET_WORD}|test|none|null|undefined|true|false|default|string|hidden|masked|encrypted
        |required)
      (?:[-_]?(?:key|token|value|password|string|here|test))? [0-9]{{0,3}} $
    | ^ (?:some|the|any|new|old|test|fake|mock|not|no|in)?[-_]?(?:a[-_])?(?:real[-_])?
      (?:{_SECRET_WORD})s? [-_]? [0-9]{{0,3}} $
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: Values that vendors print in their own documentation.
_DOCUMENTED: Final = frozenset(
    {
        "AKIAIOSFODNN7" + "EXAMPLE",
        "AKIAI44QH8DHB" + "EXAMPLE",
        "ASIAIOSFODNN7" + "EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        "je7MtGbClwBF/2Zp9Utk/h3yCo8nvb" + "EXAMPLEKEY",
    }
)
_WORD_SEGMENT: Final = re.compile(
    r"(?:[A-Za-z]?[a-z]+|[A-Z]+)?[0-9]{0,6}|[0-9]{1,14}|v?[0-9]{1,4}[a-z]{0,2}"
)
_SEGMENTS: Final = re.compile(r"[-_./: ]+|(?<=[a-z])(?=[A-Z])")
_DOTTED_NAME: Final = re.compile(
    r"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+[;,]?"
)
_UUID: Final = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
_HEX: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{16,}")
_NUMBERLIKE: Final = re.compile(r"[-+]?[0-9][0-9.,:/_%eE+-]*[A-Za-z]{0,3}")
_SPECIAL: Final = re.compile(r"[!@#$%^&*?+=~]")
_LETTER: Final = re.compile(r"[A-Za-z]")
_DIGIT: Final = re.compile(r"[0-9]")


def entropy_of(text: str) -> float:
    """
    Return Shannon's entropy of *text*, in bits a character.
    """
    shown = text[:_ENTROPY_CHARACTERS]
    if not shown:
        return 0.0
    size = len(shown)
    return -sum(n / size * math.log2(n / size) for n in Counter(shown).values())


def is_placeholder(value: str, *, is_named: bool = True) -> bool:
    """
    Tell whether *value* stands where a secret is to be put.

    Args:
        is_named: It was found by a name in front of it, so that words in it count: what has a
            vendor's own form may hold any.
    """
    if value in _DOCUMENTED:
        return True
    if not is_named:
        return "EXAMPLE" in value or bool(_BLANKED.search(value))
    return bool(_FILLED.search(value)) or bool(
        _STAND_IN.search(value) or _FILLER_WORD.search(value)
    )


def is_randomlike(value: str, *, least: int, takes_uuid: bool = True) -> bool:
    """
    Tell whether *value* looks drawn rather than written: a token, a key.
    """
    if len(value) < least or not _LETTER.search(value) or not _DIGIT.search(value):
        return _is_long_mixed(value)
    if _UUID.fullmatch(value):
        return takes_uuid
    if _HEX.fullmatch(value):
        return entropy_of(value) >= 2.8
    if _NUMBERLIKE.fullmatch(value) or _DOTTED_NAME.fullmatch(value):
        return False
    if "://" in value or (
        value.startswith(("/", "./", "~/", "@")) and value.count("/") > 1
    ):
        return False
    segments = [part for part in _SEGMENTS.split(value) if part]
    worded = sum(len(part) for part in segments if _WORD_SEGMENT.fullmatch(part))
    return len(value) - worded >= 6 and entropy_of(value) >= 2.8


def is_passwordlike(value: str) -> bool:
    """
    Tell whether *value* may be a password that somebody chose.
    """
    if not 5 <= len(value) <= 128 or " " in value.strip():
        return False
    if _DOTTED_NAME.fullmatch(value) or _NUMBERLIKE.fullmatch(value) or "://" in value:
        return False
    if value.startswith(("/", "./", "--", "~/", "#", "\\")) or value.endswith(
        ("(", "[", "{", "=>")
    ):
        return False
    letter, digit = bool(_LETTER.search(value)), bool(_DIGIT.search(value))
    if letter and digit:
        return True
    if letter and _SPECIAL.search(value[1:]):
        return len(value) >= 6
    return _is_long_mixed(value)


def _is_long_mixed(value: str) -> bool:
    # Base64 without a digit: long, of both cases, and no words put together.
    return (
        len(value) >= 20
        and value.isascii()
        and value.isalpha()
        and entropy_of(value) >= 4.0
        and sum(a.islower() and b.isupper() for a, b in itertools.pairwise(value)) >= 5
    )
