"""
The buffer: each text of an answer is held to its end, and all that ended are judged at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from gateway.detecting import Passage
from gateway.errors import Blocked
from gateway.filters import Edit, TextFilter
from gateway_guardrails.inspecting.asking import ask_all
from gateway_guardrails.inspecting.failures import Failure, refusal_for
from gateway_guardrails.inspecting.opinions import flagged_in, hits_in, unplaced
from gateway_guardrails.inspecting.refusals import (
    blocked,
    sealed,
    unsparing,
)
from gateway_guardrails.inspecting.scanning import Look, Scanner
from gateway_guardrails.inspecting.verdicts import (
    Cover,
    Hit,
    blocking,
    covers_of,
    hits_of,
    others_than_ours,
    unredacted,
)
from gateway_guardrails.inspecting.window import STAGE, answer_place

if TYPE_CHECKING:
    from gateway import Chunk, Request
    from gateway.filters import Outcome
    from gateway_guardrails.inspecting.asking import Verdict
    from gateway_guardrails.inspecting.inspection import Inspection
    from gateway_guardrails.inspecting.plan import Plan
    from gateway_guardrails.policy.guardrail import Guardrail

#: What a chunk weighs at least while it waits.
_LEAST_WEIGHT: Final = 8
#: Kind and text.
_Ended = tuple[str, str]


class BufferFilter(TextFilter):
    """
    Holds back every text of an answer until it is complete, and has it judged.

    Where a judge wants the answer as a whole, all of it is held until its end.

    Args:
        request: What the answer answers.
    """

    def __init__(
        self,
        inspection: Inspection,
        plan: Plan,
        scanner: Scanner,
        request: Request,
        attempt: int = 0,
    ) -> None:
        self._inspection = inspection
        self._plan = plan
        self._scanner = scanner
        self._request = request
        self._attempt = attempt
        self._known: dict[_Ended, Sequence[Hit]] = {}
        #: Of which nothing was noted: whether it is redacted depends on where it stands.
        self._untold: set[_Ended] = set()
        sealed = {guardrail.sealed for guardrail in plan.guardrails}
        self.on_sealed = "skip" if sealed == {"pass"} else "refuse"
        self._waits = any(asking.kind.needs_whole for asking in plan.askings)
        self._waiting: list[Chunk] = []
        self._weight = 0

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Take *chunks*; return those whose texts are judged.
        """
        if not self._waits:
            return await super().feed(chunks)
        self._waiting += chunks
        self._weight += sum(len(chunk.data) + _LEAST_WEIGHT for chunk in chunks)
        if self._weight > self.cap * 4:
            self._waiting.clear()
            msg = "A guardrail had to hold back more of the answer than it may."
            raise Blocked(msg, code="guardrail_unenforceable")
        return ()

    async def flush(self) -> Sequence[Chunk]:
        """
        Judge what waits, and return it.
        """
        waiting, self._waiting = self._waiting, []
        first = await super().feed(waiting) if waiting else ()
        return [*first, *await super().flush()]

    async def close(self, outcome: Outcome) -> None:
        """
        Drop what waits, and tell what was found.
        """
        self._waiting.clear()
        await super().close(outcome)
        for kind, value in self._untold:  # another text refused the answer
            self._note(kind, self._known.get((kind, value), ()), is_redacted=False)
        self._inspection.notes.tell(STAGE, self._attempt)

    async def foresee(self, ended: Sequence[_Ended]) -> None:
        """
        Have all that ended judged at once.
        """
        self._known.clear()
        new = [(kind, text) for kind, text in dict.fromkeys(ended) if text.strip()]
        if new:
            await self._look_at(new)

    async def judge(
        self, text: str, start: int, final: bool
    ) -> tuple[Sequence[Edit], int]:
        """
        Decide nothing before the end, then what was found.
        """
        if not final:
            return (), start
        kind, value = self.running.kind, text[start:]
        if not value.strip():
            return (), len(text)
        if (kind, value) not in self._known:
            await self._look_at([(kind, value)])
        hits = self._known[kind, value]
        is_sealed = self.running.is_sealed
        hit = unsparing(hits) if is_sealed else None
        if (kind, value) in self._untold:
            self._untold.discard((kind, value))
            self._note(kind, hits, is_redacted=not is_sealed, why=hit)
        if hit is not None:
            raise sealed(hit, self._inspection.exchange.id)
        covers = () if is_sealed else covers_of(hits)
        return self._edits(value, start, covers), len(text)

    def _edits(self, value: str, start: int, covers: Sequence[Cover]) -> Sequence[Edit]:
        redaction = self._inspection.redaction
        return [
            Edit(
                start + cover.start,
                start + cover.end,
                redaction.token(
                    cover.kind,
                    value[cover.start : cover.end],
                    cover.style,
                    restores=False,
                ),
            )
            for cover in covers
        ]

    # --- looking ----------------------------------------------------------------------------

    async def _look_at(self, ended: Sequence[_Ended]) -> None:
        """
        Judge *ended*, and keep what was found.

        Raises:
            Blocked: A guardrail says no.
            Unavailable: One could not judge, and may not be passed over.
        """
        started = perf_counter_ns()
        found: list[list[Hit]] = await self._scan(ended)
        beside: list[Hit] = []
        if self._plan.askings:
            passages = [Passage(text, answer_place(kind)) for kind, text in ended]
            question = self._inspection.question(STAGE, passages, self._request)
            for verdict in await ask_all(self._plan.askings, question):
                self._take_verdict(verdict, [text for _, text in ended], found, beside)
                for (kind, _), hits in zip(
                    ended, flagged_in(verdict, len(ended)), strict=True
                ):
                    for hit in hits:
                        self._inspection.notes.take(
                            hit, answer_place(kind), action="flag"
                        )
        self._inspection.took_ns += perf_counter_ns() - started
        redaction = self._inspection.redaction
        found = [
            others_than_ours(hits, text, redaction)
            for (_, text), hits in zip(ended, found, strict=True)
        ]
        for hit in beside:
            self._inspection.notes.take_unplaced(hit, STAGE)
        stopped = blocking(hit for hits in found for hit in hits)
        stopped = stopped or next((hit for hit in beside if hit.acts), None)
        if stopped is not None:
            for (kind, _), hits in zip(ended, found, strict=True):
                self._note(kind, hits, is_redacted=False)
            raise blocked(stopped, STAGE, self._inspection.exchange.id)
        self._known.update(zip(ended, found, strict=True))
        self._untold.update(ended)

    async def _scan(self, ended: Sequence[_Ended]) -> list[list[Hit]]:
        plan = self._plan
        looks = [Look(text, answer_place(kind)) for kind, text in ended]
        scope = self._inspection.scope()
        started = perf_counter_ns()
        looked = await self._scanner.scan(plan, looks, scope)
        took_us = (perf_counter_ns() - started) // 1000
        for failed in looked.failures:
            for guardrail in failed.scan.guardrails:
                self._failed(guardrail, failed.failure)
        return [
            [
                hit
                for scan, finds in zip(plan.scans, found, strict=True)
                for hit in hits_of(scan, finds, took_us)
            ]
            for found in looked.found
        ]

    def _take_verdict(
        self,
        verdict: Verdict,
        values: Sequence[str],
        found: list[list[Hit]],
        beside: list[Hit],
    ) -> None:
        self._inspection.notes.asked(verdict, STAGE, self._attempt)
        if verdict.reason:
            asking = verdict.asking
            failure = Failure(asking.name, verdict.reason, verdict.told)
            self._failed(asking.guardrail, failure)
            return
        for hits, new in zip(found, hits_in(verdict, values), strict=True):
            hits += new
        beside += unplaced(verdict)

    def _failed(self, guardrail: Guardrail, failure: Failure) -> None:
        notes = self._inspection.notes
        refusal = refusal_for(failure, guardrail, notes, STAGE, self._attempt)
        if refusal is not None:
            raise refusal

    def _note(
        self,
        kind: str,
        hits: Iterable[Hit],
        *,
        is_redacted: bool,
        why: Hit | None = None,
    ) -> None:
        """
        Note *hits* in a text of *kind*; *why* is what refuses the answer where one of them does.
        """
        place = answer_place(kind)
        for hit in hits:
            done = None if is_redacted else unredacted(hit, refuses=hit is why)
            self._inspection.notes.take(hit, place, action=done)
