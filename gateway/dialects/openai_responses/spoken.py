"""
Rules for what a model says piece by piece: one lane for a delta and for whatever repeats it.

A lane is ``(0, output index, part index, kind)``.  Walking output items, lists put their index on
the lane and the rules here put the kind behind it, so that a part of ``response.completed`` stands
in the lane that its deltas ran in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.logprobs import FIGURES, candidate, said, spelt
from gateway.dialects.shapes import (
    Rule,
    Walk,
    each,
    everything,
    free,
    identifier,
    json_source,
    node,
)
from gateway.views import ARGUMENTS, UNKNOWN, Form, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.views import Lane, View

#: The lane of everything in an answer: the dialect has one choice.
ANSWER: Final[Lane] = (0,)

# Encrypted content, base64 of either alphabet, or one of the gateway's own seals.
_BLOB = re.compile(r"[\w.+/=-]*", re.ASCII)
_whole_arguments = json_source(ARGUMENTS)


class SpokenWalk(Walk):
    """
    A walk that knows whether what it meets was streamed before; every walk of this dialect is one.

    Attributes:
        said: The form of what a model said: ``whole``, a ``delta``, or a ``repeat`` of deltas.
        is_answer: Whether the document goes to the caller, who may lose a seal, rather than to
            the provider, who checks it.
    """

    __slots__ = ("is_answer", "said")

    def __init__(
        self, view: View, role: str | None, *, said: Form = "whole", is_answer: bool
    ) -> None:
        super().__init__(view, role)
        self.said: Form = said
        self.is_answer = is_answer

    def say(self, box: Any, key: Any, kind: str, lane: Lane, *, is_json: bool) -> None:
        """
        Yield the string at *key* of *box* as part of *lane*.
        """
        self.out.append(
            Text(
                self.view,
                box,
                key,
                kind,
                self.role,
                lane,
                self.said,
                self.sealed,
                self.beside or blanks_logprobs(box),
                is_json,
            )
        )


def spoken(kind: str, *, part: Lane = (), name: str | None = None) -> Rule:
    """
    Make a rule for a string that is streamed as deltas.

    Args:
        kind: The kind of the text.
        part: What stands on the lane in place of a part's index, where there is none.
        name: The lane's last member, where it is not *kind*.
    """
    tail = (*part, name or kind)

    def rule(walk: Any, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            everything(walk, box, key, value, kind)
        elif value:
            walk.say(box, key, kind, walk.lane + tail, is_json=False)

    return rule


def arguments(walk: Any, box: Any, key: Any, value: Any) -> None:
    """
    Yield arguments in JSON: their strings if they are whole, their source if it was streamed.
    """
    if walk.said == "whole" or value.__class__ is not str:
        _whole_arguments(walk, box, key, value)
    elif value:
        walk.say(box, key, ARGUMENTS, (*walk.lane, 0, ARGUMENTS), is_json=True)


def token(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over an identifier or an enumeration's member, or a list of them.
    """
    if value.__class__ is list:
        for index, member in enumerate(value):
            identifier(walk, value, index, member)
    else:
        identifier(walk, box, key, value)


def tokens(names: str) -> dict[str, Rule | None]:
    """
    Make a shape whose keys *names* (separated by spaces) hold identifiers or numbers.
    """
    return dict.fromkeys(names.split(), token)


def token_or(shape: Rule) -> Rule:
    """
    Make a rule that is *shape* for an object and `token` for everything else.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        (shape if value.__class__ is dict else token)(walk, box, key, value)

    return rule


def blob(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over data that only its provider can read.
    """
    if value.__class__ is not str or _BLOB.fullmatch(value) is None:
        everything(walk, box, key, value, UNKNOWN)


def blanks_logprobs(box: Any) -> Callable[[], None] | None:
    """
    Return what blanks the log probabilities beside a text, or None where there are none.
    """
    if box.__class__ is not dict or not box.get("logprobs"):
        return None

    def blank() -> None:
        box["logprobs"] = []

    return blank


_stray: Final = free(UNKNOWN)
_OTHERS: Final = each(node({**FIGURES, "token": candidate(_stray)}))
_ECHO: Final = each(node({**FIGURES, "token": said(_stray), "top_logprobs": _OTHERS}))
_TEXTS: Final = each(node({**FIGURES, "token": _stray, "top_logprobs": _OTHERS}))


def logprobs(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over tokens that spell the text or the delta that they stand beside.
    """
    is_echo = box.__class__ is dict and spelt(value) in (
        None,
        box.get("text"),
        box.get("delta"),
    )
    (_ECHO if is_echo else _TEXTS)(walk, box, key, value)
