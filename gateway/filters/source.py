"""
Edits in JSON source: each string token is judged as a text of its own, long numbers as well.

Only the tokens that change are written anew, so that numbers, white space and the spelling of
everything else stay as the model wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from gateway import codec
from gateway.dialects.shapes import LONG_NUMBER, json_token
from gateway.filters.edits import Edit, merged, splice
from gateway.filters.json_text import decoded
from gateway.views import is_whole_number

#: Judges one whole text.
Judge = Callable[[str], Awaitable[Sequence[Edit]]]

_TOKEN = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    rf"|(?<![\d.eE+-])\d{{{LONG_NUMBER},}}(?![\d.eE])",
    re.DOTALL,
)
_COLON = re.compile(r"\s*:")
#: The same where the source may break off inside a token.
_TOKEN_OR_START = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+("|\\?\Z)', re.DOTALL)


async def edits_in_source(source: str, judge: Judge) -> Sequence[Edit]:
    """
    Judge *source* and return its edits.

    Source that is not JSON, because it broke off or never was, is judged as it stands; and
    what it hides behind escapes is judged as well, for a lenient reader decodes it.
    """
    if _is_json(source):
        return await _edits_in_tokens(source, judge)
    plain = await judge(source)
    escaped = await _edits_in_escaped(source, judge)
    return merged([*plain, *escaped]) if escaped else plain


async def strings_in_source(source: str) -> list[str]:
    """
    List what `edits_in_source` shows its judge, in that order.
    """
    shown: list[str] = []

    async def note(text: str) -> Sequence[Edit]:
        shown.append(text)
        return ()

    await edits_in_source(source, note)
    return shown


def _is_json(source: str) -> bool:
    try:
        # Not `codec.read`: of a repeated key every value is judged, so it is no danger here.
        codec.loads(source.encode("utf-8", "replace"))
    except codec.JsonError:
        return False
    return True


async def _edits_in_tokens(source: str, judge: Judge) -> list[Edit]:
    out = []
    for match in _TOKEN.finditer(source):
        token = match[0]
        value = decoded(token[1:-1]) if token[0] == '"' else token
        edits = await judge(value)
        if edits:
            out.append(Edit(*match.span(), _written(match, value, edits)))
    return out


def _written(match: re.Match[str], value: str, edits: Sequence[Edit]) -> str:
    """
    Write the token of *value* anew: a number only where it was one, or stood for one.
    """
    new = splice(value, edits)
    first = edits[0]
    was_number = match[0][0] != '"' or (
        first.is_number
        and (first.start, first.end) == (0, len(value))
        and _COLON.match(match.string, match.end()) is None
    )
    return new if was_number and is_whole_number(new) else json_token(new)


async def _edits_in_escaped(source: str, judge: Judge) -> list[Edit]:
    out = []
    for match in _TOKEN_OR_START.finditer(source):
        token = match[0]
        if "\\" not in token:
            continue
        is_whole = match[1] == '"'
        value = decoded(token[1:-1] if is_whole else token[1:])
        edits = await judge(value)
        if edits:
            new = json_token(splice(value, edits))
            out.append(Edit(*match.span(), new if is_whole else new[:-1]))
    return out
