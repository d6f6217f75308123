"""
Texts looked at whole by those who look by themselves: remembered, and off the loop where long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import attrs

from gateway_guardrails.characters import without_halves
from gateway_guardrails.inspecting.checking import found_by
from gateway_guardrails.inspecting.failures import Failure

if TYPE_CHECKING:
    from gateway.detecting import Find, Place
    from gateway_guardrails.inspecting.cache import FindCache, Found
    from gateway_guardrails.inspecting.plan import Plan, Scan

#: Characters from which on texts are looked at in another thread.
LONG: Final = 64 * 1024
#: Characters of one turn there, so that other exchanges have theirs.
_TURN: Final = 256 * 1024


class ScanFailed(Exception):
    """
    A detector failed; says which and how, and nothing of the text.
    """

    def __init__(self, scan: Scan, failure: Failure) -> None:
        super().__init__(f"{failure.name}: {failure.told or failure.reason}")
        self.scan = scan
        self.failure = failure


class Shown(Protocol):
    """
    A text to be looked at, and where it stands.
    """

    @property
    def value(self) -> str: ...  # noqa: D102 - told above
    @property
    def place(self) -> Place: ...  # noqa: D102


class Look(NamedTuple):
    """
    A text to be looked at, and where it stands.
    """

    value: str
    place: Place


class Looked(NamedTuple):
    """
    What came of looking.

    Attributes:
        found: For each text what each scan found.
        failures: Scans that failed, whose finds are missing.
        fresh: The places of texts that nobody remembered.
    """

    found: list[Found]
    failures: Sequence[ScanFailed] = ()
    fresh: Sequence[int] = ()


@attrs.define(eq=False)
class Scanner:
    """
    Looks at texts for many exchanges.
    """

    cache: FindCache
    pool: Executor

    async def scan(self, plan: Plan, looks: Sequence[Shown], scope: bytes) -> Looked:
        """
        Look at each of *looks* with each scan of *plan*.

        Args:
            scope: On whose behalf, and by which policy.
        """
        if not plan.scans:
            return Looked([()] * len(looks))
        cache = self.cache
        names = cache.names(scope + plan.mark, looks)
        found: list[Found | None] = [cache.find(name) for name in names]
        missing = [at for at, known in enumerate(found) if known is None]
        failures: list[ScanFailed] = []
        for turn in _turns(missing, looks):
            new, failed = await self.look(plan, [looks[at] for at in turn])
            failures += failed
            for at, one in zip(turn, new, strict=True):
                found[at] = one
                if not failed:
                    cache.keep(names[at], one)
        return Looked([one or () for one in found], failures, missing)

    async def look(
        self, plan: Plan, looks: Sequence[Shown]
    ) -> tuple[list[Found], list[ScanFailed]]:
        """
        Look at *looks* without remembering anything; in another thread if they are long.
        """
        if sum(len(look.value) for look in looks) <= LONG:
            return look_at(plan.scans, looks)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, look_at, plan.scans, looks)


def look_at(
    scans: Sequence[Scan], looks: Sequence[Shown]
) -> tuple[list[Found], list[ScanFailed]]:
    """
    Look at each of *looks* with each of *scans*.
    """
    failures: dict[Scan, ScanFailed] = {}
    found = [tuple(_finds(scan, look, failures) for scan in scans) for look in looks]
    return found, list(failures.values())


def _finds(scan: Scan, look: Shown, failures: dict[Scan, ScanFailed]) -> Sequence[Find]:
    try:
        text = without_halves(look.value)
        find = scan.detector.find
        finds, _ = found_by(find, text, 0, final=True, place=look.place)
    except Exception as exc:  # noqa: BLE001 - the guardrail says what follows from it
        failures[scan] = ScanFailed(scan, Failure.of(scan.name, exc))
        return ()
    return tuple(finds) if finds else ()


def _turns(missing: Sequence[int], looks: Sequence[Shown]) -> list[list[int]]:
    """
    Put the texts that are *missing* into turns, none longer than it must be.
    """
    total = sum(len(looks[at].value) for at in missing)
    if total <= _TURN:
        return [list(missing)] if missing else []
    turns: list[list[int]] = [[]]
    length = 0
    for at in missing:
        size = len(looks[at].value)
        if length and length + size > _TURN:
            turns.append([])
            length = 0
        turns[-1].append(at)
        length += size
    return turns
