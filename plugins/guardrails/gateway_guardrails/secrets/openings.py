r"""
Where the value of a name may begin, and how far it goes.

What may stand between a name and its value has two forms: a strong one with a sign (``=``, ``:``,
``is``), and a weak one of blanks alone, after which a value must look it.  Nothing hangs on what
stands further left than `REACH` characters.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway_guardrails.columns import CONTEXT_CHARACTERS
from gateway_guardrails.secrets.commands import BY_COMMAND, BY_PLACE
from gateway_guardrails.secrets.names import Kind, Name, stands_alone

__all__ = [
    "CROWD",
    "CROWD_CHARACTERS",
    "NAME_CHARACTERS",
    "OPENING_CHARACTERS",
    "PHRASES",
    "PHRASES_CHARACTERS",
    "REACH",
    "Opening",
    "is_said",
    "openings",
    "rest_of",
    "value_end",
]

#: Characters that a name and what follows it take, up to the value; and those left of the name.
OPENING_CHARACTERS: Final = 96
NAME_CHARACTERS: Final = 32
#: Of names that stand closer than six in so many characters, those behind the sixth are none:
#: nobody writes so, and a text of nothing else would take long.
CROWD_CHARACTERS: Final = 64
CROWD: Final = 6
#: The same of names of seed phrases, behind each of which hundreds of characters are read.
PHRASES_CHARACTERS: Final = 256
PHRASES: Final = 4
REACH: Final = max(
    OPENING_CHARACTERS + max(NAME_CHARACTERS, CROWD_CHARACTERS + 16),
    CONTEXT_CHARACTERS,
)
_QUOTED_BLANKS: Final = 2


class Opening(NamedTuple):
    """
    Where a value begins.

    Attributes:
        quote: What the value ends with; "" if it is bare.
        is_strong: A sign stands before it, not blanks alone.
    """

    value: int
    quote: str
    is_strong: bool


# Taken whole or not at all (the +), so that what does not match is left at once.
_REST: Final = r"[A-Za-z0-9_.\-]{0,24}+"
_CLOSE: Final = r"""(?:&quot;|[\])}*]{0,2}\\{0,3}["'`]?[\])}*]{0,2})"""
_FURTHER: Final = r"""(?:[ \t]["']?[A-Za-z0-9_.\-/()@]{1,16}+["']?){0,4}?"""
_QUOTE: Final = r"""(?:&quot;|(?:[bBuUrRfF@$]{1,2})?\\{0,3}(?:"{3}|'{3}|["'`])|)"""
_SCHEME: Final = (
    r"(?:(?:Bearer|Token|Api-?Token|Api-?Key|NTLM|Negotiate|OAuth)[ \t]{1,4})?"
)
_EQUALS: Final = (
    r"(?:=>|!==?|===?|=|:=|:-|\?=|\|\|=?|:{1,2}=?|\uff1a|->|<-|\.{3,40})"
    r"[ \t]{0,8}(?:=[ \t]{0,2})?"
)
_IS: Final = r"(?:is[t]?|was|are|be(?:en)?|este?|es|c'est|lautet|è|é|jest|är|er|je)"
_NOW: Final = (
    r"(?:now|still|currently|just|simply"
    r"|(?:set|changed|reset|updated)[ \t](?:back[ \t])?to)"
)
# Marks of bold text and elements that end, or begin, between a name and its value.
_MARKUP: Final = (
    r"(?:(?:(?:\*{1,2}|__)[ \t]|</[A-Za-z]{1,8}>)[ \t]{0,4}"
    r"(?:<[A-Za-z]{1,8}>[ \t]{0,2})?)?"
)
# The next element of a list of pairs: <key>password</key> <string>...</string>
_ELEMENT: Final = (
    r"</[a-z]{1,8}>\s{0,30}<(?:string|value|data|td|dd)"
    r"(?:[ \t][^<>\n]{0,24})?>[ \t]{0,4}"
)
# The next member of a record: {"name": "DB_PASSWORD", "value": "..."}; Spring's beans have
# <property name="password"><value>...
_MEMBER: Final = (
    r"""[ \t]{0,4},\s{0,24}["']?\w{0,16}(?:value|default)["']?[ \t]{0,4}[:=]>?[ \t]{0,4}"""
    r"|/?>\s{1,30}<value>|><value>"
)
# A fallback: getenv("TOKEN") or "...", environ.get("TOKEN", "...") ?? '...'
_OTHERWISE: Final = r"""[ \t]{1,4}(?:or|\?\?)[ \t]{1,4}(?=["'`])"""
# CloudFormation: DbPassword: Type: String Default: ...
_PARAMETER: Final = (
    r":[ \t]{0,4}\r?\n[ \t]{1,12}(?:[A-Za-z]{2,20}:[^\n]{1,32}\n[ \t]{1,12}){0,2}"
    r"Default:[ \t]{1,4}"
)
# Terraform: variable "password" { default = "..." }
_DEFAULT: Final = (
    r"[ \t]{0,4}\{\s{1,12}(?:[a-z]{2,12}[ \t]{0,12}=[^=\n]{1,40}\n\s{0,12}){0,2}"
    r"default[ \t]{0,12}=[ \t]{0,4}"
)
# Attributes of the element, or those behind the one that has the name:
# <Pass encoding="base64">, <entry key="password" type="string">
_ATTRIBUTES: Final = (
    r"(?:[ \t]{1,4}(?!value|default|content|pass|pw)[A-Za-z][\w:.\-]{0,24}+="
    r"""(?:"[^"<>\n]{0,40}+"|'[^'<>\n]{0,40}+')){1,3}+[ \t]{0,2}>[ \t]{0,4}"""
)
_SIGN: Final = (
    r"(?:"
    rf"{_ATTRIBUTES}|{_PARAMETER}|{_MEMBER}|{_OTHERWISE}"
    rf"|[ \t]{{0,8}}{_EQUALS}"
    rf"|</[A-Za-z]{{1,8}}>[ \t]{{0,2}}[:=][ \t]{{0,4}}"
    rf"|[ \t]{{1,4}}{_IS}(?:[ \t]{{1,2}}{_NOW})?"
    r"[ \t]{0,2}[:=]?[ \t]{1,4}"
    r"|\s{1,30}(?:value|default)[\"']?[ \t]{0,4}[:=]>?[ \t]{0,4}"
    r"|>[ \t]{0,4}|[ \t]\|[ \t]{1,4}|[ \t]{1,20}-{1,6}>?[ \t]{1,8}"
    r"|%3[Dd]|%3[Aa]|\\u003[dD]|[ \t]{0,2}(?:是|为|は|는|은)[ \t]{0,2}"
    rf"|{_ELEMENT}|{_DEFAULT}"
    r")"
)
_FLAGS: Final = re.ASCII | re.IGNORECASE
_STRONG: Final = re.compile(
    _REST
    + r"(?:\[[0-9A-Z_]{0,12}\])?"
    + _CLOSE
    + _FURTHER
    + r"(?:"
    + _CLOSE
    + _SIGN
    + _MARKUP
    # A value in a call or in brackets is one only in quotes: getenv("TOKEN", "..."), ("...").
    + r"""(?:(?:[A-Za-z_][\w.:]{1,30})?\("""
    + r"""(?:["'][^"'\n]{0,40}["'][ \t]{0,2},[ \t]{0,2})?(?=["'`]))?"""
    + _QUOTE
    + _SCHEME
    # An argument is one only in quotes: setPassword("..."), define('PASSWORD', '...').
    + r"""|\\{0,2}["'`]?[ \t]{0,4}(?:,[ \t]{0,8}\\{0,2}["'`]|\([ \t]{0,2}["'`])"""
    # Typed into a field: find_element(By.ID, "password").send_keys("...").
    + r"""|["']\)\.(?:send_?keys|fill|type)\(["'])""",
    _FLAGS,
)
# With a type, as in Scala, Rust and Python: password: str = "...".
_TYPED: Final = re.compile(
    _REST
    + r"[ \t]{0,4}:[ \t]?(?:&(?:'[a-z]{1,8}[ \t])?)?"
    + r"[A-Za-z][A-Za-z0-9_.\[\]|?]{0,20}[ \t]{0,4}=[ \t]{0,4}"
    + _QUOTE,
    _FLAGS,
)
# With the user in front of it: credentials: admin / ...
_PAIRED: Final = re.compile(
    _REST
    + _CLOSE
    + _FURTHER
    + r"[ \t]{0,2}[:=][ \t]{0,4}[A-Za-z0-9_.@+\-]{1,40}+ / "
    + _QUOTE,
    _FLAGS,
)
_WEAK: Final = re.compile(
    r"[A-Za-z0-9_\-]{0,16}+[\"']?(?:[ \t]{1,4}\(?"
    r"|:?[ \t]{0,4}(?:[|>][+-]?)?\r?\n(?:[-=_]{3,24}\r?\n|\r?\n)?[ \t]{0,8}(?:-[ \t]{1,4})?)"
    r"(?:(?:by|as|to|with[ \t]{1,2}[A-Za-z_]{1,30}[ \t]{1,2}by)[ \t]{1,4})?(?:pass:)?"
    rf"""(?:(?=["'`\\&$@]|[bBuUrRfF]["'`]){_QUOTE}|(?=[A-Za-z0-9_.\-~+/=:%@$!?#&*^|]{{0,64}}(?:[0-9:]|[a-z][A-Z])))""",
    _FLAGS,
)


_BARE: Final = re.compile(r"[ \t]{0,8}" + _QUOTE, _FLAGS)
_AFTER: Final = re.compile(_REST + r"[\])}*]{0,2}", _FLAGS)
_MAY_FOLLOW: Final = frozenset(" \t\n\r=:>|,(-!?%\\\"'`&<[\uff1a是为は는은")
_LINE_SIGN: Final = re.compile(
    r"""[=:|>]|[ \t]-|--|<-|\.{3}|["'`][ \t]{0,4},|\([ \t]{0,2}["'`]"""
    rf"|\s(?:{_IS}|or|\?\?)[ \t:=]",
    _FLAGS,
)
#: Without one of these, and of those, there is no such sign.
_SIGN_CHARACTER: Final = re.compile(r"[=:|>\-\"'`(]")
#: All that a strong form has on the next line.
_NEXT_LINE: Final = re.compile(r"\s{1,30}(?:value|default)", _FLAGS)
#: Words that are such a sign, and at how many blanks from the name the last of them may stand.
_LINKS: Final = frozenset(
    (
        *("is", "ist", "was", "are", "es", "est", "este", "c'est", "lautet", "è", "é"),
        *("jest", "är", "er", "je", "be", "been"),
    )
)
_LINK_BLANKS: Final = 9
#: All that a strong form has behind a comma.
_NEXT_ARGUMENT: Final = re.compile(
    r""",(?:[ \t]{0,8}\\{0,2}["'`]|\s{0,24}\w{0,16}(?:value|default))""", re.IGNORECASE
)
#: A word in small letters and no value: most of what stands behind a name in prose.
_NEXT_WORD: Final = re.compile(r"[ \t]{1,4}([a-z][a-z_]{0,60}+)[ \t\r\n,;]")
_BEFORE_VALUE: Final = frozenset({"by", "as", "to", "with"})
_SAID: Final = re.compile(
    rf"[ \t]{_IS}(?:[ \t]{{1,2}}{_NOW})?[ \t]{{0,2}}[:=]?[ \t]{{1,4}}[\"'`]?\Z", _FLAGS
)
_BARE_END: Final = re.compile(r"""[^\s"'`<>,;|(){}\[\]\\&=]{0,510}={0,2}""")
_BARE_PASSWORD_END: Final = re.compile(r"""[^\s"'`<>,;|\\]{0,257}""")
_QUOTED_END: Final = {
    **{q: re.compile(rf"(?:[^{q}\n\\]|\\[^\n]){{0,512}}") for q in "\"'`"},
    # Behind an escaped quote, the next backslash ends the value.
    **{f"\\{q}": re.compile(rf"[^{q}\n\\]{{0,512}}") for q in "\"'`"},
    "&": re.compile(r"[^&\n\"]{0,512}"),
}


def openings(text: str, start: int, end: int, name: Name) -> list[Opening]:
    """
    Return where values may begin behind *name*, which stands from *start* to *end*.

    Each form is looked for by itself: which one holds may not hang on what is still to come.
    """
    if not stands_alone(text, start, end, name) or text.startswith("-----", end):
        return []  # armour: PUBLIC KEY-----
    limit = start + OPENING_CHARACTERS
    if name.literal[-1] == " " and name.literal not in BY_COMMAND:
        bare = _BARE.match(text, end, limit)
        return [_opening(text, bare.end() if bare else end, is_strong=True)]
    command = BY_COMMAND.get(name.literal)
    if command is not None:
        option = command.match(text, end, limit)
        return [_opening(text, option.end(), is_strong=True)] if option else []
    by_place = BY_PLACE.get(name.literal)
    if by_place is not None:
        argument = by_place.match(text, end, limit)
        return [_opening(text, argument.end(), is_strong=True)] if argument else []
    after = _AFTER.match(text, end, limit)
    at = after.end() if after else end
    follows = text[at : at + 1]
    if follows not in _MAY_FOLLOW or not follows:
        return []
    found = []
    if _may_have_sign(text, at, limit):
        strong = _STRONG.match(text, end, limit)
        if strong is not None:
            found.append(_opening(text, strong.end(), is_strong=True))
        if text.find(" / ", at, limit) >= 0:
            paired = _PAIRED.match(text, end, limit)
            if paired is not None:
                found.append(_opening(text, paired.end(), is_strong=True))
        if follows == ":":
            typed = _TYPED.match(text, end, limit)
            if typed is not None:
                found.append(_opening(text, typed.end(), is_strong=True))
    if follows in " \t\r\n:\"'" and not _is_before_word(text, at):
        weak = _WEAK.match(text, end, limit)
        if weak is not None:
            found.append(_opening(text, weak.end(), is_strong=False))
    return found


def is_said(between: str) -> bool:
    """
    Tell whether a sentence says the value: ``is``, ``was set to`` stand between it and its name.
    """
    return _SAID.search(between) is not None


def _may_have_sign(text: str, start: int, end: int) -> bool:
    """
    Tell whether a sign may stand behind a name that ends at *start*, the cheaper questions first.
    """
    follows = text[start]
    if follows in "\r\n":
        return _NEXT_LINE.match(text, start, end) is not None
    if follows == ",":
        return _NEXT_ARGUMENT.match(text, start, end) is not None
    if follows in "?!":
        return text[start + 1 : start + 2] == "="
    if follows != " ":
        return True
    has_sign = (
        _SIGN_CHARACTER.search(text, start, end) is not None
        or text.find("...", start, end) >= 0
        or _has_link(text[start:end].lower())
    )
    return has_sign and _LINE_SIGN.search(text, start, end) is not None


def _has_link(after: str) -> bool:
    words = after.replace("\t", " ").split(" ", _LINK_BLANKS)
    return not _LINKS.isdisjoint(words[:_LINK_BLANKS])


def _is_before_word(text: str, start: int) -> bool:
    """
    Tell whether a plain word follows, of which `assignments.judge_value` would say that it is none.
    """
    word = _NEXT_WORD.match(text, start)
    return word is not None and word[1] not in _BEFORE_VALUE


def _opening(text: str, value: int, *, is_strong: bool) -> Opening:
    last = text[value - 1 : value]
    if last in "\"'`":
        is_escaped = text[value - 2 : value - 1] == "\\"
        return Opening(value, f"\\{last}" if is_escaped else last, is_strong)
    quote = "&" if text[value - 6 : value] == "&quot;" else ""
    return Opening(value, quote, is_strong)


def value_end(text: str, opening: Opening, kind: Kind, limit: int) -> tuple[int, bool]:
    """
    Return where the value ends, and whether more text could move that.

    Args:
        limit: Where the text ends that is there; beyond it if no more will come.
    """
    pattern = _QUOTED_END.get(opening.quote)
    if pattern is None:
        pattern = _BARE_PASSWORD_END if kind == "password" else _BARE_END
    found = pattern.match(text, opening.value)
    end = found.end() if found else opening.value
    # A backslash at the end escapes what is not there yet.
    is_open = end >= limit or (end + 1 == limit and text[end : end + 1] == "\\")
    if opening.quote and text.count(" ", opening.value, end) > _QUOTED_BLANKS:
        return opening.value, False  # a sentence
    return end, is_open


def rest_of(text: str, end: int, value: int) -> int:
    """
    Return where the word ends that a name is part of, which ends at *end*.
    """
    rest = _AFTER.match(text, end, value)
    return rest.end() if rest else end
