"""
How much to think, in Anthropic's terms.
"""

from __future__ import annotations

import pytest

from gateway.dialects.anthropic_messages.write_thinking import write_thinking
from gateway.neutral import Losses, Reasoning


@pytest.fixture
def write(kit):
    def write_one(
        reasoning, *, adaptive=None, max_tokens=10_000, dialect="openai_chat"
    ):
        ask = kit.ask(reasoning=reasoning)
        ask.dialect = dialect
        losses = Losses()
        limits = kit.limits(reasons_adaptively=adaptive)
        thinking = write_thinking(ask, losses, limits, max_tokens)
        return thinking.config, thinking.effort, losses.header()

    return write_one


@pytest.mark.parametrize(
    ("reasoning", "config", "effort", "lost"),
    [
        (None, None, None, ""),
        (Reasoning(), None, None, ""),
        (Reasoning(mode="off"), {"type": "disabled"}, None, ""),
        (Reasoning(effort="high"), {"type": "adaptive"}, "high", ""),
        (Reasoning(effort="max"), {"type": "adaptive"}, "max", ""),
        (
            Reasoning(effort="minimal"),
            {"type": "adaptive"},
            "low",
            "reasoning.effort=changed",
        ),
        (
            Reasoning(effort="frantic"),
            {"type": "adaptive"},
            None,
            "reasoning.effort=dropped",
        ),
        (
            Reasoning(mode="on", budget_tokens=9000),
            {"type": "adaptive"},
            "medium",
            "reasoning.budget_tokens=changed",
        ),
        (
            Reasoning(effort="low", summary="detailed"),
            {"type": "adaptive", "display": "summarized"},
            "low",
            "",
        ),
        (
            Reasoning(effort="low", summary="omitted"),
            {"type": "adaptive", "display": "omitted"},
            "low",
            "",
        ),
    ],
)
def test_newer_models_take_an_effort(write, reasoning, config, effort, lost):
    """
    A model that thinks adaptively is told an effort.
    """
    assert write(reasoning, adaptive=True) == (config, effort, lost)


@pytest.mark.parametrize(
    ("reasoning", "max_tokens", "config", "lost"),
    [
        (
            Reasoning(effort="low"),
            10_000,
            {"type": "enabled", "budget_tokens": 2048},
            "reasoning.effort=emulated",
        ),
        (
            Reasoning(effort="max"),
            10_000,
            {"type": "enabled", "budget_tokens": 8000},
            "reasoning.effort=emulated",
        ),
        (
            Reasoning(mode="adaptive"),
            50_000,
            {"type": "enabled", "budget_tokens": 8192},
            "reasoning.effort=emulated",
        ),
        (
            Reasoning(mode="on", budget_tokens=5000),
            10_000,
            {"type": "enabled", "budget_tokens": 5000},
            "",
        ),
        (
            Reasoning(mode="on", budget_tokens=100),
            10_000,
            {"type": "enabled", "budget_tokens": 1024},
            "reasoning.budget_tokens=changed",
        ),
        (
            Reasoning(mode="on", budget_tokens=10_000),
            10_000,
            {"type": "enabled", "budget_tokens": 8000},
            "reasoning.budget_tokens=changed",
        ),
        (
            Reasoning(mode="on", budget_tokens=5000),
            1100,
            {"type": "enabled", "budget_tokens": 1024},
            "reasoning.budget_tokens=changed",
        ),
        (Reasoning(mode="on", budget_tokens=5000), 1024, None, "reasoning=dropped"),
    ],
)
def test_older_models_take_a_budget(write, reasoning, max_tokens, config, lost):
    """
    A budget is at least 1024 and leaves the answer some of max_tokens.
    """
    written = write(reasoning, adaptive=False, max_tokens=max_tokens)

    assert written == (config, None, lost)


def test_unknown_model_is_taken_for_a_newer_one(write):
    """
    A catalog that does not know a model is older than it; a budget stays a budget.
    """
    assert write(Reasoning(effort="low"))[0] == {"type": "adaptive"}
    assert write(Reasoning(mode="on", budget_tokens=2000))[0]["type"] == "enabled"


@pytest.mark.parametrize("adaptive", [None, True, False])
@pytest.mark.parametrize(
    ("reasoning", "config", "effort"),
    [
        (
            Reasoning(mode="on", budget_tokens=9, effort="max", summary="auto"),
            {"type": "enabled", "budget_tokens": 9, "display": "summarized"},
            "max",
        ),
        (Reasoning(mode="adaptive"), {"type": "adaptive"}, None),
        (Reasoning(mode="off", effort="low"), {"type": "disabled"}, "low"),
        (Reasoning(effort="low"), None, "low"),
    ],
)
def test_own_words_stay(write, reasoning, config, effort, adaptive):
    """
    What came in this dialect is said in its words, whatever the catalog knows.
    """
    written = write(reasoning, adaptive=adaptive, dialect="anthropic_messages")

    assert written == (config, effort, "")
