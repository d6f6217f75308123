"""
Whether the hottest modules run compiled: ``python -m gateway_guardrails.compiled``.
"""

from __future__ import annotations

from gateway_guardrails.pii import numbers

__all__ = ["is_compiled"]


def is_compiled() -> bool:
    """
    Tell whether this installation was compiled; what it finds is the same.
    """
    return not numbers.__file__.endswith(".py")


if __name__ == "__main__":
    print("compiled" if is_compiled() else "pure Python")  # noqa: T201
