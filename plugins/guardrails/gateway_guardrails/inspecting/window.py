"""
The window: what comes is looked at by itself, and only what may still grow into a find is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from gateway.filters import Edit, TextFilter
from gateway_guardrails.characters import without_halves
from gateway_guardrails.inspecting.checking import found_by
from gateway_guardrails.inspecting.failures import Failure, refusal_for
from gateway_guardrails.inspecting.refusals import (
    blocked,
    sealed,
    unsparing,
)
from gateway_guardrails.inspecting.scanning import LONG, Look
from gateway_guardrails.inspecting.segments import place_of
from gateway_guardrails.inspecting.verdicts import (
    Hit,
    blocking,
    covers_of,
    hits_of,
    others_than_ours,
    unredacted,
)

if TYPE_CHECKING:
    from gateway import Chunk, Response
    from gateway.detecting import Find, Place
    from gateway.filters import Outcome
    from gateway_guardrails.inspecting.cache import Found
    from gateway_guardrails.inspecting.inspection import Inspection
    from gateway_guardrails.inspecting.plan import Plan, Scan
    from gateway_guardrails.inspecting.scanning import Scanner

STAGE: Final = "output"
_ROLES: Final = {"error": "provider", "tool_result": "tool"}


def answer_place(kind: str) -> Place:
    """
    Return the place of a text of *kind* in an answer.
    """
    return place_of(STAGE, _ROLES.get(kind, "assistant"), kind)


class WindowFilter(TextFilter):
    """
    Looks at an answer with all scans of a plan at once.

    A stretch is decided when each scan has decided it, so that finds of several that overlap
    are merged as they are in a whole text.

    Args:
        attempt: The number of the attempt that the answer is of; 0 if it is of none.
        scanner: Looks at long whole answers beside the loop.
    """

    def __init__(
        self,
        inspection: Inspection,
        plan: Plan,
        attempt: int = 0,
        scanner: Scanner | None = None,
    ) -> None:
        self._inspection = inspection
        self._plan = plan
        self._scanner = scanner
        self._seen: dict[tuple[Place, str], Found] = {}
        self._notes = inspection.notes
        self._attempt = attempt
        self._scans = [(scan.detector.find, scan) for scan in plan.scans]
        self._places: dict[str, Place] = {}
        self.context = max(plan.context, 1)
        sealed = {guardrail.sealed for guardrail in plan.guardrails}
        self.on_sealed = "skip" if sealed == {"pass"} else "refuse"

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find what is to be replaced; refuse what is to be blocked.
        """
        kind = self.running.kind
        started = perf_counter_ns()
        place = self._places.get(kind)
        if place is None:
            place = self._places[kind] = answer_place(kind)
        safe = len(text)
        found: list[tuple[Scan, Sequence[Find]]] | None = None
        scan = None
        if final and self._seen:
            seen = self._seen.get((place, text))
            if seen is not None:
                pairs = zip(self._plan.scans, seen, strict=True)
                found = [(scan, finds) for scan, finds in pairs if finds]
                return self._taken(text, found, safe, place, started)
        shown = without_halves(text)
        try:
            for find, scan in self._scans:
                finds, here = found_by(find, shown, start, final=final, place=place)
                safe = min(safe, here)
                if finds:
                    if found is None:
                        found = []
                    found.append((scan, finds))
        except Exception as exc:  # noqa: BLE001 - the guardrail says what follows from it
            self._failed(scan, exc)
            return self.find(text, start, final)
        return self._taken(text, found, safe, place, started)

    async def feed_response(self, response: Response) -> int:
        """
        Look at a whole answer; at a long one beside the loop.
        """
        if self._scanner is not None and len(response.encode()) > LONG:
            looks = [
                Look(text.value, answer_place(text.kind)) for text in response.texts()
            ]
            found, failures = await self._scanner.look(self._plan, looks)
            if not failures:  # otherwise they are met again, and dealt with there
                self._seen = {
                    (look.place, look.value): finds
                    for look, finds in zip(looks, found, strict=True)
                }
        return await super().feed_response(response)

    def _taken(
        self,
        text: str,
        found: Sequence[tuple[Scan, Sequence[Find]]] | None,
        safe: int,
        place: Place,
        started: int,
    ) -> tuple[Sequence[Edit], int]:
        edits: Sequence[Edit] = ()
        if found:
            took_us = (perf_counter_ns() - started) // 1000
            hits = [hit for scan, at in found for hit in hits_of(scan, at, took_us)]
            if hits:
                hits = others_than_ours(hits, text, self._inspection.redaction)
            if hits:
                edits, safe = self._judged(text, hits, safe, place)
        self._inspection.took_ns += perf_counter_ns() - started
        return edits, safe

    async def close(self, outcome: Outcome) -> None:
        """
        Drop what waits, and tell what was found.
        """
        await super().close(outcome)
        self._notes.tell(STAGE, self._attempt)

    def _judged(
        self, text: str, hits: Sequence[Hit], safe: int, place: Place
    ) -> tuple[Sequence[Edit], int]:
        # What was found is certain, whatever another scan still waits for beside it.
        self._refuse(blocking(hits), place)
        if self.running.is_sealed:
            self._refuse_sealed(unsparing(hits), place)
        redacting = () if self.running.is_sealed else hits
        redaction = self._inspection.redaction
        edits = []
        for cover in covers_of(redacting):
            if cover.end > safe:
                safe = min(safe, cover.start)
                break
            value = text[cover.start : cover.end]
            # Not the caller's own, unless it is known to be.
            new = redaction.token(cover.kind, value, cover.style, restores=False)
            edits.append(Edit(cover.start, cover.end, new))
        # From there on all is shown again.
        self._note([hit for hit in hits if hit.find.start < safe], place)
        return edits, safe

    def _refuse(self, hit: Hit | None, place: Place) -> None:
        if hit is not None:
            self._note([hit], place)
            raise blocked(hit, STAGE, self._inspection.exchange.id)

    def _refuse_sealed(self, hit: Hit | None, place: Place) -> None:
        if hit is not None:
            self._note([hit], place, refuses=True)
            raise sealed(hit, self._inspection.exchange.id)

    def _note(
        self, hits: Sequence[Hit], place: Place, *, refuses: bool = False
    ) -> None:
        running = self.running
        offset = 0 if running.is_json else running.offset
        for hit in hits:
            done = unredacted(hit, refuses=refuses) if running.is_sealed else None
            self._notes.take(hit, place, offset=offset, action=done)

    def _failed(self, scan: Scan | None, exc: Exception) -> None:
        """
        Go on without *scan*, or refuse the answer.
        """
        if scan is None:
            raise exc
        failure = Failure.of(scan.name, exc)
        for guardrail in scan.guardrails:
            refusal = refusal_for(failure, guardrail, self._notes, STAGE, self._attempt)
            if refusal is not None:
                raise refusal from None
        self._scans = [pair for pair in self._scans if pair[1] is not scan]


class WatchingFilter(WindowFilter):
    """
    Looks at an answer likewise, and holds nothing: it may cut a stream, never edit it.

    A whole answer, which waits for nobody, is edited.
    """

    holds_chunks = False
    # What is counted as waiting has left.
    cap = 1 << 26

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Look at *chunks* and let them pass.
        """
        await super().feed(chunks)
        return chunks

    async def flush(self) -> Sequence[Chunk]:
        """
        Look at what is left.
        """
        await super().flush()
        return ()
