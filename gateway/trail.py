"""
What was decided on an exchange, and found in it: the explanation that goes with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import attrs


@attrs.frozen(kw_only=True)
class Finding:
    """
    What a guardrail found; the place, never the text.

    Attributes:
        span: First character and the one after the last, in the text at *place*.
        action: ``block``, ``redact``, ``flag``.
        place: Whose text of which kind it is, ``user message``.
        is_shadow: The action is what would have been done, by a guardrail that only records.
        took_us: How long the looking took that found it.
    """

    guardrail: str
    detector: str
    type: str
    severity: str
    action: str
    stage: str
    span: tuple[int, int] | None = None
    score: float | None = None
    place: str = ""
    is_shadow: bool = False
    took_us: int | None = None


class TrailLine(NamedTuple):
    """
    What one plugin decided in one hook.

    Attributes:
        outcome: ``passed``, ``answered``, ``changed``, ``refused``, ``failed``,
            ``failed_open``, ``skipped``; the core's own lines use further words.
        reason: Why, in words for an operator; never a prompt or a secret.
        ns: Time spent, in nanoseconds.
        attempt: The number of the attempt, or 0 where the hook has none.
    """

    plugin: str
    hook: str
    outcome: str
    reason: str
    ns: int
    attempt: int


class Trail:
    """
    The decisions on one exchange, in the order in which they fell.

    Written by every hook and read by few, so it keeps plain tuples.

    Attributes:
        said: The lines as they are kept, each the members of a `TrailLine`.
    """

    __slots__ = ("findings", "said")

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str, str, int, int]] = []
        self.findings: list[Finding] = []

    def add(  # one call a hook on the hot path
        self,
        plugin: str,
        hook: str,
        outcome: str,
        reason: str = "",
        ns: int = 0,
        attempt: int = 0,
    ) -> None:
        """
        Put one line down.
        """
        self.said.append((plugin, hook, outcome, reason, ns, attempt))

    @property
    def lines(self) -> list[TrailLine]:
        """
        The lines so far.
        """
        return [TrailLine._make(said) for said in self.said]

    def time_by_plugin(self) -> dict[str, int]:
        """
        Sum the nanoseconds of each plugin.
        """
        spent: dict[str, int] = {}
        for plugin, _, _, _, ns, _ in self.said:
            spent[plugin] = spent.get(plugin, 0) + ns
        return spent

    def as_list(self) -> list[dict[str, Any]]:
        """
        Return the lines as JSON values, times in microseconds.
        """
        return [
            {
                "plugin": line.plugin,
                "hook": line.hook,
                "outcome": line.outcome,
                "reason": line.reason,
                "us": round(line.ns / 1000, 1),
                **({"attempt": line.attempt} if line.attempt else {}),
            }
            for line in self.lines
        ]
