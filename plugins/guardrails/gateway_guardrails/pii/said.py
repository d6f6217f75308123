"""
Finds what is told by the words around it alone: passwords, user names, ages, bank codes.

Each word is looked for by itself, and what follows it, or stands before it, from there; so where
a text is cut makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.checks.finance import bic
from gateway_guardrails.pii.hearing import RIGHT
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.view import View

__all__ = ["BANK_CODE_LETTERS", "SECRET_STEMS", "Said"]

#: How far left of a value its word may begin: a cut text shows at least so much.
_WORD_REACH: Final = 64
_MOST_SECRET: Final = 64
_LEAST_SECRET: Final = 4
#: Behind the word: a sign or a verb, perhaps after a few more words.
_LINK: Final = (
    r"s?['\"`*_]{0,3}(?:[ ](?:on file|for (?:the |my |your |our )?[\w.\-]{1,16}|in use|number|"
    r"field|value))?[ ]?"
    r"(?::=|=>|->|[:=|\t,]|(?<=[ ])(?:is|was|to|ist|lautet|est|es|è|é)(?: now| set to)?:?)"
    r"[ ]?['\"`*]{0,3}"
)
#: Behind the word: no more than punctuation; what follows must look like a password all the more.
_LOOSE: Final = r"s?(?:[ ](?:no\.|number))?(?:[^\w\s]{0,3}[ \n\t]?[^\w\s]{0,3}[ ]?)"
_WORD: Final = (
    r"(?:pass(?:[ _\-]?(?:word|phrase|code)|wd|wort|ord)?|pwd|passe|kennwort|contrase(?:ñ|n)a|"
    r"clave|senha|wachtwoord|l(?:ö|o)senord|has(?:ł|l)o|salasana|adgangskode|parola|heslo|"
    r"jelsz(?:ó|o)|пароль|密码|密碼|パスワード|비밀번호)"
)
_SECRET: Final = re.compile(
    rf"{_WORD}{_LINK}([^\s\"'`<>|]{{1,{_MOST_SECRET}}})",
    re.IGNORECASE,
)
#: In ASCII's small letters; with True, only where no letter stands before it.
_SECRET_WORDS: Final = (
    ("pass", True),
    ("pwd", False),
    ("kennwort", False),
    ("contrase", False),
    ("clave", True),
    ("senha", True),
    ("wachtwoord", False),
    ("senord", False),
    ("salasana", False),
    ("adgangskode", False),
    ("parola", True),
    ("heslo", True),
    ("haslo", True),
)
#: Where none of these is, and no letter beyond Latin-1, no password is spoken of.
SECRET_STEMS: Final = (*(word for word, _ in _SECRET_WORDS), "jelsz")
_SECRET_WORDS_ELSEWHERE: Final = (
    "пароль",
    "Пароль",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
    "hasło",
    "jelszó",
)
_SECRET_NEXT: Final = re.compile(
    rf"{_WORD}(?![^\W\d_]){_LOOSE}([^\s\"'`<>|,;:]{{1,{_MOST_SECRET}}})", re.IGNORECASE
)
_SECRET_WORD: Final = re.compile(rf"{_WORD}(?![^\W\d_])", re.IGNORECASE)
#: "Use X as the password": the word follows.
_BEFORE_WORD: Final = re.compile(
    rf"(?:\A|[\s\"'`])([^\s\"'`<>|,;]{{6,{_MOST_SECRET}}})[\"'`]?"
    r"[ ](?:as|is|\()[ ]?(?:[a-z\-]{1,9}[ ]){0,3}\Z"
)
_AS_REACH: Final = 48
_NO_SECRET: Final = re.compile(
    r"[<{\[(%$]|.*(?:\.{3}|x{4,}|\*{3}|_{3})|(?:null|none|true|false|undefined|string|required|"
    r"your|change|example|process\.env|os\.|env\.|getenv|self\.|this\.|config\.|settings\.|"
    r"request\.|args\.|params\.|options\.|input|https?:)|[A-Za-z_][\w.]*[(\[]|[\d.,:/\-]+\Z",
    re.IGNORECASE,
)
_SYMBOLS: Final = frozenset("!@#$%^&*?+~=")
_USER: Final = re.compile(
    r"(?:user[ _\-]?(?:name|id)|login(?:[ _\-]?name)?|benutzername|nom d'utilisateur|usuario)"
    r"['\"]?[ ]?(?::=|[:=])[ ]?['\"]?([A-Za-z][A-Za-z0-9._\-]{0,31})",
    re.IGNORECASE,
)
_USER_WORDS: Final = (
    ("user", True),
    ("login", True),
    ("benutzername", False),
    ("nom d'utilisateur", False),
    ("usuario", True),
)
_AGE_AFTER: Final = re.compile(
    r"(?:aged?|alter|edad)['\"]?[ ]?[:=]?[ ]?(?:is |of )?['\"]?([0-9]{1,3})(?![\w.])",
    re.IGNORECASE,
)
_AGE: Final = re.compile(
    r"(?<![\w.])[0-9]{1,3}(?:[ \-]?(?:years?|yrs?)[ \-](?:old|of age)|[ ]?y/?o)\b"
)
_AGE_OPEN: Final = re.compile(
    r"[0-9]{1,3}[ \-]?[a-z/]{0,6}(?:[ \-][a-z]{0,3}(?:[ ][a-z]{0,3})?)?\Z"
)
#: Without as many capitals there is no bank code.
BANK_CODE_LETTERS: Final = "[A-Z]{8}"
_CAPITALS: Final = "A" * 8
_BANK_CODE: Final = re.compile(rf"{BANK_CODE_LETTERS}(?:[A-Z]{{3}})?(?![A-Za-z0-9])")


class Said:
    """
    Finds passwords, user names, ages, and bank codes without digits.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        numbers = {kind.name: number for number, kind in enumerate(kinds)}
        self._password = numbers.get("PASSWORD")
        self._user = numbers.get("USERNAME")
        self._age = numbers.get("AGE")
        self._bank = numbers.get("SWIFT_BIC")
        self._said = sum(
            1 << number for number, kind in enumerate(kinds) if kind.family == "said"
        )

    def scan(
        self, view: View, low: int, high: int, spoken: int, out: list[Candidate]
    ) -> int:
        """
        Add what begins from *low* to *high* to *out*; return where what is not decided begins.

        Args:
            spoken: The kinds whose words are near.
        """
        size = len(view.text)
        undecided = size
        if spoken & self._said:
            lowered = view.ascii[max(0, low - _WORD_REACH) : high].lower()
            offset = max(0, low - _WORD_REACH)
            if self._password is not None:
                at = self._passwords(view, offset, lowered, out)
                undecided = min(undecided, at)
            if self._user is not None:
                for at in _places(lowered, _USER_WORDS, offset):
                    self._after(view, _USER.match(view.text, at), self._user, out)
            if self._age is not None:
                self._ages(view, offset, lowered, high, out)
        if not view.final and high == size:
            undecided = min(undecided, self._open(view))
        if self._bank is not None:
            has_words = bool(spoken >> self._bank & 1)
            if has_words or not view.final:
                at = self._banks(view, low, high, has_words, out)
                undecided = min(undecided, at)
        return undecided

    def _add(self, out: list[Candidate], start: int, end: int, kind: int) -> None:
        out.append(
            Candidate(start, end, kind, is_told=True, odds=self._kinds[kind].odds)
        )

    def _passwords(
        self, view: View, offset: int, lowered: str, out: list[Candidate]
    ) -> int:
        text = view.text
        undecided = len(text)
        kind = self._password
        places = list(_places(lowered, _SECRET_WORDS, offset))
        if lowered.find("?") >= 0:  # what is not ASCII
            end = offset + len(lowered)
            for word in _SECRET_WORDS_ELSEWHERE:
                places += _every(text, word, offset, end)
        for at in places:
            for pattern, least in ((_SECRET, 1), (_SECRET_NEXT, 3)):
                match = pattern.match(text, at)
                if match is None:
                    continue
                start, end = match.span(1)
                if end == len(text) and not view.final:
                    undecided = min(undecided, start)
                elif kind is not None:
                    end = start + len(_trimmed(match.group(1)))
                    value = text[start:end]
                    is_whole = not _goes_on(text, match.end())
                    if is_whole and _is_secret(value) and _sorts(value) >= least:
                        self._add(out, start, end, kind)
            low = max(0, at - _MOST_SECRET - _AS_REACH)
            is_word = _SECRET_WORD.match(text, at) is not None
            before = _BEFORE_WORD.search(text, low, at) if is_word else None
            if before is not None and kind is not None and _is_mixed(before.group(1)):
                self._add(out, before.start(1), before.end(1), kind)
        return undecided

    def _after(
        self, view: View, match: re.Match[str] | None, kind: int, out: list[Candidate]
    ) -> None:
        """
        Add the value that a word is followed by; a value that may grow waits as a last token.
        """
        if match is None:
            return
        start, end = match.span(1)
        value = match.group(1)
        is_whole = view.final or end < len(view.text)
        if is_whole and len(value) > 2 and not view.text[end : end + 1].isalnum():
            self._add(out, start, end, kind)

    def _ages(
        self, view: View, offset: int, lowered: str, high: int, out: list[Candidate]
    ) -> None:
        kind = self._age
        if kind is None:
            return
        for match in _AGE.finditer(view.text, offset, len(view.text)):
            if match.start() < high:
                self._add(out, *match.span(), kind)
        for at in _places(
            lowered, (("age", True), ("alter", True), ("edad", True)), offset
        ):
            after = _AGE_AFTER.match(view.text, at)
            if after is not None and (view.final or after.end() < len(view.text)):
                self._add(out, *after.span(1), kind)

    def _banks(
        self, view: View, low: int, high: int, has_words: bool, out: list[Candidate]
    ) -> int:
        text = view.ascii
        undecided = len(text)
        kind = self._bank
        first = low if has_words else max(low, len(text) - RIGHT - 16)
        if kind is None or view.skeleton.find(_CAPITALS, first, high) < 0:
            return undecided
        for match in _BANK_CODE.finditer(text, first, high):
            start, end = match.span()
            if text[start - 1 : start].isalnum() or not bic(match.group()):
                continue
            heard = view.hearing.hear(start, end, 1 << kind)
            if heard.is_open:
                undecided = min(undecided, start)
            elif heard.mask:
                self._add(out, start, end, kind)
        return undecided

    def _open(self, view: View) -> int:
        """
        Return where something begins that the next words may make a password, or an age.
        """
        text = view.text
        size = len(text)
        undecided = size
        if self._password is not None:
            for end in _ends_before_as(text):
                token = text[max(0, end - _MOST_SECRET - 2) : end].rstrip("\"'`")
                token = re.split(r"[\s\"'`<>|,;]", token)[-1]
                if _LEAST_SECRET < len(token) <= _MOST_SECRET and _is_mixed(token):
                    quoted = text[end - 1] in "\"'`"
                    undecided = min(undecided, end - quoted - len(token))
        if self._age is not None:
            age = _AGE_OPEN.search(text, max(0, size - 24))
            if age is not None:
                undecided = min(undecided, age.start())
        return undecided


