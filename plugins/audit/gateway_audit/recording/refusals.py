"""
Which of those who are refused get an entry of their own, and how many did not.

A stranger costs nothing and may come fifty thousand times a second: what the log grows by must not
depend on how often.  The first of each source and reason in a second are told one by one; the
others are counted, by source and reason as far as the table has room, and all together beyond.
"""

from __future__ import annotations

from typing import Any

import attrs

from gateway_audit.settings import RefusalSettings


@attrs.define
class _Row:
    seen: int = 0
    told: int = 0


class Refusals:
    """
    Counts the refusals of one second.
    """

    def __init__(self, settings: RefusalSettings) -> None:
        self._settings = settings
        self._rows: dict[tuple[str, str], _Row] = {}
        self._strangers_told = 0
        self._others = 0
        self._since = 0

    @property
    def is_empty(self) -> bool:
        """
        Whether nobody was refused.
        """
        return not self._rows and not self._others

    def admits(self, source: str, code: str, now_ms: int, *, is_known: bool) -> bool:
        """
        Count one refusal.

        Args:
            source: A pseudonym, or a virtual key's id.
            is_known: It is a virtual key's id.

        Returns:
            Whether it is to get an entry of its own.
        """
        settings = self._settings
        if self.is_empty:
            self._since = now_ms
        row = self._rows.get((source, code))
        if row is None:
            if len(self._rows) >= settings.max_sources:
                self._others += 1
                return False
            row = self._rows[source, code] = _Row()
        row.seen += 1
        if is_known:
            most = settings.known_per_s
        else:
            most = settings.anonymous_per_s
            if self._strangers_told >= settings.sampled_per_s:
                return False
        if row.told >= most:
            return False
        row.told += 1
        self._strangers_told += not is_known
        return True

    def take(self, now_ms: int) -> dict[str, Any] | None:
        """
        Begin the next second; returns what the last one's entry says, None if all were told.
        """
        rows: list[dict[str, Any]] = [
            {"code": code, "count": row.seen - row.told, "source": source}
            for (source, code), row in self._rows.items()
            if row.seen > row.told
        ]
        others, self._others = self._others, 0
        self._rows = {}
        self._strangers_told = 0
        if not rows and not others:
            return None
        rows.sort(key=lambda row: -row["count"])
        count = others + sum(row["count"] for row in rows)
        return {
            "count": count,
            "others": others,
            "rows": rows,
            "since": self._since,
            "until": now_ms,
        }
