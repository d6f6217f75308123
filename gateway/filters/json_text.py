"""
Running text that is JSON: where its strings and numbers stand, so that edits leave it JSON.

Models are asked for JSON in many ways, or write it unasked, so that a text tells by itself: it is
JSON for as long as it reads as JSON from its first character on, behind a fence of backticks at
most (RFC 8259, section 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple, Self

import attrs

from gateway import codec
from gateway.dialects.shapes import json_token
from gateway.filters.edits import Edit
from gateway.views import is_whole_number

__all__ = ["JsonPlaces", "JsonText", "decoded"]

_Expects = Literal[
    "start", "fence", "fenced", "value", "element", "member", "key", "colon", "next"
]
#: A character in a string, or one escaped; not an escape that breaks off.
_UNIT: Final = r"\\(?:u[0-9a-fA-F]{4}|u(?![0-9a-fA-F]{0,3}\Z)|[^u])"
# So many at a time, since each takes 200 bytes; a possessive group would take none, but before
# Python 3.11.5 it forgets its other branches.
_INSIDE: Final = re.compile(rf'[^"\\]*+(?:{_UNIT}[^"\\]*+){{0,1000}}', re.DOTALL)
_ESCAPED: Final = re.compile(_UNIT, re.DOTALL)
_SPECIAL: Final = re.compile(r'["\\]')
_BLANK: Final = re.compile(r"[ \t\r\n\ufeff]*+")
_FENCE: Final = re.compile(r"[`\w]++")
_BARE: Final = re.compile(r"[-+.\w]++")
_LITERAL: Final = re.compile(
    r"[-+]?[\d.]+(?:[eE][-+]?\d+)?|true|false|null|NaN|-?Infinity", re.ASCII
)
#: Escapes that stand for white space, which no find begins with.
_SPACES: Final = frozenset({r"\n", r"\r", r"\t", r"\f", r"\b"})
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
#: Characters of a number for whose end the rest of a text waits.
_LONGEST: Final = 128


class _Token(NamedTuple):
    """
    What stands between quotes, or a number or a word without any.

    Attributes:
        is_whole: Both of its quotes stand beside it, or it needs none and begins here.
    """

    start: int
    end: int
    is_string: bool
    is_whole: bool


class _State(NamedTuple):
    """
    What was read: what may come next, and in what.
    """

    expects: _Expects | None = "start"
    inside: str = ""
    is_in_string: bool = False
    is_in_bare: bool = False
    is_key: bool = False


class JsonText:
    """
    Reads a running text as JSON, piece by piece.
    """

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = _State()

    @property
    def is_over(self) -> bool:
        """
        Whether the text is no JSON, or no more.
        """
        return self._state.expects is None

    def shown(self, text: str, start: int) -> int:
        """
        Return up to where *text*, read before up to *start*, can be judged: no number breaks off.
        """
        state = self._state
        if state.is_in_string and _SPECIAL.search(text, start) is None:
            return len(text)  # as nearly always
        tokens, state, at = _read(state, text, start, len(text), is_end=False)
        if state.is_in_bare and len(text) - tokens[-1].start <= _LONGEST:
            return tokens[-1].start
        return at if state.expects is not None else len(text)

    def fitted(
        self, text: str, start: int, edits: Sequence[Edit], safe: int, *, is_end: bool
    ) -> tuple[Sequence[Edit], int]:
        """
        Fit the *edits* between *start* and *safe*, and take note that this much was decided.

        Returns:
            Edits, and up to where the text is decided: not between a string's quote and what is
            undecided behind it, nor inside of an escape.
        """
        state = self._state
        if not edits and (
            safe == start
            or (state.is_in_string and _SPECIAL.search(text, start, safe) is None)
        ):
            return edits, safe
        tokens, state, at = _read(state, text, start, safe, is_end=is_end)
        if at < safe and state.expects is not None:
            if edits and edits[-1].end > at:
                unit = _ESCAPED.match(text, at)
                safe = unit.end() if unit else safe
                tokens, state, at = _read(self._state, text, start, safe, is_end=True)
            else:
                safe = at
        self._state = state
        end = at if state.expects is None else safe
        return JsonPlaces(text, tokens, end).fitted(edits) if edits else edits, safe


@attrs.frozen(repr=False)
class JsonPlaces:
    """
    Where strings and numbers stand in a text, up to its *end* as JSON.
    """

    _text: str
    _tokens: Sequence[_Token]
    _end: int

    @classmethod
    def of(cls, text: str) -> Self | None:
        """
        Read all of *text*; None if it is no JSON from its beginning to its end.
        """
        tokens, state, at = _read(_State(), text, 0, len(text), is_end=True)
        is_done = state.expects in ("start", "fence", "fenced") and at == len(text)
        return cls(text, tokens, at) if is_done and tokens else None

    def fitted(self, edits: Iterable[Edit]) -> list[Edit]:
        """
        Return *edits* so that the text is JSON still.

        What stands over several strings or numbers leaves an empty string in place of the
        further ones; punctuation alone is not edited.
        """
        out: list[Edit] = []
        tokens = self._tokens
        first = 0
        for edit in edits:
            if edit.end > self._end:
                out.append(edit)
                continue
            while first < len(tokens) and tokens[first].end <= edit.start:
                first += 1
            new = edit.new
            for token in tokens[first:]:
                if token.start >= edit.end:
                    break
                self._fit(out, token, attrs.evolve(edit, new=new))
                new = ""
        return out

    def found(self, start: int, end: int) -> tuple[int, int, str, bool]:
        """
        Return where stands what was found from *start* to *end*, and what it is.

        Returns:
            Start and end without half escapes, the words, decoded, and whether it is a number.
        """
        touched = [one for one in self._tokens if one.start < end and one.end > start]
        if len(touched) == 1:
            (token,) = touched
            if token.is_string:
                start, end = self._narrowed(token, start, end)
                return start, end, decoded(self._text[start:end]), False
            if (token.start, token.end) == (start, end):
                return start, end, self._text[start:end], True
        return start, end, self._text[start:end], False

    def _fit(self, out: list[Edit], token: _Token, edit: Edit) -> None:
        text, last = self._text, out[-1] if out else None
        if token.is_string:
            start, end = self._narrowed(token, edit.start, edit.end)
            if last is not None:
                start = max(start, last.end)
            is_all = token.is_whole and (start, end) == (token.start, token.end)
            if is_all and edit.is_number and is_whole_number(edit.new):
                out.append(Edit(start - 1, end + 1, edit.new, is_number=True))
            elif start < end:
                out.append(Edit(start, end, json_token(edit.new)[1:-1]))
        elif not token.is_whole:
            # Its beginning left, so that it can be nothing but a number.
            out.append(Edit(max(edit.start, token.start), token.end, "0"))
        else:
            before = text[token.start : max(edit.start, token.start)]
            if last is not None and last.start == token.start:
                out.pop()
                is_string = last.new[0] == '"'
                before = decoded(last.new[1:-1]) if is_string else last.new
                before = before[: len(before) - (token.end - edit.start)]
            after = text[min(edit.end, token.end) : token.end]
            new = before + edit.new + after
            if not is_whole_number(new):
                new = json_token(new)
            out.append(Edit(token.start, token.end, new))

    def _narrowed(self, token: _Token, start: int, end: int) -> tuple[int, int]:
        """
        Return what of the stretch lies in *token*, with no half of an escape.
        """
        start, end = max(start, token.start), min(end, token.end)
        if "\\" in self._text[token.start : token.end]:
            for unit in _ESCAPED.finditer(self._text, token.start, token.end):
                first, last = unit.span()
                if first < start < last:
                    start = last if unit[0] in _SPACES and last < end else first
                if first < end < last:
                    end = last
        return start, end


def decoded(inside: str) -> str:
    """
    Decode the escapes of *inside*, a part of a string; what is no escape stands for itself.
    """
    if "\\" not in inside:
        return inside
    text = _ESCAPE.sub(_unescaped, inside)
    # Two escapes may be the halves of one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _SHORT.get(match[2], match[2])


# --- reading --------------------------------------------------------------------------------


def _read(
    state: _State, text: str, at: int, end: int, *, is_end: bool
) -> tuple[list[_Token], _State, int]:
    """
    Read *text* from *at* to *end*.

    Args:
        is_end: An escape that breaks off and a quote that opens a value are read as well.

    Returns:
        Tokens, the state, and up to where was read: where it is no JSON any more, if its state
        expects nothing.
    """
    tokens: list[_Token] = []
    if at >= end or state.expects is None:
        return tokens, state, at
    inside, is_key = state.inside, state.is_key
    expects: _Expects | None = state.expects
    begun = at if state.is_in_string else -1
    is_opened = False
    if state.is_in_bare:
        bare = _BARE.match(text, at, end)
        if bare is not None:
            tokens.append(_Token(at, bare.end(), False, False))
            at = bare.end()
        if at == end:
            return tokens, state, at
    while at < end or begun >= 0:
        if begun >= 0:
            stop = _inside(text, at, end)
            is_closed = stop < end and text[stop] == '"'
            if stop < end and not is_closed and is_end:
                stop = end  # an escape that breaks off
            if stop > begun:
                tokens.append(_Token(begun, stop, True, is_opened and is_closed))
            if not is_closed:
                return tokens, _State(expects, inside, True, False, is_key), stop
            at, begun = stop + 1, -1
            expects = "colon" if is_key else "next"
            continue
        at = _BLANK.match(text, at, end).end()  # type: ignore[union-attr]
        if at == end:
            break
        one = text[at]
        if one == '"' and expects in ("value", "element", "member", "key"):
            is_key = expects in ("member", "key")
            if at + 1 == end and not is_end and not is_key:
                break
            at += 1
            begun, is_opened = at, True
            continue
        bare = _BARE.match(text, at, end)
        if bare is not None and expects in ("value", "element"):
            is_cut = bare.end() == end and not is_end
            if not is_cut and _LITERAL.fullmatch(bare[0]) is None:
                return tokens, _State(None), at
            tokens.append(_Token(at, bare.end(), False, True))
            at, expects = bare.end(), "next"
            if is_cut:
                return tokens, _State(expects, inside, False, True), at
            continue
        expects, inside, at = _marked(expects, inside, text, at, end)
        if expects is None:
            return tokens, _State(None), at
    return tokens, _State(expects, inside), at


def _inside(text: str, at: int, end: int) -> int:
    """
    Return where a string ends, or breaks off, in which *at* stands.
    """
    while True:
        stop = _INSIDE.match(text, at, end).end()  # type: ignore[union-attr]
        if stop in (at, end) or text[stop] == '"':
            return stop
        at = stop


def _marked(
    expects: _Expects | None, inside: str, text: str, at: int, end: int
) -> tuple[_Expects | None, str, int]:
    """
    Read a mark of structure, or of a fence; what is expected is None if there is none.
    """
    one, top = text[at], inside[-1:]
    if one in "{[" and expects in ("value", "element", "start", "fence", "fenced"):
        if len(inside) >= codec.MAX_DEPTH:
            return None, "", at
        return ("member" if one == "{" else "element"), inside + one, at + 1
    if (one == "}" and top == "{" and expects in ("next", "member")) or (
        one == "]" and top == "[" and expects in ("next", "element")
    ):
        inside = inside[:-1]
        return ("next" if inside else "start"), inside, at + 1
    if one == ":" and expects == "colon":
        return "value", inside, at + 1
    if one == "," and expects == "next":
        return ("key" if top == "{" else "value"), inside, at + 1
    if expects == "fence" or (expects == "start" and one == "`"):
        fence = _FENCE.match(text, at, end)
        if fence is not None:
            is_over = fence.end() < end
            return ("fenced" if is_over else "fence"), inside, fence.end()
    return None, "", at
