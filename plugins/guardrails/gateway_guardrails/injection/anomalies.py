"""
Signs that are in no words: a dialogue inside one message, a tail that nobody would type.

None is enough by itself; each makes what else was found likelier.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from gateway_guardrails.injection.normalise import Normalised
from gateway_guardrails.injection.scoring import Evidence

__all__ = ["anomalies"]

#: How many turns of a dialogue one message has before they are told, and before they weigh more.
SOME_TURNS: Final = 6
MANY_TURNS: Final = 16
#: How much of a text may be invisible: emoji and Indic scripts have a little of it.
INVISIBLE_SHARE: Final = 0.1
INVISIBLE_LEAST: Final = 12
#: How much of the end is looked at for a tail, in characters, and how much of it may be unusual.
TAIL: Final = 160
UNUSUAL_SHARE: Final = 0.15

_TURN: Final = re.compile(r"\n(human|user|question|prompt|q|h|### human)[:>]")
_ODD: Final = b"\\]}{[<>|*^~$#@=+`"
_LEAST_ODD: Final = 4
_SPACES: Final = re.compile(r"\s+")


def anomalies(told: Normalised, factors: Mapping[str, float]) -> list[Evidence]:
    """
    Find what is unusual about a text as a whole.

    Args:
        factors: What a family's weight is multiplied by, 1 where it has none.
    """
    found = []
    text = told.text
    turns = _turns(text)
    if turns >= SOME_TURNS:
        found.append(
            Evidence("many_shot", 0, len(text), 0.4 if turns >= MANY_TURNS else 0.25)
        )
    if told.invisible >= INVISIBLE_LEAST and told.invisible >= INVISIBLE_SHARE * len(
        told.original
    ):
        found.append(Evidence("obfuscated", 0, len(text), 0.25))
    tail = _tail(text)
    if tail is not None:
        found.append(Evidence("improbable", tail, len(text), 0.35))
    return [
        Evidence(
            one.family, one.start, one.end, one.weight * factors.get(one.family, 1.0)
        )
        for one in found
        if one.end > one.start and factors.get(one.family, 1.0) > 0
    ]


def _turns(text: str) -> int:
    head = text[:65_536]
    if ":" not in head or head.count(":") < SOME_TURNS:
        return 0
    speakers = Counter(_TURN.findall("\n" + head.lower()))
    return max(speakers.values(), default=0)


def _tail(text: str) -> int | None:
    """
    Tell where a tail begins that is unlike prose, after a beginning that is prose.

    An optimised suffix (GCG, arXiv:2307.15043) is made of tokens that seldom meet, so that its
    joints between letters and signs are unlike those that people write.
    """
    begin = max(len(text) // 2, len(text) - TAIL)
    tail = text[begin:]
    raw = tail.encode("utf-8", "replace")
    if (
        len(raw) - len(raw.translate(None, _ODD)) < _LEAST_ODD
        or "\n" in tail.strip()
        or "```" in text
    ):
        return None
    head = text[max(begin - TAIL, 0) : begin]
    if _unusual(tail) >= UNUSUAL_SHARE and _unusual(head) <= UNUSUAL_SHARE / 3:
        return begin
    return None


def _unusual(text: str) -> float:
    """
    Return how many of a text's triples of characters are unlike prose, 0 to 1.
    """
    folded = _SPACES.sub(" ", text).translate(_CLASSES)
    triples = [folded[at : at + 3] for at in range(len(folded) - 2)]
    if not triples:
        return 0.0
    known = _known()
    return sum(triple not in known for triple in triples) / len(triples)


# Letters and digits are told by their kind only, a space is "s"; signs are themselves.
_CLASSES: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ",
    "a" * 26 + "A" * 26 + "0" * 10 + "s",
)


@cache
def _known() -> frozenset[str]:
    """
    Read the triples that prose has: counted in text under Apache-2.0, MIT and CC0-1.0.
    """
    table = files(__package__).joinpath("joints.txt").read_text(encoding="ascii")
    joined = table.replace("\n", "")
    return frozenset(joined[at : at + 3] for at in range(0, len(joined), 3))
