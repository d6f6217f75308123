"""
What of one person a legal hold covers, so that erasing would destroy it.
"""

from __future__ import annotations

import asyncio

import attrs

from gateway_audit.bodies.shelf import Shelf
from gateway_audit.index.reading import IndexReader
from gateway_audit.retention.settings import LegalHold
from gateway_audit.subjects.register import Subject


@attrs.frozen(kw_only=True)
class Held:
    """
    What the hold covers of a person.

    Attributes:
        entries: Those that name it, or whose body is about it.
        bodies: Those on the shelf; what was archived counts as its entry.
    """

    hold: LegalHold
    entries: int
    bodies: int

    def __str__(self) -> str:
        return f"from {self.hold} on, entries: {self.entries}, bodies: {self.bodies}"


async def held_of(
    hold: LegalHold | None,
    subject: Subject | None,
    *,
    name: str,
    index: IndexReader,
    shelf: Shelf,
) -> Held | None:
    """
    Tell what *hold* covers of *subject*; None if that is nothing.

    Args:
        name: What callers call it: where they name nobody, the id of a virtual key.
    """
    if hold is None or subject is None:
        return None
    since_s = hold.since_s
    since_ms = None if since_s is None else int(since_s * 1000)
    entries = await index.count_about(
        subject.pseudonym, key=name, first=hold.index or 0, since=since_ms
    )
    if since_ms is None:
        # Bodies are named by their time: none of an entry behind the hold is older than this.
        since_ms = await index.oldest_from(hold.index or 0)
    bodies = 0
    if since_ms is not None:
        count = shelf.count_since
        bodies = await asyncio.to_thread(count, subject.pseudonym, since_ms)
    if not entries and not bodies:
        return None
    return Held(hold=hold, entries=entries, bodies=bodies)
