"""
Tells the calls that guardrails make themselves from everybody else's.

A judge that asks a model through the gateway makes an exchange, which is inspected like any other.
Were judges asked about it too, they would ask about their own question, and so on; so those who
look by themselves look at it, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ASKING: Final[ContextVar[bool]] = ContextVar("guardrails_asking", default=False)


@contextmanager
def asking() -> Iterator[None]:
    """
    Let what is called meanwhile be known as asked by a guardrail.
    """
    token = _ASKING.set(True)
    try:
        yield
    finally:
        _ASKING.reset(token)


def is_asking() -> bool:
    """
    Tell whether a guardrail asks.
    """
    return _ASKING.get()
