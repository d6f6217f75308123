"""
Log probabilities where chat completions have them: beside the message of a choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.dialects.logprobs import FIGURES, candidate, said, spelt
from gateway.dialects.openai_chat.rules import each_member, members, stray_value
from gateway.dialects.shapes import Rule, Walk


def _spelling(token: Rule) -> Rule:
    """
    Make a rule for ``logprobs``; *token* is the rule for what was said.
    """
    others = each_member(members({**FIGURES, "token": candidate(stray_value)}))
    tokens = each_member(members({**FIGURES, "token": token, "top_logprobs": others}))
    return members({"content": tokens, "refusal": tokens})


_TEXTS = _spelling(stray_value)
_ECHO = _spelling(said(stray_value))


def logprobs(walk: Walk, choice: dict[str, Any], message: Any) -> None:
    """
    Pass over tokens that spell what the choice says; tokens that do not are texts.
    """
    value = choice["logprobs"]
    is_echo = message.__class__ is dict and all(
        _spelt(value, kind) in (None, message.get(kind))
        for kind in ("content", "refusal")
    )
    (_ECHO if is_echo else _TEXTS)(walk, choice, "logprobs", value)


def _spelt(value: Any, kind: str) -> str | None:
    return spelt(value.get(kind)) if value.__class__ is dict else None


def blank(choice: dict[str, Any]) -> Callable[[], None]:
    """
    Return what blanks the log probabilities of *choice*, once its text was edited.
    """

    def clear() -> None:
        choice["logprobs"] = None

    return clear