def _places(
    lowered: str, words: Iterable[tuple[str, bool]], offset: int
) -> Iterable[int]:
    """
    Yield where *words* stand, as places of the text that *lowered* is a piece of.
    """
    for word, begins in words:
        at = lowered.find(word)
        while at >= 0:
            if not begins or not at or not lowered[at - 1].isalpha():
                yield offset + at
            at = lowered.find(word, at + 1)


def _every(text: str, word: str, low: int, high: int) -> Iterable[int]:
    at = text.find(word, low, high)
    while at >= 0:
        yield at
        at = text.find(word, at + 1, high)


def _ends_before_as(text: str) -> Iterable[int]:
    """
    Yield where tokens end that "as the password" may be said of.
    """
    size = len(text)
    for tail in (" ", " a", " as", " i", " is", " ("):
        if text.endswith(tail):
            yield size - len(tail)
    low = max(0, size - _AS_REACH)
    for link in (" as ", " is ", " ("):
        at = text.rfind(link, low)
        if at >= 0:
            yield at


def _trimmed(value: str) -> str:
    """
    Return *value* without what ends the sentence or the field that it stands in.
    """
    return value.rstrip(".,;:)}]*_")


def _goes_on(text: str, end: int) -> bool:
    return end < len(text) and not text[end].isspace() and text[end] not in "\"'`<>|"


def _sorts(value: str) -> int:
    """
    Count the sorts of characters: small letters, capitals, digits, others.
    """
    return (
        any(one.islower() for one in value)
        + any(one.isupper() for one in value)
        + any(one.isdigit() for one in value)
        + any(not one.isalnum() for one in value)
    )


def _is_mixed(value: str) -> bool:
    """
    Tell what `_is_secret` does where the word for it follows: then it must have a digit.
    """
    return any(one.isdigit() for one in value) and _is_secret(value)


def _is_secret(value: str) -> bool:
    """
    Tell whether *value* looks like a password that somebody has, not a word or a placeholder.
    """
    if len(value) < _LEAST_SECRET or _NO_SECRET.match(value):
        return False
    has_letter = any(one.isalpha() for one in value)
    if not has_letter:
        return False
    if any(one.isdigit() for one in value):
        return True
    inner = value[1:]
    if any(one in _SYMBOLS for one in value):
        return len(value) >= 6
    return len(value) >= 8 and inner != inner.lower() and inner != inner.upper()
