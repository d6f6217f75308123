"""
Log probabilities: tokens that say a text again, piece by piece.

They are no texts of their own while they spell what stands beside them; who edits that text blanks
them.  Tokens that spell anything else are texts.  OpenAI's chat completions and Responses write
them in one shape, which is the neutral form's as well.

Source: OpenAI's API reference, ``choices[].logprobs.content`` of a chat completion and
``logprobs`` of an ``output_text``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.lenient import objects
from gateway.dialects.shapes import Rule, each, figure

if TYPE_CHECKING:
    from collections.abc import Iterable

_ONE_WORD: Final = re.compile(r"\s*\S{0,24}\s*")

# --- texts ----------------------------------------------------------------------------------


def is_token(value: str) -> bool:
    """
    Tell whether *value* can be a token of a model's vocabulary: a word at most.
    """
    return _ONE_WORD.fullmatch(value) is not None


def spelt(tokens: Any) -> str | None:
    """
    Put *tokens* together; None where there are none.
    """
    if not tokens or tokens.__class__ is not list:
        return None
    pieces = [token.get("token") for token in tokens if token.__class__ is dict]
    return "".join(piece for piece in pieces if piece.__class__ is str)


def said(otherwise: Rule) -> Rule:
    """
    Make a rule that passes over a token that was said; what is none is for *otherwise*.
    """

    def rule(walk: Any, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            otherwise(walk, box, key, value)

    return rule


def candidate(otherwise: Rule) -> Rule:
    """
    Make a rule that passes over a token that the model might have said instead.
    """

    def rule(walk: Any, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str or not is_token(value):
            otherwise(walk, box, key, value)

    return rule


#: What stands beside a token: its likelihood, and its bytes, which are numbers.
FIGURES: Final[dict[str, Rule]] = {"logprob": figure, "bytes": each(figure)}

# --- translation ----------------------------------------------------------------------------


def read_logprobs(value: Any) -> list[dict[str, Any]]:
    """
    Read what a provider wrote; what is no likelihood of a token is passed over.
    """
    return [entry for entry in objects(value) if _is_likelihood(entry)]


def write_logprobs(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    Write *entries* with the members that both dialects require, and no others.

    The bytes of a token are null where the provider did not tell them.
    """
    return [
        {
            **_likelihood(entry),
            "top_logprobs": [
                _likelihood(other) for other in read_logprobs(entry.get("top_logprobs"))
            ],
        }
        for entry in entries
    ]


def _likelihood(entry: dict[str, Any]) -> dict[str, Any]:
    told = entry.get("bytes")
    return {
        "token": entry["token"],
        "logprob": entry["logprob"],
        "bytes": [*told] if isinstance(told, list) else None,
    }


def _is_likelihood(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("token"), str) and isinstance(
        entry.get("logprob"), int | float
    )
