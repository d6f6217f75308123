"""
How much the model should think, in Anthropic's terms.

Source: Anthropic's API reference, thinking: ``adaptive`` with an effort on newer models,
``enabled`` with a budget on older ones; a budget is at least 1024 and less than
``max_tokens``, and a forced tool excludes both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway.dialects.anthropic_messages.wire import NAME

if TYPE_CHECKING:
    from gateway.dialects import ModelLimits
    from gateway.neutral import Ask, Losses, Reasoning

#: The least that manual thinking takes.
MIN_BUDGET_TOKENS: Final = 1024

#: What an effort is worth where a model takes only a budget.
_BUDGETS: Final = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 31_999,
}
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


@attrs.define(kw_only=True)
class Thinking:
    """
    What is sent.

    Attributes:
        config: The member ``thinking``, or None.
        effort: The member ``effort`` of ``output_config``, or None.
    """

    config: dict[str, Any] | None = None
    effort: str | None = None

    @property
    def is_on(self) -> bool:
        """
        Whether the model is told to think.
        """
        return self.config is not None and self.config["type"] != "disabled"

    @property
    def is_manual(self) -> bool:
        """
        Whether it is told so with a budget.
        """
        return self.config is not None and self.config["type"] == "enabled"


def write_thinking(
    ask: Ask, losses: Losses, limits: ModelLimits, max_tokens: int
) -> Thinking:
    """
    Write the reasoning that *ask* wants.
    """
    wanted = ask.reasoning
    if wanted is None:
        return Thinking()
    if ask.dialect == NAME:
        return _as_it_came(wanted)
    if wanted.mode == "off":
        return Thinking(config={"type": "disabled"})
    if wanted.mode is None and wanted.effort is None and wanted.summary is None:
        return Thinking()
    is_manual = limits.reasons_adaptively is False or (
        wanted.mode == "on" and limits.reasons_adaptively is None
    )
    if is_manual:
        return _shown(_manual(wanted, losses, max_tokens), wanted)
    return _shown(_adaptive(wanted, losses), wanted)


def _as_it_came(wanted: Reasoning) -> Thinking:
    thinking = Thinking(effort=wanted.effort)
    if wanted.mode == "on":
        thinking.config = {"type": "enabled", "budget_tokens": wanted.budget_tokens}
    elif wanted.mode is not None:
        kind = "disabled" if wanted.mode == "off" else "adaptive"
        thinking.config = {"type": kind}
    return _shown(thinking, wanted)


def _shown(thinking: Thinking, wanted: Reasoning) -> Thinking:
    if thinking.config is not None and wanted.summary is not None:
        omitted = wanted.summary == "omitted"
        thinking.config["display"] = "omitted" if omitted else "summarized"
    return thinking


def _adaptive(wanted: Reasoning, losses: Losses) -> Thinking:
    effort = wanted.effort
    if effort is None and wanted.budget_tokens is not None:
        losses.change("reasoning.budget_tokens", "the model takes an effort instead")
        effort = _effort_worth(wanted.budget_tokens)
    elif effort == "minimal":
        losses.change("reasoning.effort", "the least that Anthropic has is low")
        effort = "low"
    elif effort is not None and effort not in _EFFORTS:
        losses.drop("reasoning.effort", "Anthropic has no such effort")
        effort = None
    return Thinking(config={"type": "adaptive"}, effort=effort)


def _effort_worth(budget: int) -> str:
    worth = [effort for effort in _EFFORTS if _BUDGETS[effort] <= budget]
    return worth[-1] if worth else "low"


def _manual(wanted: Reasoning, losses: Losses, max_tokens: int) -> Thinking:
    budget = wanted.budget_tokens
    if budget is None:
        effort = wanted.effort or "medium"
        losses.emulate("reasoning.effort", "the model takes a budget of tokens instead")
        # Some of the answer's tokens are left for the answer.
        budget = min(_BUDGETS.get(effort, _BUDGETS["medium"]), max_tokens * 4 // 5)
    if max_tokens <= MIN_BUDGET_TOKENS:
        losses.drop("reasoning", "max_tokens leaves no room for thinking")
        return Thinking()
    if budget >= max_tokens:
        budget = max_tokens * 4 // 5
    budget = max(budget, MIN_BUDGET_TOKENS)
    if wanted.budget_tokens not in (None, budget):
        losses.change(
            "reasoning.budget_tokens",
            "it must be at least 1024, and less than max_tokens",
        )
    return Thinking(config={"type": "enabled", "budget_tokens": budget})


def is_thoughtless_loop(messages: list[Any]) -> bool:
    """
    Tell whether the last turn answers calls of one that does not begin with thinking.

    Manual thinking refuses such a conversation.
    """
    if len(messages) < 2:
        return False
    before, last = map(_first_type, messages[-2:])
    return last == "tool_result" and before not in ("thinking", "redacted_thinking")


def _first_type(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    first = content[0] if isinstance(content, list) and content else None
    return str(first.get("type")) if isinstance(first, dict) else ""
