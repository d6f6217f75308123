"""
Judges are asked: all at once, each no longer than it may take, and what they say is checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import attrs

from gateway.detecting import DetectorFailed, Opinion
from gateway_guardrails.inspecting.checking import check_opinion

if TYPE_CHECKING:
    from gateway.detecting import Question
    from gateway_guardrails.inspecting.plan import Asking
    from gateway_guardrails.policy.guardrail import NamedJudge

_NOTHING: Final = Opinion()


@attrs.frozen(eq=False, kw_only=True)
class Verdict:
    """
    What became of asking one judge.

    Attributes:
        reason: Why it could not judge, in one word; "" if it did.
        told: More on that for an operator.
    """

    asking: Asking
    opinion: Opinion = _NOTHING
    reason: str = ""
    told: str = ""
    took_us: int = 0


def reads_images(asking: Asking | NamedJudge) -> bool:
    """
    Tell whether the judge looks at a request's images beside its texts.
    """
    return bool(getattr(asking.judge, "reads_images", False))


async def ask_all(askings: Sequence[Asking], question: Question) -> list[Verdict]:
    """
    Ask all of *askings* the same at the same time.
    """
    if len(askings) == 1:
        return [await ask(askings[0], question)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(asking, question)) for asking in askings]
    return [task.result() for task in tasks]


async def ask(asking: Asking, question: Question) -> Verdict:
    """
    Ask one judge; what it raises becomes its verdict.
    """
    started = perf_counter_ns()
    reason, told, opinion = "", "", _NOTHING
    try:
        async with asyncio.timeout(asking.guardrail.timeout_s):
            opinion = await asking.judge.judge(question)
        check_opinion(opinion, question)
    except DetectorFailed as exc:
        reason, told = exc.reason, exc.told
    except TimeoutError:
        reason, told = "timeout", f"{asking.guardrail.timeout_s:g} s"
    except asyncio.CancelledError as exc:
        if _is_cancelled():
            raise
        # Its own: something in it was cancelled, and nobody has left.
        reason, told = "failed", type(exc).__name__
    except Exception as exc:  # noqa: BLE001 - its text may hold what was judged
        reason, told = "failed", type(exc).__name__
    return Verdict(
        asking=asking,
        opinion=_NOTHING if reason else opinion,
        reason=reason,
        told=told,
        took_us=(perf_counter_ns() - started) // 1000,
    )


def _is_cancelled() -> bool:
    """
    Tell whether somebody wants the task to end that runs here.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
