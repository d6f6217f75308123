"""
Calls of tools and results that do not meet, which providers refuse.

Source: the vendors' API references, "Function calling" and "Tool use": each call is answered
once, after the turn that made it and before anything else is said, and no result stands without
its call.  One rule for all dialects, the strictest of theirs, over the neutral turns.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import attrs

from gateway.neutral import (
    Block,
    MediaBlock,
    TextBlock,
    ToolCall,
    ToolResult,
    Turn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.outcomes import Losses

_MISSING: Final = "No result was given for this call."
_ORPHAN: Final = "{} of a tool call that is not shown here:"


def repair_calls(turns: Iterable[Turn], losses: Losses) -> list[Turn]:
    """
    Return *turns* with one result behind each call, and a call before each result.

    Results stand in the order of their calls, first in the turn behind them, also one that came
    late.  Of two results of one call the later counts.  Every repair is on *losses*.
    """
    conversation = _Conversation(losses)
    for is_models, run in groupby(turns, lambda turn: turn.role == "assistant"):
        if is_models:
            conversation.call(_in_one(list(run), losses))
        else:
            conversation.answer(run)
    return conversation.end()


@attrs.define(eq=False)
class _Call:
    """
    A call, its id as it came, and its result.
    """

    raw_id: str
    block: ToolCall
    result: ToolResult | None = None


@attrs.define
class _Conversation:
    """
    A conversation as far as it is repaired.

    Attributes:
        turns: What is in order.
        _calls: Those of the model's last turn, while nobody else has spoken.
        _early: Results that stood in it.
        _missing: What was put in the place of results that did not come.
        _ids: The ids of all calls so far; some providers count anew in each turn.
    """

    losses: Losses
    turns: list[Turn] = attrs.Factory(list)
    _calls: list[_Call] = attrs.Factory(list)
    _early: list[Block] = attrs.Factory(list)
    _missing: list[_Call] = attrs.Factory(list)
    _ids: set[str] = attrs.Factory(set)

    def call(self, run: list[Turn]) -> None:
        """
        Go on with what the model says.
        """
        for turn in run:
            blocks = [self._called(b) for b in turn.blocks if not _is_result(b)]
            self._early += filter(_is_result, turn.blocks)
            if blocks or not turn.blocks:
                self.turns.append(attrs.evolve(turn, blocks=blocks))

    def _called(self, block: Block) -> Block:
        """
        Return *block*; a call with an id that no call before it had.
        """
        if not isinstance(block, ToolCall):
            return block
        own, count = block.id, 1
        while own in self._ids:
            count += 1
            own = f"{block.id}_{count}"
        if own != block.id:
            self.losses.change("tool_calls.id", "each call must have an id of its own")
        self._ids.add(own)
        self._calls.append(_Call(block.id, attrs.evolve(block, id=own)))
        return self._calls[-1].block

    def answer(self, run: Iterable[Turn]) -> None:
        """
        Go on with what others say, one result for each call first.

        What answers no call stays where it is, as text.
        """
        early = [Turn(role="user", blocks=self._early)] if self._early else []
        rest: list[Turn] = []
        for turn in (*early, *run):
            blocks = [one for block in turn.blocks for one in self._said(block)]
            takes_results = self._calls and not rest and turn.role == "user"
            if blocks or takes_results or not turn.blocks:
                rest.append(attrs.evolve(turn, blocks=blocks))
        results: list[Block] = [self._result(call) for call in self._calls]
        if results and rest and rest[0].role == "user":
            rest[0] = attrs.evolve(rest[0], blocks=[*results, *rest[0].blocks])
        elif results:
            rest.insert(0, Turn(role="user", blocks=results))
        self.turns += rest
        self._calls, self._early = [], []

    def end(self) -> list[Turn]:
        """
        Return all turns; nothing follows.
        """
        self.answer(())
        if self._missing:
            why = "a call without a result got one that says so"
            self.losses.emulate("tool_calls", why)
        return self.turns

    def _said(self, block: Block) -> list[Block]:
        """
        Give a result to its call; return what is none, or has none.
        """
        if not isinstance(block, ToolResult):
            return [block]
        asked = [call for call in self._calls if call.raw_id == block.call_id]
        if not asked:
            return self._late(block)
        call = next((call for call in asked if call.result is None), asked[-1])
        if call.result is not None:
            self.losses.drop("tool_result", "a later result of the same call counts")
        own = call.block
        call.result = attrs.evolve(block, call_id=own.id, kind=own.kind)
        return []

    def _late(self, result: ToolResult) -> list[Block]:
        """
        Put *result* in the place that was kept for it, else return it as text.
        """
        for call in reversed(self._missing):
            if call.raw_id == result.call_id and call.result is not None:
                self.losses.change("tool_result", "it came late: put behind its call")
                call.result.content = result.content
                call.result.is_error = result.is_error
                call.result.cache = result.cache
                self._missing.remove(call)
                return []
        self.losses.emulate("tool_result", "its call is not there: written as text")
        return _as_words(result)

    def _result(self, call: _Call) -> ToolResult:
        if call.result is None:
            words = TextBlock(text=_MISSING)
            block = call.block
            call.result = ToolResult(call_id=block.id, content=[words], kind=block.kind)
            self._missing.append(call)
        return call.result


def _is_result(block: Block) -> bool:
    return isinstance(block, ToolResult)


def _in_one(run: list[Turn], losses: Losses) -> list[Turn]:
    """
    Put what the model says behind a call into the turn that calls: results come next.
    """
    for at, turn in enumerate(run):
        if any(isinstance(block, ToolCall) for block in turn.blocks):
            if any(later.name != turn.name for later in run[at:]):
                losses.drop("messages.name", "one turn has one name")
            blocks = [block for later in run[at:] for block in later.blocks]
            return [*run[:at], attrs.evolve(turn, blocks=blocks)]
    return run


def _as_words(result: ToolResult) -> list[Block]:
    head = TextBlock(text=_ORPHAN.format("Error" if result.is_error else "Result"))
    *others, last = head, *result.content
    if result.cache is not None and isinstance(last, TextBlock | MediaBlock):
        last = attrs.evolve(last, cache=result.cache)
    return [*others, last]
