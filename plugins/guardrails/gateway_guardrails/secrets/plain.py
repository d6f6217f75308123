"""
Passwords that are one word: nothing but the place tells them from other words.

``DB_PASS=whiteduke`` is a line of an environment, ``Uid=app;Pwd=whiteduke`` one of a data source,
``the password is whiteduke.`` a sentence; ``password = whiteduke`` may be a program's.
"""

from __future__ import annotations

import re
from typing import Final

from gateway_guardrails.secrets.commands import BY_COMMAND, LOOSE
from gateway_guardrails.secrets.names import Name, is_of_something_else
from gateway_guardrails.secrets.openings import NAME_CHARACTERS, Opening, is_said
from gateway_guardrails.secrets.values import is_common, is_placeholder

__all__ = ["is_plain_password", "is_said_of_it"]

_LEAST_CHARACTERS: Final = 5
_LEAST_LETTERS: Final = 6
_NAME_SET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$-"
#: Another pair in front of it: of a data source's description, Uid=app; or of a query, user=app&
_PAIR_BEFORE: Final = re.compile(r"=[^\s=;&\"']{1,24}(?:;[ ]?|&)\Z")
#: The user in front of it: user=app, username: app, and in ~/.netrc machine db login app
_USER_BEFORE: Final = re.compile(
    r"(?i)\b(?:(?:user(?:name)?|login|uid|id)[ ]?[:=][ ]?|(?:login|user)[ ])"
    r"[\w.@+\-]{1,24},?[ \t]{1,4}\Z"
)
#: What stands before a name that begins a line: a list's dash, a word or two.
_LINE_START: Final = re.compile(
    r"(?:\A|(?P<above>[^\r\n]?)[ \t]{0,4}\r?\n)[ \t]{0,16}(?:[-*>][ \t]|\*\*)?"
    r"(?:[A-Za-z]{2,12}[ \t]){0,2}[\"']?\Z"
)
#: What goes on in a line above, or in the next: a list of a program.
_GOES_ON: Final = frozenset(",({[;=>")
#: A name's own end and the sign of settings: `password: ` and `password=`, not `password = `.
_SETTING: Final = re.compile(r"[\"'*]{0,2}(?::(?:\*\*)?[ \t]{1,8}|=)\Z")
#: A number is one only behind a name that ends there: not password_age=90000.
_ENDS: Final = re.compile(
    r"(?i)(?:word|phrase|code|wd|wort)?[\"'*]{0,3}(?:[=:]|[ ](?:\S{1,8}[ ]?:?[ ]?)?\Z)"
)
_MARKUP: Final = re.compile(r"[A-Za-z0-9_.\-]{0,24}>\Z")
#: What is said of passwords, and kinds of values, where one could stand.
_SAID_OF_IT: Final = frozenset(
    """
    account across administrator afterwards against almost alphanumeric already always
    another anywhere around bcrypt because before behind better between beyond binary
    boolean buffer central changeme characters ciphertext cleartext client common
    complex config correct credential credentials critical crucial database default
    despite different digest digits easier either enough environ essential everywhere
    example follow follows forever getpass global harder hidden himself identical
    important incorrect insecure inside instead integer invalid itself kerberos keychain
    letters little longer mandatory mypassword myself necessary neither newpassword
    nonnull nowhere number numeric nvarchar object oldpassword optional output outside
    overdue passcode passphrase passwd password passwords perhaps plaintext please
    private prompt public random rather record sample scrypt second secret secure seldom
    server session shorter similar simple somehow someone sometimes somewhere source
    static strings strong struct system target thanks theirs though through together
    tomorrow tonight toward unicode unique unknown unsafe username userpassword varchar
    whatever within without written yesterday yourpassword
    """.split()
)
#: How words end that are said of a thing: stored, changing, safely, readable, useful.
_TELLS: Final = re.compile(
    r"(?:ed|ing|ly|able|ible|ful|less|ous|ive|ised|ized|tion|ent)\Z"
)


def is_plain_password(
    text: str, start: int, end: int, opening: Opening, value: str, name: Name
) -> bool:
    """
    Tell whether *value*, a word behind *name*, stands where a password does.

    Args:
        start: Where *name* begins.
        end: Where it ends.
    """
    least = _LEAST_LETTERS if value.isalpha() else _LEAST_CHARACTERS
    is_secret = name.literal == "secret"
    if (name.kind != "password" and not is_secret) or len(value) < least:
        return False
    if is_placeholder(value) or is_common(value):
        return False
    before = text[max(0, start - NAME_CHARACTERS) : start]
    left = before[len(before.rstrip(_NAME_SET)) :]
    told = (left + text[start : opening.value]).partition("=")[0].strip()
    if is_of_something_else(told) or _repeats(told, value):
        return False
    between = text[end : opening.value]
    before = before[: len(before) - len(left)]
    after = text[opening.value + len(value) :][:1]
    if value[0].isdigit() and _ENDS.match(between) is None:
        return False
    if _is_among_values(told, between, before, after):
        return True
    is_shown = between.endswith("=")
    if is_said_of_it(value, is_sentence=not is_shown):
        return False
    if is_said(between):
        is_verb = told.startswith("pass ")
        return after in " .,!;)\"'\r\n" and not is_verb
    if not is_shown and (is_secret or (value.isalpha() and not value[1:].islower())):
        return False
    if left.startswith("--"):
        return is_shown
    is_command = name.literal in BY_COMMAND or name.literal[-1] == " "
    if is_command and name.literal not in LOOSE:
        return True
    if _MARKUP.match(between) is not None:
        return after == "<"
    return _is_own_line(before, between, after)


def is_said_of_it(value: str, *, is_sentence: bool = True) -> bool:
    """
    Tell whether *value* is a word that is said of a password, rather than one: required, string.

    Args:
        is_sentence: Words that end as what is said of things do are none either.
    """
    word = value.lower()
    if word in _SAID_OF_IT:
        return True
    return is_sentence and _TELLS.search(word) is not None


def _repeats(told: str, value: str) -> bool:
    return value.replace("_", "") in told.replace("_", "").lower()


def _is_among_values(told: str, between: str, before: str, after: str) -> bool:
    is_environment = told.isupper() and "_" in told
    if between[-1:] == "=" and (is_environment or _PAIR_BEFORE.search(before)):
        return True
    if between[-1:] == " " and is_environment and before.endswith("ENV "):
        return True
    return after in " \r\n" and _USER_BEFORE.search(before) is not None


def _is_own_line(before: str, between: str, after: str) -> bool:
    if after not in "\r\n" or _SETTING.search(between) is None:
        return False
    line = _LINE_START.search(before)
    return line is not None and line["above"] not in _GOES_ON
