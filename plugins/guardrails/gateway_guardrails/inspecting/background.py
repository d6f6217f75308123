"""
In the background: an answer passes while judges look at it, and is cut if one of them says no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.detecting import Passage
from gateway.filters import Edit, TextFilter
from gateway_guardrails.inspecting.asking import ask_all
from gateway_guardrails.inspecting.failures import Failure, refusal_for
from gateway_guardrails.inspecting.opinions import flagged_in, hits_in, unplaced
from gateway_guardrails.inspecting.refusals import blocked
from gateway_guardrails.inspecting.window import STAGE, answer_place

if TYPE_CHECKING:
    from gateway import Chunk, Request, Response
    from gateway.filters import Outcome
    from gateway.filters.lanes import RunningText
    from gateway_guardrails.inspecting.asking import Verdict
    from gateway_guardrails.inspecting.inspection import Inspection
    from gateway_guardrails.inspecting.plan import Plan

#: Characters, or seconds, after which the judges are asked about what came since.
WINDOW: Final = 1000
WINDOW_S: Final = 1.5
#: Characters left of them that are shown again, for what stands over the border.
_OVERLAP: Final = 200
#: Windows that are looked at at the same time; then the answer waits, or the next one grows.
_MAX_OPEN: Final = 8
#: Characters to which it grows where nobody would cut the answer; those beyond are not looked at.
MOST: Final = 64 * WINDOW


class BackgroundFilter(TextFilter):
    """
    Lets an answer pass, and has it judged meanwhile.

    The verdict on all of it is waited for before the event that ends it; where nobody would cut
    it, behind that, so that what is found is recorded and no text waits.

    Args:
        spawn: Runs a coroutine beside the caller.
    """

    holds_chunks = False
    context = _OVERLAP
    # What is counted as waiting has left.
    cap = 1 << 26
    # Nothing is edited.
    on_sealed = "skip"

    def __init__(
        self,
        inspection: Inspection,
        plan: Plan,
        request: Request,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        attempt: int = 0,
    ) -> None:
        self._inspection = inspection
        self._plan = plan
        self._request = request
        self._spawn = spawn
        self._attempt = attempt
        self._clock = inspection.exchange.clock
        self._gathered: dict[RunningText, list[str]] = {}
        self._strings: list[tuple[str, str]] = []
        self._length = 0
        self._is_behind = False
        self._since_s = self._clock.monotonic()
        self._open: set[asyncio.Task[None]] = set()
        self._no: Exception | None = None

    # --- streams ----------------------------------------------------------------------------

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Let *chunks* pass, unless a judge said no.
        """
        self._check()
        await super().feed(chunks)
        if self._plan.acts and any(_ends_answer(chunk) for chunk in chunks):
            await self._finish()
        elif self._is_due():
            await self._ask_in_turn()
        self._check()
        return chunks

    async def flush(self) -> Sequence[Chunk]:
        """
        Wait for the verdict on all of it.
        """
        await super().flush()
        await self._finish()
        self._check()
        return ()

    async def feed_response(self, response: Response) -> int:
        """
        Wait for the verdict on a whole answer.
        """
        await super().feed_response(response)
        await self._finish()
        self._check()
        return 0

    async def close(self, outcome: Outcome) -> None:
        """
        Ask no more, and tell what was found.
        """
        await super().close(outcome)
        for task in self._open:
            task.cancel()
        self._inspection.notes.tell(STAGE, self._attempt)

    async def judge(
        self, text: str, start: int, final: bool
    ) -> tuple[Sequence[Edit], int]:
        """
        Gather what came.
        """
        running = self.running
        if self._is_too_much(len(text) - start):
            self._fall_behind()
            return (), len(text)
        if running.is_json:
            self._strings.append((running.kind, text))
        elif running in self._gathered:
            self._gathered[running].append(text[start:])
        else:
            self._gathered[running] = [text]
        self._length += len(text) - start
        return (), len(text)

    # --- asking -----------------------------------------------------------------------------

    def _is_too_much(self, length: int) -> bool:
        # Where something would be cut, the answer waits instead.
        are_busy = len(self._open) >= _MAX_OPEN
        return are_busy and not self._plan.acts and self._length + length > MOST

    def _fall_behind(self) -> None:
        """
        Say once that more came than the judges can look at.
        """
        if self._is_behind:
            return
        self._is_behind = True
        for asking in self._plan.askings:
            told = "the answer came faster than it was judged"
            failure = Failure(asking.name, "partial_coverage", told)
            notes = self._inspection.notes
            refusal_for(failure, asking.guardrail, notes, STAGE, self._attempt)

    def _is_due(self) -> bool:
        if not self._length:
            return False
        waited_s = self._clock.monotonic() - self._since_s
        return self._length >= WINDOW or waited_s >= WINDOW_S

    async def _ask_in_turn(self) -> None:
        if len(self._open) >= _MAX_OPEN:
            if not self._plan.acts:
                return
            await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
        self._ask()

    def _ask(self) -> None:
        gathered = [
            (running.kind, "".join(pieces))
            for running, pieces in self._gathered.items()
        ]
        gathered += self._strings
        self._gathered, self._strings = {}, []
        self._length = 0
        self._since_s = self._clock.monotonic()
        passages = [
            Passage(text, answer_place(kind)) for kind, text in gathered if text.strip()
        ]
        if passages:
            task = self._spawn(self._judge_passages(passages))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _finish(self) -> None:
        self._ask()
        while self._open:
            await asyncio.wait(self._open)

    async def _judge_passages(self, passages: Sequence[Passage]) -> None:
        try:
            question = self._inspection.question(STAGE, passages, self._request)
            for verdict in await ask_all(self._plan.askings, question):
                self._take_verdict(verdict, passages)
        except Exception as exc:  # noqa: BLE001 - raised where the answer passes
            self._no = self._no or exc

    def _take_verdict(self, verdict: Verdict, passages: Sequence[Passage]) -> None:
        notes = self._inspection.notes
        guardrail = verdict.asking.guardrail
        request_id = self._inspection.exchange.id
        notes.asked(verdict, STAGE, self._attempt)
        if verdict.reason:
            failure = Failure(verdict.asking.name, verdict.reason, verdict.told)
            refusal = refusal_for(failure, guardrail, notes, STAGE, self._attempt)
            self._no = self._no or refusal
            return
        hits = unplaced(verdict)
        for hit in hits:
            notes.take_unplaced(hit, STAGE)
        for passage, found in zip(
            passages, flagged_in(verdict, len(passages)), strict=True
        ):
            for hit in found:
                notes.take(hit, passage.place, offset=None, action="flag")
        values = [passage.text for passage in passages]
        for passage, found in zip(passages, hits_in(verdict, values), strict=True):
            for hit in found:
                notes.take(hit, passage.place, offset=None)
            hits += found
        stopped = next((hit for hit in hits if hit.acts), None)
        if stopped is not None:
            self._no = self._no or blocked(stopped, STAGE, request_id)

    def _check(self) -> None:
        if self._no is not None:
            raise self._no


def _ends_answer(chunk: Chunk) -> bool:
    """
    Tell whether *chunk* ends a whole choice, or all of them.
    """
    return any(len(prefix) <= 1 for prefix in chunk.ends())
