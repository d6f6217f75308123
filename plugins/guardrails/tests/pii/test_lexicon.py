"""
Words are cut where their humps are.
"""

from __future__ import annotations

import random
import re

from gateway_guardrails.pii.lexicon import has_hump


def test_humps_are_told_as_a_pattern_would():
    """
    The quick look agrees with a search, in ASCII and beyond.
    """
    chance = random.Random(20261129)
    texts = ["".join(chance.choices("abzAZ 1_é", k=4)) for _ in range(2000)]

    told = [has_hump(text) for text in texts]

    assert told == [re.search("[a-z][A-Z]", text) is not None for text in texts]
    assert {True, False} == set(told)
