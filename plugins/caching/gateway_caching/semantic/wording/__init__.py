"""
What two questions must have in common beside being similar.

Vectors are near each other also where a number, a name or a "not" differs, and there the answers
differ most.  So what decides is compared to the letter: a part of it, the `Wording.signature`,
before anything is compared at all; the rest for each candidate, by `disagreement`.
"""

from __future__ import annotations

from gateway_caching.semantic.wording.comparing import disagreement
from gateway_caching.semantic.wording.reading import Wording, read_wording

__all__ = ["Wording", "disagreement", "read_wording"]
