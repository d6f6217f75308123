"""
Log probabilities: tokens that say a choice's text again, piece by piece.

They are no texts of their own while they spell what stands beside them; who edits that text blanks
them.  Tokens that spell anything else are texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gateway.dialects.openai_chat.rules import (
    each_member,
    figure,
    figures,
    members,
    stray_value,
)
from gateway.dialects.shapes import Rule, Walk

_ONE_WORD = re.compile(r"\s*\S{0,24}\s*")


def is_token(value: str) -> bool:
    """
    Tell whether *value* can be a token of a model's vocabulary: a word at most.
    """
    return _ONE_WORD.fullmatch(value) is not None


def _candidate(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a token that the model might have said instead.
    """
    if value.__class__ is not str or not is_token(value):
        stray_value(walk, box, key, value)


def _said(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is not str:
        stray_value(walk, box, key, value)


def _spelling(token: Rule) -> Rule:
    """
    Make a rule for ``logprobs``; *token* is the rule for what was said.
    """
    figured: dict[str, Rule] = {"logprob": figure, "bytes": figures()}
    others = each_member(members({**figured, "token": _candidate}))
    tokens = each_member(members({**figured, "token": token, "top_logprobs": others}))
    return members({"content": tokens, "refusal": tokens})


_TEXTS = _spelling(stray_value)
_ECHO = _spelling(_said)


def logprobs(walk: Walk, choice: dict[str, Any], said: Any) -> None:
    """
    Pass over tokens that spell what the choice says; tokens that do not are texts.
    """
    value = choice["logprobs"]
    is_echo = said.__class__ is dict and all(
        _spelt(value, kind) in (None, said.get(kind)) for kind in ("content", "refusal")
    )
    (_ECHO if is_echo else _TEXTS)(walk, choice, "logprobs", value)


def _spelt(value: Any, kind: str) -> str | None:
    """
    Put the tokens of *kind* together; None where there are none.
    """
    tokens = value.get(kind) if value.__class__ is dict else None
    if not tokens or tokens.__class__ is not list:
        return None
    spelt = [token.get("token") for token in tokens if token.__class__ is dict]
    return "".join(piece for piece in spelt if piece.__class__ is str)


def blank(choice: dict[str, Any]) -> Callable[[], None]:
    """
    Return what blanks the log probabilities of *choice*, once its text was edited.
    """

    def clear() -> None:
        choice["logprobs"] = None

    return clear
