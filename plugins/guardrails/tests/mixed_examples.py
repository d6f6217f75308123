"""
What the detectors find in texts full of examples: JSON, for whoever compares installations.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from gateway.detecting import Place
from gateway_guardrails.compiled import is_compiled
from gateway_guardrails.injection import InjectionDetector, InjectionOptions
from gateway_guardrails.injection.catalogue import rules
from gateway_guardrails.pii import KINDS, PII, PiiOptions
from gateway_guardrails.secrets import SecretsDetector
from gateway_guardrails.secrets.rules import compiled_rules

_SEED = 20261129
_AT_A_TIME = 40
_SECRETS = (
    "password=Zx81pqrs",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\n",
    "postgres://admin:hV7kq2Wz@db.example.com/app",
    "Authorization: Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0",
)


def texts() -> Iterator[str]:
    """
    Yield all examples, drawn and joined in some way, whole and cut anywhere.
    """
    chance = random.Random(_SEED)
    examples = [
        text.replace("`", "") for kind in KINDS for text in (kind.example, kind.counter)
    ]
    examples += [text for rule in rules() for text in (rule.hit, rule.miss)]
    examples += _SECRETS * 20
    for _ in range(60):
        drawn = chance.sample(examples, _AT_A_TIME)
        text = chance.choice([", ", "\n", " and ", "; ", "|"]).join(drawn)
        yield text
        yield text[chance.randrange(len(text)) :]


def found() -> list[list[tuple[int, int, str, str, float]]]:
    """
    Return what is found in each of `texts`, as whole and as the beginning of a stream.
    """
    detectors = (
        PII.make(PiiOptions(), None),
        InjectionDetector(InjectionOptions()),
        SecretsDetector(compiled_rules()),
    )
    place = Place(stage="output")
    return [
        [tuple(find) for find in detector.find(text, 0, final=final, place=place)[0]]
        for detector in detectors
        for text in texts()
        for final in (True, False)
    ]


if __name__ == "__main__":
    print(json.dumps({"is_compiled": is_compiled(), "found": found()}))
