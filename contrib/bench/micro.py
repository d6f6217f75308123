"""
What parts of the gateway cost in this process, without any network.

A program of its own, so that it has the subjects' core for itself; tells its figures as
one line of JSON.  All are CPU time: whoever else runs does not count.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from time import thread_time
from typing import Any, ClassVar, Final

from bench import messages
from bench.loops import new_runner
from gateway import Phase, Plugin, hookimpl
from gateway.exchange import Outcome
from gateway.filters import Edit, Pipeline, TextFilter
from gateway.hooks import Hooks
from gateway.plugins import FoundPlugin, load_plugins
from gateway.settings import settings_from_dict
from gateway.testing import find_dialect, make_attempt, make_exchange
from gateway.views import Chunk, Request

MESSAGES: Final = 50
_DIALECT: Final = "openai_chat"
_CARD = re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?!\d)")
_CARD_BEGUN = re.compile(r"(?<!\d)\d[\d -]{0,20}\Z")


def best_us(times: int, each: int, call: Callable[[], None]) -> float:
    """
    Call *call* for *times* series of *each*; return the best series' µs of one call.
    """
    best = float("inf")
    for _ in range(times):
        began = thread_time()
        for _ in range(each):
            call()
        best = min(best, thread_time() - began)
    return best / each * 1e6


async def best_us_waiting(
    times: int, each: int, call: Callable[[], Awaitable[None]]
) -> float:
    """
    Do the same for what is awaited.
    """
    best = float("inf")
    for _ in range(times):
        began = thread_time()
        for _ in range(each):
            await call()
        best = min(best, thread_time() - began)
    return best / each * 1e6


# --- texts ----------------------------------------------------------------------------


def plain_conversation() -> dict[str, Any]:
    """
    Write a request with `MESSAGES` messages that are all words.
    """
    said = messages.prompt(150)
    roles = ("user", "assistant")
    turns = [{"role": roles[n % 2], "content": said} for n in range(MESSAGES - 1)]
    return {"model": "m", "messages": [{"role": "system", "content": said}, *turns]}


def agent_conversation() -> dict[str, Any]:
    """
    Write a request with `MESSAGES` messages of every role, tool calls and parts.
    """
    said = messages.prompt(150)
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "lookup", "arguments": '{"branch": "Übersee"}'},
    }
    turn: list[dict[str, Any]] = [
        {"role": "user", "content": said},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": said},
        {"role": "assistant", "content": said},
        {
            "role": "user",
            "content": [{"type": "text", "text": said}, {"type": "text", "text": said}],
        },
    ]
    system = {"role": "system", "content": said}
    conversation = [system, *(turn[number % 5] for number in range(MESSAGES - 1))]
    return {"model": "m", "messages": conversation}


def texts_us(times: int, document: dict[str, Any]) -> float:
    """
    Return the µs of one text of *document*, which was parsed already.
    """
    dialect = find_dialect(_DIALECT)
    raw = messages.dumps(document)
    found = len(Request(dialect, raw, document).texts())

    def call() -> None:
        Request(dialect, raw, document).texts()

    return best_us(times, 200, call) / found


# --- a filter that finds nothing ------------------------------------------------------


class Cards(TextFilter):
    """
    Looks for card numbers.
    """

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        edits = [Edit(*found.span(), "[card]") for found in _CARD.finditer(text, start)]
        begun = None if final else _CARD_BEGUN.search(text, start)
        return edits, begun.start() if begun else len(text)


def frames() -> list[bytes]:
    """
    Write a stream in which no card number is.
    """
    return [*messages.stream_events(), messages.DONE]


async def filter_us(times: int, at_once: int) -> float:
    """
    Return the µs of one event: parsed, filtered, encoded, *at_once* of them a read.
    """
    dialect = find_dialect(_DIALECT)
    stream = frames()
    reads = [stream[at : at + at_once] for at in range(0, len(stream), at_once)]

    async def call() -> None:
        pipeline = Pipeline([Cards()])
        out = []
        for read in reads:
            for chunk in await pipeline.feed([Chunk(dialect, raw) for raw in read]):
                out.append(chunk.encode())  # noqa: PERF401 - as the relay does
        out += [chunk.encode() for chunk in await pipeline.flush()]
        await pipeline.close(Outcome.FINISHED)
        if len(out) != len(stream):
            raise AssertionError("the filter lost an event")

    return await best_us_waiting(times, 10, call) / len(stream)


# --- hooks ----------------------------------------------------------------------------


class Passing(Plugin):
    """
    Looks at everything and does nothing.
    """

    phase: ClassVar[Phase] = Phase.GOVERN

    @hookimpl
    async def pre_request(self, exchange: Any) -> None:
        return None

    @hookimpl
    async def before_attempt(self, exchange: Any, attempt: Any) -> None:
        return None

    @hookimpl
    async def after_attempt(self, exchange: Any, attempt: Any) -> None:
        return None

    @hookimpl
    async def on_complete(self, exchange: Any) -> None:
        return None


def hooks_with(plugins: int) -> Hooks:
    """
    Freeze the chains of *plugins* plugins with four hooks each.
    """
    found = [
        FoundPlugin(name=f"passing{number}", cls=type(f"P{number}", (Passing,), {}))
        for number in range(plugins)
    ]
    loaded = load_plugins(settings_from_dict({}), found)
    return Hooks(loaded)


async def hooks_us(times: int, plugins: int) -> float:
    """
    Return the µs that one request spends in the hooks of *plugins* plugins.
    """
    hooks = hooks_with(plugins)
    # Trails grow: an exchange each, made beforehand.
    waiting = []
    for _ in range(times * 200):
        exchange = make_exchange()
        waiting.append((exchange, make_attempt(exchange)))

    async def call() -> None:
        exchange, attempt = waiting.pop()
        await hooks.pre_request(exchange)
        await hooks.before_attempt(exchange, attempt)
        await hooks.after_attempt(exchange, attempt)
        await hooks.on_complete(exchange)

    return await best_us_waiting(times, 200, call)


async def figures(times: int) -> dict[str, float]:
    """
    Measure everything, the best of *times* series each.
    """
    return {
        "texts_us": texts_us(times, plain_conversation()),
        "texts_agent_us": texts_us(times, agent_conversation()),
        "filter_one_us": await filter_us(times, 1),
        "filter_burst_us": await filter_us(times, messages.EVENTS),
        **{f"hooks_{n}_us": await hooks_us(times, n) for n in (0, 4, 8)},
    }


if __name__ == "__main__":
    with new_runner() as runner:
        print(json.dumps(runner.run(figures(int(sys.argv[1])))), flush=True)
