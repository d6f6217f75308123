"""
Asking a service: so many questions at a time, so long, and never on a dry run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs

from gateway.detecting import DetectorFailed, Question
from gateway.settings import Address, at_least, between, told
from gateway_guardrails.remote.failures import partial

__all__ = [
    "MAX_CALLS",
    "ServiceOptions",
    "all_of",
    "check_clear",
    "check_may_ask",
    "within",
]

T = TypeVar("T")

#: Calls that one question may cost: a body of megabytes is no reason for thousands of them.
MAX_CALLS: Final = 256


@attrs.frozen(kw_only=True)
class ServiceOptions:
    """
    What can be said of every service.

    Attributes:
        timeout_s: For one question, with all the calls that it takes.
        concurrency: Calls at a time, in one worker.
        max_answer_bytes: An answer that is longer is not read.
    """

    timeout_s: float = attrs.field(
        default=4.0,
        validator=between(0.05, 120),
        metadata=told("Seconds for one question, with all the calls it takes."),
    )
    concurrency: int = attrs.field(
        default=16,
        validator=between(1, 256),
        metadata=told("Calls at a time, in one worker."),
    )
    max_answer_bytes: int = attrs.field(
        default=1 << 20,
        validator=at_least(1024),
        metadata=told("Bytes of an answer; a longer one is not read."),
    )


def check_clear(name: str, url: str, *, allow_http: bool) -> None:
    """
    Refuse a URL by which texts and keys would go over a network in clear.

    Raises:
        ValueError: It is one, and that is not allowed.
    """
    parts = urlsplit(url)
    is_here = Address(parts.hostname or "", 0).is_loopback
    if parts.scheme == "http" and not is_here and not allow_http:
        raise ValueError(
            f"{name}: http:// sends texts and keys in clear; use https://, or allow_http: true"
        )


def check_may_ask(question: Question) -> None:
    """
    Refuse to ask anybody on a dry run.

    Raises:
        DetectorFailed: The question comes from one.
    """
    if question.exchange is not None and question.exchange.dry_run:
        raise DetectorFailed("refused", "a dry run asks nobody")


@asynccontextmanager
async def within(timeout_s: float) -> AsyncIterator[None]:
    """
    Bound what is awaited inside.

    Raises:
        DetectorFailed: It took longer, waiting for a free place included.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise DetectorFailed("timeout", f"no answer in {timeout_s:g} s") from None


async def all_of(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """
    Make all *calls* at once; the first that fails ends the others.

    Raises:
        DetectorFailed: One failed, or there are more than `MAX_CALLS`.
    """
    waiting = list(calls)
    if len(waiting) > MAX_CALLS:
        for call in waiting:
            call.close()
        raise partial(f"more than {MAX_CALLS} calls for one question")
    if len(waiting) == 1:
        return [await waiting[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in waiting]
    except BaseExceptionGroup as several:
        raise _first(several) from None
    return [task.result() for task in tasks]


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    one: BaseException = several
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    return one
