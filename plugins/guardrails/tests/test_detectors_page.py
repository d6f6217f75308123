"""
The detector of DETECTORS.md does what the page says.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gateway.detecting import Place
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, Script, settings_for
from gateway_guardrails import GuardrailsPlugin

PAGE = (Path(__file__).parents[1] / "DETECTORS.md").read_text()
PLACE = Place(stage="input", role="user")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def page() -> dict:
    """
    What the page's code defines.
    """
    names = {"__name__": "badges_of_the_page"}
    exec(compile(block("python"), "DETECTORS.md", "exec"), names)
    return names


@pytest.mark.parametrize(
    "text",
    ["a B-123456 b", "B-123456", "B-1234567 B-12345 xB-123456", "B-123456B-123456"],
)
def test_finds_the_same_however_a_text_is_cut(page, text):
    """
    In two pieces, anywhere; nothing that was decided changes.
    """
    detector = page["Badges"](page["BadgeOptions"]())
    whole, _ = detector.find(text, 0, final=True, place=PLACE)

    for cut in range(len(text)):
        first, safe = detector.find(text[:cut], 0, final=False, place=PLACE)
        rest, end = detector.find(text, safe, final=True, place=PLACE)

        assert [*first, *rest] == list(whole)
        assert end == len(text)


async def test_is_named_by_rules(page, fake_upstream):
    """
    The page's plugin and its settings, in a gateway: in requests and in answers.
    """
    fake_upstream.script("m", Script(text="Ask B-654321 or B-000000.", split=4))
    tables = yaml.safe_load(block("yaml"))
    ask = {
        "model": "openai/m",
        "messages": [{"role": "user", "content": "I am B-123456."}],
    }
    async with GatewayClient(
        settings_for(fake_upstream, **tables),
        plugins=[
            FoundPlugin(name="guardrails", cls=GuardrailsPlugin),
            FoundPlugin(name="badges", cls=page["BadgesPlugin"]),
        ],
    ) as client:
        answer = await client.post("/v1/chat/completions", ask)

    sent = fake_upstream.requests[0].json["messages"][0]["content"]
    said = answer.json["choices"][0]["message"]["content"]
    assert sent == "I am <BADGE_1>."
    assert said == "Ask <BADGE_2> or B-000000."
