"""
Secrets that a name gives away: ``password = ...``, ``"api_key": "..."``, ``Bearer ...``, sentences.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, NamedTuple

from gateway.detecting import Severity
from gateway_guardrails.secrets.commands import LOOSE
from gateway_guardrails.secrets.names import Kind, Name, is_of_something_else, kind_of
from gateway_guardrails.secrets.openings import NAME_CHARACTERS, Opening, rest_of
from gateway_guardrails.secrets.plain import is_plain_password, is_said_of_it
from gateway_guardrails.secrets.values import (
    entropy_of,
    is_passwordlike,
    is_placeholder,
    is_randomlike,
    is_uuid,
    looks_chosen,
)

__all__ = ["Secret", "judge_cell", "judge_value"]

_LEAST_CHARACTERS: Final = 5
#: A vendor's value of so many characters needs no sign before it.
_LONG: Final = 32
_NAME_SET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$-"
_CALL: Final = re.compile(r"\w\(|\w\[|\)$")
_CALLED: Final = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|->|::)[\w$]+)*")
#: A type of Rust, an array: &[u8].
_SLICE: Final = re.compile(r"&?\[")
#: An AWS account, and what follows it in the name of a resource.
_RESOURCE: Final = re.compile(r"(?:^|:)[0-9]{12}:")
_NEXT_PARAMETER: Final = re.compile(r"&[A-Za-z0-9_.\-]{1,32}=")
_TRAILING: Final = ".,:;?)]}"
#: Such a key may be a UUID; that of a table is one of many other things.
_VENDORS_KEY: Final = re.compile(
    r"(?i)(?!.*(?:kms|user|item|entity|object|row|ref|parent|foreign|product|order))"
    r"[a-z0-9]{2,16}_(?:[a-z0-9]{2,16}_)?key"
)
_QUOTES: Final = frozenset("\"'`")
#: All digits, as a password may be where nothing else can stand.
_NUMBER: Final = re.compile(r"[0-9]{5,16}!?")
#: with password '...': a word in quotes of its own.
_NAMED_WORD: Final = re.compile(r"(?:word|phrase|code|wd)?[ ]['\"]")
#: A word that a number was put to, as in monkey7; sha256 and base64 are names of other things.
_WORD_AND_NUMBER: Final = re.compile(
    r"(?!(?i:sha|md|aes|base|utf|oauth|pbkdf|argon|python|windows|version|chapter|test|user"
    r"|example|step|line|level|part|option|page|field|table|column|section|figure|item|release)"
    r"[-_]?[0-9])[A-Za-z]{5,16}[0-9]{1,6}!?"
)
#: Behind those a host follows: scott/tiger@db.
_BEFORE_HOST: Final = frozenset(
    {"sqlplus", "jdbc:oracle:thin:", "connect ", "impacket-"}
)
_FIRST_OF_LIST: Final = re.compile(r"[(\[{][ \t]{0,4}\\?[\"'`]?[#\w.\-]*\Z")
#: A field that something is typed into: "password").send_keys("
_FIELD: Final = re.compile(r"[\"']\)\.\w{4,9}\([\"']\Z")


class Secret(NamedTuple):
    """
    What a value was found to be.
    """

    start: int
    end: int
    type: str
    severity: Severity
    score: float


def judge_value(
    text: str, start: int, end: int, opening: Opening, value_end: int, name: Name
) -> Secret | None:
    """
    Say what the value from *opening* to *value_end* is, if it is a secret.

    Args:
        start: Where *name* begins.
        end: Where it ends.
    """
    value = text[opening.value : value_end]
    if not opening.quote:
        if text[value_end : value_end + 1] == "(" and _CALLED.fullmatch(value):
            return None  # a call
        word = value.rstrip(_TRAILING)
        if _is_word(word):
            # Most of what stands there is another name.
            if is_plain_password(text, start, end, opening, word, name):
                at = opening.value, opening.value + len(word)
                return Secret(*at, "generic_password", "critical", 0.6)
            if value.islower():
                return None
        if "&" in value:
            value = _NEXT_PARAMETER.split(value, maxsplit=1)[0]
        value = _trimmed(value)
        if name.literal in _BEFORE_HOST:
            value = value.rpartition("@")[0] or value
    if len(value) < _LEAST_CHARACTERS:
        return None
    at = opening.value, opening.value + len(value)
    if name.kind in ("bearer", "basic"):
        return _judge_header(value, *at, name.kind)
    if name.kind == "session":
        is_drawn = is_randomlike(value, least=16) and not is_placeholder(value)
        return Secret(*at, "session_id", "high", 0.7) if is_drawn else None
    if name.literal in LOOSE and not looks_chosen(value):
        return None
    if name.kind == "vendor":
        is_shown = opening.is_strong or len(value) >= _LONG
        return _judge_vendor(value, *at, name) if is_shown else None
    if name.kind == "pair":
        is_of_curl = "curl" in text[max(0, start - NAME_CHARACTERS) : start]
        return _judge_pair(value, *at, is_of_curl=is_of_curl)
    if name.kind == "jwk":
        is_key = opening.is_strong and is_randomlike(value, least=22, takes_uuid=False)
        return Secret(*at, "jwk_private_part", "critical", 0.7) if is_key else None
    before = text[max(0, start - NAME_CHARACTERS) : start]
    left = before[len(before.rstrip(_NAME_SET)) :]
    whole = left + text[start : rest_of(text, end, opening.value)].rstrip("])}*")
    kind = kind_of(name, whole, before)
    is_told = _is_told(left, name)
    between = text[end : opening.value]
    is_worded = value.islower() and value.replace("_", "").isalpha()
    if is_worded and _is_next(between):
        return None
    if is_worded and not (opening.is_strong or is_told):
        is_named = _NAMED_WORD.fullmatch(between) is not None
        if not is_named or before[-1:] in _QUOTES or is_said_of_it(value):
            return None
    if name.literal[-1] != "(" and _is_member(between, before):
        is_other = not is_randomlike(value, least=12)
    elif _is_of_call(between):
        is_other = not is_randomlike(value, least=20)
    else:
        is_other = _is_loose(between, opening) and not looks_chosen(value)
    if is_other or _RESOURCE.search(before[-13:]) or _RESOURCE.search(value):
        return None
    if kind == "secret" and between.endswith(" / "):
        kind = "password"
    if kind is None or not _fits(value, opening, kind, whole, is_told=is_told):
        return None
    if is_placeholder(value) or is_of_something_else(whole):
        return None
    told = "password" if name.kind == "password" else "credential"
    score = 0.7 if opening.is_strong else 0.6
    return Secret(*at, f"generic_{told}", "critical", score)


def judge_cell(text: str, start: int, end: int, name: Name, head: str) -> Secret | None:
    """
    Say what stands in a column that *name* is the head of, all of which is *head*.
    """
    value = text[start:end]
    kind = kind_of(name, head, head)
    if kind is None or is_of_something_else(head) or is_placeholder(value):
        return None
    if kind == "password":
        is_secret = (
            looks_chosen(value)
            and is_passwordlike(value, is_quoted=False)
            and not _CALL.search(value)
        )
        type_ = "generic_password"
    else:
        is_secret = is_randomlike(value, least=16, takes_uuid=kind != "key")
        type_ = "generic_credential"
    return Secret(start, end, type_, "critical", 0.7) if is_secret else None


def _is_word(value: str) -> bool:
    if value[:1].isdigit():
        return _NUMBER.fullmatch(value) is not None
    return value[:1].isalpha() and value.isascii() and value.replace("_", "").isalpha()


def _is_told(left: str, name: Name) -> bool:
    # An option of a command, --password, or SQL's IDENTIFIED BY: blanks are sign enough.
    return left.startswith("-") or name.literal == "identified"


def _is_next(between: str) -> bool:
    # {"password", "created_at"}: the next of a list, and no value.
    return "," in between and "(" not in between


def _is_member(between: str, before: str) -> bool:
    # ["username", "password", "email2"]: one of many, not the first of a pair.
    if "," not in between or ":" in between or "=" in between:
        return False
    is_quoted = between.lstrip(_NAME_SET)[:1] in ('"', "'", "`")
    return is_quoted and _FIRST_OF_LIST.search(before) is None


def _is_of_call(between: str) -> bool:
    # password.encode("utf-8"), but for what is typed into a field.
    is_call = "." in between and between.rstrip("\"'` ")[-1:] == "("
    return is_call and _FIELD.search(between) is None


def _is_loose(between: str, opening: Opening) -> bool:
    # A user stands between them, or "to", behind which words are no values.
    return between.endswith(" / ") or (
        not opening.is_strong and between.startswith(" to ")
    )


def _trimmed(value: str) -> str:
    # A sentence's own full stop is none of the value's; nor is a bracket that was opened before it.
    while value and value[-1] in _TRAILING:
        last = value[-1]
        opened = {")": "(", "]": "[", "}": "{"}.get(last)
        if opened and value.count(opened) >= value.count(last):
            break
        value = value[:-1]
    return value


def _fits(
    value: str, opening: Opening, kind: Kind, whole: str, *, is_told: bool
) -> bool:
    if kind == "password":
        if (
            not opening.quote
            and any(c in value for c in "()[]{}")
            and not re.search(r"[0-9]", value)
        ):
            return False
        if not opening.quote and _SLICE.match(value):
            return False
        if not opening.quote and _CALL.search(value):
            return False
        if not is_passwordlike(value, is_quoted=bool(opening.quote)):
            return False
        if opening.is_strong or is_told:
            return True
        if opening.quote:
            return len(value) >= 6
        return (
            (len(value) >= 8 and _is_mixed(value))
            or is_randomlike(value, least=10)
            or _WORD_AND_NUMBER.fullmatch(value) is not None
        )
    if not opening.is_strong and not is_told:
        if _is_mixed(value):
            return is_randomlike(value, least=10)
        return is_randomlike(value, least=20)
    if kind == "secret" and _is_mixed(value) and len(value) >= 8:
        return is_passwordlike(value, is_quoted=bool(opening.quote))
    least = 8 if kind == "secret" else 10
    if kind == "key":
        if is_uuid(value):
            return _VENDORS_KEY.fullmatch(whole) is not None
        return is_randomlike(value, least=14)
    return is_randomlike(value, least=least)


def _is_mixed(value: str) -> bool:
    kinds = (
        any(c.islower() for c in value),
        any(c.isupper() for c in value),
        any(c.isdigit() for c in value),
        any(not c.isalnum() for c in value),
    )
    return sum(kinds) >= 3 and kinds[2]


def _judge_header(value: str, start: int, end: int, kind: Kind) -> Secret | None:
    if is_placeholder(value):
        return None
    if kind == "bearer":
        if len(value) >= 16 and is_randomlike(value, least=16):
            return Secret(start, end, "bearer_token", "critical", 0.9)
        return None
    try:
        user, colon, password = base64.b64decode(
            value + "=" * (-len(value) % 4), validate=True
        ).partition(b":")
    except (ValueError, binascii.Error):
        return None
    if not colon or not password or not (user + password).isascii():
        return None
    return Secret(start, end, "basic_credentials", "critical", 0.9)


def _judge_pair(value: str, start: int, end: int, *, is_of_curl: bool) -> Secret | None:
    # The name as well: a find begins where its value does, wherever a text is cut.
    user, colon, password = value.partition(":")
    if not colon:
        return None
    secret = password or user
    is_secret = password != user and is_passwordlike(secret, is_quoted=is_of_curl)
    if not is_secret or is_placeholder(secret):
        return None
    return Secret(start, end, "user_password", "critical", 0.7)


def _judge_vendor(value: str, start: int, end: int, name: Name) -> Secret | None:
    for row, pattern in name.rows:
        if pattern.fullmatch(value) and entropy_of(value) >= row.entropy:
            if is_placeholder(value) or not any(c.isdigit() for c in value):
                return None
            return Secret(start, end, row.name, row.severity, 0.9)
    return None
