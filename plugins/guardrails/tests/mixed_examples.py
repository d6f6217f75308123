"""
What the detectors find in texts full of examples: JSON, for whoever compares installations.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from gateway.detecting import Place
from gateway_guardrails.compiled import is_compiled
from gateway_guardrails.pii import KINDS, PII, PiiOptions

_SEED = 20261129
_AT_A_TIME = 40


def texts() -> Iterator[str]:
    """
    Yield all kinds' examples, drawn and joined in some way, whole and cut anywhere.
    """
    chance = random.Random(_SEED)
    examples = [
        text.replace("`", "") for kind in KINDS for text in (kind.example, kind.counter)
    ]
    for _ in range(60):
        drawn = chance.sample(examples, _AT_A_TIME)
        text = chance.choice([", ", "\n", " and ", "; ", "|"]).join(drawn)
        yield text
        yield text[chance.randrange(len(text)) :]


def found() -> list[list[tuple[int, int, str, str, float]]]:
    """
    Return what is found in each of `texts`, as whole and as the beginning of a stream.
    """
    detector = PII.make(PiiOptions(), None)
    place = Place(stage="output")
    return [
        [tuple(find) for find in detector.find(text, 0, final=final, place=place)[0]]
        for text in texts()
        for final in (True, False)
    ]


if __name__ == "__main__":
    print(json.dumps({"is_compiled": is_compiled(), "found": found()}))
