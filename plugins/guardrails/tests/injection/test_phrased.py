"""
Sentences that neither a rule nor a weight was made from, in many styles.
"""

from __future__ import annotations

from pathlib import Path

from gateway.detecting import Place

USER = Place(stage="input", role="user")
#: The share of attacks that is found at least, and of ordinary requests that may be flagged.
RECALL = 0.55
BOUND = 0.04


def test_tells_attacks_from_ordinary_requests(detector):
    """
    More than half of the attacks are found, and next to none of the others.
    """
    told = Path(__file__).with_name("phrased.txt").read_text(encoding="utf-8")
    lines = told.splitlines()

    def found(sign: str) -> list[bool]:
        texts = [line[2:] for line in lines if line.startswith(f"{sign} ")]
        return [
            bool(detector.find(text, 0, final=True, place=USER)[0]) for text in texts
        ]

    attacks, ordinary = found("+"), found("-")

    assert len(attacks) >= 20
    assert len(ordinary) >= 30
    assert sum(attacks) >= RECALL * len(attacks)
    assert sum(ordinary) <= BOUND * len(ordinary)
