"""
Who only talks about instructions and attacks is not taken for an attacker.
"""

from __future__ import annotations

from pathlib import Path

from gateway.detecting import Place

USER = Place(stage="input", role="user")
#: The share of such prompts that may be flagged.
BOUND = 0.03


def test_leaves_talk_alone(detector):
    """
    At most three in a hundred prompts on instructions, rules and attacks are flagged.
    """
    lines = (
        Path(__file__).with_name("talk.txt").read_text(encoding="utf-8").splitlines()
    )
    prompts = [line.replace("\\n", "\n") for line in lines if line and line[0] != "#"]

    flagged = [
        prompt
        for prompt in prompts
        if detector.find(prompt, 0, final=True, place=USER)[0]
    ]

    assert len(prompts) >= 200
    assert len(flagged) <= BOUND * len(prompts), flagged
