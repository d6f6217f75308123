"""
What tells a secret value from a placeholder, a word, or a piece of code.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

from gateway_guardrails.secrets.reading import DRAWN, strangeness_of

__all__ = [
    "entropy_of",
    "is_common",
    "is_passwordlike",
    "is_placeholder",
    "is_randomlike",
    "is_uuid",
    "looks_chosen",
]

#: Beyond so many characters, entropy says no more.
_ENTROPY_CHARACTERS: Final = 256
#: A part of a value that is filled tells of the whole if it is one part in so many.
_MOSTLY: Final = 2

# What stands where a value should: variables, gaps to fill in, calls.
_STAND_IN: Final = re.compile(
    r"""
    ^ ['"]? \$ [A-Za-z_{(] | ^ % \w+ % $ | ^ @ \w+ @ $ | \$\{ [A-Za-z_]\w* [.(:?\[\}-] | \$\([^)]*\)
    | \{\{ [^{}]* \}\} | \#\{ [^{}]* \} | \{ [A-Za-z_]\w{2,} \} | %\(\w+\)s | % [sd] $
    | < [A-Za-z_/][\w\s./:-]* > | &lt;
    | ^ \[ [^\]]* \] $ | ^ \( .* \) $ | \.\.\.$ | ^ \.\.\. | \u2026
    | process\.env | os\.environ | getenv | ENV\[ | secrets\. | \b env [._] | ^ (?:env|file|vault):
    | ^ (?! \*[0-9A-F]{40} $) [*&] [A-Za-z_][\w.]* $ | ^ arn:
    | ^ ! (?:Ref|Sub|ImportValue) | ^ (?:new|this|self|await)\b
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
    | 0123456789 | 1234567890? | abcdef(?:gh|1234)\w{0,24}
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
      (?:[-_]?(?:key|token|value|password|string|here|test))? [0-9]{{0,2}} $
    | ^ (?:password|passw0rd|admin|test|user|root|qwerty) (?:[0-9]{{1,3}}|12345?6?) $
    | ^ (?:some|the|any|new|old|test|fake|mock|not|no|in)?[-_]?(?:a[-_])?(?:real[-_])?
      (?:{_SECRET_WORD})s? [-_]? [0-9]{{0,2}} $
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
        # The GUID of WebSocket handshakes, RFC 6455 section 1.3.
        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
    }
)
#: What is anybody's first password.
_COMMON: Final = re.compile(
    r"(?i)[a-z]*(?:password|passwd|secret)[0-9]{0,3}"
    r"|(?:my|your|the|db|some)?[-_]?(?:pass(?:phrase)?|pwd|pw|pswd|token|guest|admin|root|user(?:name)?"
    r"|test(?:ing)?|postgres|mysql|mongo|redis|rabbitmq|key|x+|credentials?|tiger)[0-9]{0,3}"
)
_WORD_SEGMENT: Final = re.compile(
    r"(?:[A-Za-z]?[a-z]+|[A-Z]+)?[0-9]{0,6}|[0-9]{1,14}|v?[0-9]{1,4}[a-z]{0,2}"
)
_SEGMENTS: Final = re.compile(r"[-_./: ]+|(?<=[a-z])(?=[A-Z])")
_DOTTED_NAME: Final = re.compile(
    r"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+[;,]?"
)
_JOINTS: Final = re.compile(r"\.|->|::")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")
_UUID: Final = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
_HEX: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{16,}")
#: A token with which a node joins a cluster of Kubernetes.
_BOOTSTRAP: Final = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
_NUMBERLIKE: Final = re.compile(
    r"[-+]?(?:0x[0-9A-Fa-f_]{1,16}?|[0-9][0-9.,:/_%eE+-]*)"
    r"(?:[A-Za-z]{0,3}|[iuf](?:8|16|32|64|128|size))"
)
#: A word, or two that are joined, all in small letters: as somebody writes a password down.
_PLAIN: Final = re.compile(r"[a-z]{3,}(?:[ _-][a-z]{2,})?")
#: Words put together, as in BlueMountain, and what is rather a name for passwords.
_WORDS: Final = re.compile(r"[A-Z][a-z]{2,}(?:[A-Z][a-z]{2,}){1,3}")
_OF_IT: Final = re.compile(
    r"(?i)pass|secret|word|key|token|auth|user|field|input|type|valid|require|error|enter"
)
#: A selector of CSS, a colour, an anchor.
_SELECTOR: Final = re.compile(r"#(?:[a-z][a-z-]*|[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_SIGN: Final = re.compile(r"[!-,:-@\[-^{-~]")
_CASES: Final = re.compile(r"[A-Z]+[a-z]*|[a-z]+")
_LONG_NUMBER: Final = 20
_LONG_NAME: Final = 20
#: Characters of a password that has no digit and no sign.
_SHORT: Final = 10
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
    if value in _DOCUMENTED or (value[:2] == "**" and value[-2:] == "**"):
        return True
    if not is_named:
        return "EXAMPLE" in value or bool(_BLANKED.search(value))
    filled = _FILLED.search(value)
    if filled is not None and (filled.end() - filled.start()) * _MOSTLY >= len(value):
        return True
    return bool(_STAND_IN.search(value) or _FILLER_WORD.search(value))


def is_randomlike(value: str, *, least: int, takes_uuid: bool = True) -> bool:
    """
    Tell whether *value* looks drawn rather than written: a token, a key.
    """
    if len(value) < least or not _LETTER.search(value):
        return (
            len(value) >= _LONG_NUMBER and value.isdigit() and entropy_of(value) >= 2.5
        )
    if not _DIGIT.search(value):
        least = _SHORT if _SPECIAL.search(value) else 16
        return (
            _is_scrambled(value, least=least)
            or _is_wild(value)
            or _is_unreadable(value, least=16)
        )
    if _UUID.fullmatch(value):
        return takes_uuid
    if _HEX.fullmatch(value):
        return entropy_of(value) >= 2.8
    if _BOOTSTRAP.fullmatch(value):
        return sum(map(str.isdigit, value)) >= 3
    if _NUMBERLIKE.fullmatch(value) or _is_dotted(value) or _is_path(value):
        return False
    if _DATE.fullmatch(value) or value.startswith(("^", "[", "(?")):
        return False
    if _is_scrambled(value):
        return True
    segments = [part for part in _SEGMENTS.split(value) if part]
    worded = sum(len(part) for part in segments if _WORD_SEGMENT.fullmatch(part))
    return len(value) - worded >= 6 and entropy_of(value) >= 2.8


def is_uuid(value: str) -> bool:
    """
    Tell whether *value* is a UUID.
    """
    return _UUID.fullmatch(value) is not None


def is_passwordlike(value: str, *, is_quoted: bool) -> bool:
    """
    Tell whether *value* may be a password that somebody chose.

    Args:
        is_quoted: It is a text of its own, and no name of a variable.
    """
    blanks = value.count(" ")
    if not 5 <= len(value) <= 128 or (blanks and not (is_quoted and blanks == 1)):
        return False
    if _DOTTED_NAME.fullmatch(value) or _NUMBERLIKE.fullmatch(value) or _is_path(value):
        return False
    if value.startswith(("--", "**", "\\")) or value.endswith(
        ("(", "[", "{", "=>", ":")
    ):
        return False
    if _SELECTOR.fullmatch(value):
        return False
    if _LETTER.search(value) and _DIGIT.search(value):
        return not blanks
    if _LETTER.search(value) and _SPECIAL.search(value[1:]) and not blanks:
        return len(value) >= 6
    if is_quoted and len(value) >= 6 and _PLAIN.fullmatch(value):
        return True
    if is_quoted and _WORDS.fullmatch(value) and not _OF_IT.search(value):
        return True
    has_both = not value.islower() and not value[1:].islower()
    return _is_scrambled(value, least=_SHORT) or _is_unreadable(
        value, least=8 if has_both else 12
    )


def is_common(value: str) -> bool:
    """
    Tell whether *value* is what documents and default settings have for a password.
    """
    return _COMMON.fullmatch(value) is not None


def looks_chosen(value: str) -> bool:
    """
    Tell whether *value* has letters, and digits or signs among them: no word, no number, no name.
    """
    return (
        6 <= len(value) <= 128
        and _LETTER.search(value) is not None
        and (_DIGIT.search(value) or _SPECIAL.search(value)) is not None
        and not any(one.isspace() for one in value)
    )


def _is_dotted(value: str) -> bool:
    # os.environ, and none of hawk.nHAOH...: names are short.
    return _DOTTED_NAME.fullmatch(value) is not None and all(
        len(part) < _LONG_NAME for part in _JOINTS.split(value)
    )


def _is_path(value: str) -> bool:
    if "://" in value or value.startswith(("./", "../", "~/")):
        return True
    slashes = value.count("/")
    return value.startswith(("/", "@")) and slashes > 1 and len(value) < 16 * slashes


def _is_wild(value: str) -> bool:
    return " " not in value and len(set(_SIGN.findall(value))) >= 6


def _is_unreadable(value: str, *, least: int) -> bool:
    return len(value) >= least and value.isalpha() and strangeness_of(value) >= DRAWN


def _is_scrambled(value: str, *, least: int = 16) -> bool:
    # Upper and lower case change more often than words put together would have it.
    parts = _CASES.findall(value)
    return (
        len(value) >= least
        and len(parts) >= least // 4 + 1
        and len(value) <= 3.8 * len(parts)
    )
