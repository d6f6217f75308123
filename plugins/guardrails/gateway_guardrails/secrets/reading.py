"""
How a text reads: what share of its pairs of letters English words hardly have.

The pairs are counted in the list of words that `seeds` has.  Of sixteen letters that were drawn, 97
in 100 read worse than `DRAWN`; of names of that length in programs, one in 100 does.
"""

from __future__ import annotations

import functools
from collections import Counter
from itertools import pairwise
from typing import Final

from gateway_guardrails.secrets.seeds import seed_words

__all__ = ["DRAWN", "strangeness_of"]

#: Whose share is as great was drawn, not written, if it has some sixteen letters.
DRAWN: Final = 0.4

#: A pair is common if the list has it so often: of 26 * 26, some 260 are.
_COMMON: Final = 8


def strangeness_of(text: str) -> float:
    """
    Return the share of pairs of letters in *text* that are not common; 0 where there are none.
    """
    lowered = text.lower()
    pairs = [a + b for a, b in pairwise(lowered) if a.isalpha() and b.isalpha()]
    if not pairs:
        return 0.0
    return sum(pair not in _common() for pair in pairs) / len(pairs)


@functools.cache
def _common() -> frozenset[str]:
    counts = Counter(a + b for word in seed_words() for a, b in pairwise(word))
    return frozenset(pair for pair, count in counts.items() if count >= _COMMON)
