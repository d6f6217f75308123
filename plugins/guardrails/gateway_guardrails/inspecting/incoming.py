"""
Requests: every text of them is looked at, by all guardrails in the same state; then one verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, Literal

import attrs

from gateway.detecting import Passage
from gateway_guardrails.inspecting.asking import Verdict, ask_all, reads_images
from gateway_guardrails.inspecting.failures import Failure, refusal_for
from gateway_guardrails.inspecting.finds import Finds
from gateway_guardrails.inspecting.media import media_in
from gateway_guardrails.inspecting.opinions import flagged_in, hits_in, unplaced
from gateway_guardrails.inspecting.plan import Asking, Plan
from gateway_guardrails.inspecting.refusals import (
    blocked,
    minds_seal,
    sealed,
    unenforceable,
    unsparing,
)
from gateway_guardrails.inspecting.scanning import Scanner
from gateway_guardrails.inspecting.segments import (
    Border,
    Segment,
    borders_of,
    segments_of,
)
from gateway_guardrails.inspecting.verdicts import (
    Hit,
    blocking,
    covers_of,
    hits_of,
    unredacted,
)
from gateway_guardrails.inspecting.writing import write_covers

if TYPE_CHECKING:
    from gateway import Request
    from gateway_guardrails.inspecting.cache import Found
    from gateway_guardrails.inspecting.inspection import Inspection
    from gateway_guardrails.inspecting.scanning import ScanFailed, Shown
    from gateway_guardrails.policy.guardrail import Guardrail

_CLEAN: Final[Found] = ((),)
_STAGE: Final = "input"
#: For how long at most a judge is not asked again about what it found clean.
_REMEMBERED_S: Final = 3600


@attrs.frozen(eq=False, kw_only=True)
class RequestInspector:
    """
    Looks at the requests of many exchanges.

    Attributes:
        embeddings: What a redacting guardrail does to texts that are to be embedded.
    """

    scanner: Scanner
    embeddings: Literal["redact", "refuse"] = "redact"

    async def inspect(
        self, inspection: Inspection, request: Request, plan: Plan, *, attempt: int = 0
    ) -> None:
        """
        Look at *request* by *plan*; edit it in place, or refuse it.

        Raises:
            Blocked: A guardrail says no, or cannot look where it must.
            Unavailable: A guardrail could not judge, and may not be passed over.
        """
        if plan.is_empty:
            return
        started = perf_counter_ns()
        try:
            look = _Looking(self, inspection, request, plan, attempt)
            await look.run()
        finally:
            inspection.took_ns += perf_counter_ns() - started
            inspection.notes.tell(_STAGE, attempt)


@attrs.define(eq=False)
class _Looking:
    """
    One look at one request.
    """

    inspector: RequestInspector
    inspection: Inspection
    request: Request
    plan: Plan
    attempt: int
    finds: Finds = attrs.field(factory=Finds)
    _scanning_us: int = 0
    _media: Sequence[str] = ()
    #: Places of the texts that nobody remembered.
    _fresh: Sequence[int] = ()

    async def run(self) -> None:
        self._refuse_unreadable()
        self._refuse_media()
        segments = segments_of(self.request.texts())
        exchange = self.inspection.exchange
        exchange.explain(f"{len(segments)} texts, {len(self.plan.guardrails)} rules")
        askings = self._askings(segments)
        if not (segments or askings):
            guardrails = self.plan.guardrails
            self.inspection.notes.not_run(guardrails, _STAGE, "nothing to look at")
            return
        if askings:
            verdicts = await self._both(segments, askings)
            self._take_verdicts(segments, verdicts)
        else:
            await self._scan(segments)
        self._refuse(blocking(self.finds.all()))
        self._note_beside()
        self._redact(segments)

    # --- what cannot be looked at -----------------------------------------------------------

    def _refuse_unreadable(self) -> None:
        fields = self.request.unreadable
        if not fields:
            return
        why = f"{', '.join(fields)} holds token numbers instead of words"
        for guardrail in self.plan.guardrails:
            if guardrail.refuses_unread:
                raise unenforceable(guardrail, why, self._id)
        self.inspection.notes.not_run(self.plan.guardrails, _STAGE, why)

    def _refuse_media(self) -> None:
        kinds = self._media = media_in(self.request)
        if not kinds:
            return
        why = f"the request holds what is no text: {', '.join(kinds)}"
        blind = [one for one in self.plan.guardrails if not _sees(one, kinds)]
        for guardrail in blind:
            if guardrail.is_mandatory:
                raise unenforceable(guardrail, why, self._id)
        if blind:
            self.inspection.notes.not_run(blind, _STAGE, why)

    # --- looking ----------------------------------------------------------------------------

    def _askings(self, segments: Sequence[Segment]) -> Sequence[Asking]:
        askings: Sequence[Asking] = self.plan.askings
        if not segments:
            askings = [one for one in askings if self._media and reads_images(one)]
        if askings and self.inspection.exchange.dry_run:
            guardrails = dict.fromkeys(asking.guardrail for asking in askings)
            why = "nobody is asked in a dry run"
            self.inspection.notes.not_run(guardrails, _STAGE, why)
            return ()
        return askings

    async def _both(
        self, segments: Sequence[Segment], askings: Sequence[Asking]
    ) -> list[tuple[list[int], Verdict]]:
        """
        Ask the judges while the scans look; what the scans block is not waited for.
        """
        error: Exception | None = None
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._ask(segments, askings))
            try:
                await self._scan(segments)
                self._refuse(blocking(self.finds.all()))
            except Exception as exc:  # noqa: BLE001 - raised again, out of the group
                error = exc
                asking.cancel()
        if error is not None:
            raise error
        return asking.result()

    async def _scan(self, segments: Sequence[Segment]) -> None:
        if not self.plan.scans:
            return
        for segment, finds in zip(segments, await self._look(segments), strict=True):
            if any(finds):
                self._add(segment, self._hits(finds))
        fresh = {segments[at] for at in self._fresh}
        borders = borders_of(segments, fresh)
        for border, finds in zip(borders, await self._look(borders), strict=True):
            if any(finds):
                self._take_border(border, finds)

    async def _look(self, looks: Sequence[Shown]) -> Sequence[Found]:
        started = perf_counter_ns()
        scope = self.inspection.scope()
        looked = await self.inspector.scanner.scan(self.plan, looks, scope)
        self._scanning_us = (perf_counter_ns() - started) // 1000
        self._fresh = looked.fresh
        for failed in looked.failures:
            self._failed_scan(failed)
        return looked.found

    def _add(self, segment: Segment, hits: Iterable[Hit]) -> None:
        self.finds.add(segment, hits, self.inspection.redaction)

    def _hits(self, found: Found) -> Iterable[Hit]:
        for scan, finds in zip(self.plan.scans, found, strict=True):
            yield from hits_of(scan, finds, self._scanning_us)

    def _take_border(self, border: Border, found: Found) -> None:
        for hit in self._hits(found):
            for segment, share in border.crossing(hit.find):
                part = hit._replace(find=share)
                if border.is_inside:
                    self._add(segment, [part])
                else:
                    self.finds.told.append((part, segment))

    async def _ask(
        self, segments: Sequence[Segment], askings: Sequence[Asking]
    ) -> list[tuple[list[int], Verdict]]:
        """
        Ask each judge about what it did not find clean before.
        """
        chosen = [self._unknown(segments, asking) for asking in askings]
        out: list[tuple[list[int], Verdict]] = []
        async with asyncio.TaskGroup() as group:
            tasks = [
                (places, group.create_task(self._ask_one(segments, places, asking)))
                for places, asking in zip(chosen, askings, strict=True)
                if places or not segments
            ]
        for places, task in tasks:
            out.append((places, task.result()))
        return out

    async def _ask_one(
        self, segments: Sequence[Segment], places: Sequence[int], asking: Asking
    ) -> Verdict:
        passages = [Passage(segments[at].value, segments[at].place) for at in places]
        question = self.inspection.question(_STAGE, passages, self.request)
        (verdict,) = await ask_all([asking], question)
        is_about_texts = not (self._media and reads_images(asking))
        if is_about_texts and not verdict.reason and _is_clean(verdict):
            for at in places:
                name = self._name(segments[at], asking)
                self.inspector.scanner.cache.keep(name, _CLEAN)
        return verdict

    def _unknown(self, segments: Sequence[Segment], asking: Asking) -> list[int]:
        if asking.kind.needs_whole or (self._media and reads_images(asking)):
            return list(range(len(segments)))
        cache = self.inspector.scanner.cache
        return [
            at
            for at, segment in enumerate(segments)
            if segment.value.strip() and cache.find(self._name(segment, asking)) is None
        ]

    def _name(self, segment: Segment, asking: Asking) -> bytes:
        # What a service minds may change without the policy's knowing.
        hour = int(self.inspection.exchange.clock.now() // _REMEMBERED_S)
        who = f"{asking.guardrail.name}\0{asking.number}"
        scope = self.inspection.scope() + f"judge\0{who}\0{hour}".encode()
        return self.inspector.scanner.cache.name(scope, segment.place, segment.value)

    # --- verdicts ---------------------------------------------------------------------------

    def _take_verdicts(
        self,
        segments: Sequence[Segment],
        verdicts: Iterable[tuple[list[int], Verdict]],
    ) -> None:
        for places, verdict in verdicts:
            self.inspection.notes.asked(verdict, _STAGE, self.attempt)
            if verdict.reason:
                asking = verdict.asking
                failure = Failure(asking.name, verdict.reason, verdict.told)
                self._failed(asking.guardrail, failure)
                continue
            values = [segments[at].value for at in places]
            for at, hits in zip(places, hits_in(verdict, values), strict=True):
                self._add(segments[at], hits)
            self.finds.unplaced += unplaced(verdict)
            for at, hits in zip(places, flagged_in(verdict, len(places)), strict=True):
                self.finds.told += [(hit, segments[at]) for hit in hits]

    def _failed_scan(self, failed: ScanFailed) -> None:
        for guardrail in failed.scan.guardrails:
            self._failed(guardrail, failed.failure)

    def _failed(self, guardrail: Guardrail, failure: Failure) -> None:
        notes = self.inspection.notes
        refusal = refusal_for(failure, guardrail, notes, _STAGE, self.attempt)
        if refusal is not None:
            raise refusal

    def _refuse(self, hit: Hit | None) -> None:
        hit = hit or next((one for one in self.finds.unplaced if one.acts), None)
        if hit is None:
            return
        self._note_placed(lambda _hit, _segment: False)
        self._note_beside()
        raise blocked(hit, _STAGE, self._id)

    # --- what is done -----------------------------------------------------------------------

    def _redact(self, segments: Sequence[Segment]) -> None:
        by_segment = self.finds.by_segment
        if not by_segment:
            return
        self._refuse_embedding()
        self._refuse_sealed()
        self._note_placed()
        edits = []
        for segment in sorted(segments, key=_rank):
            hits = () if segment.text.sealed else by_segment.get(segment, ())
            edits.append((segment, covers_of(hits)))
        if any(covers for _, covers in edits):
            write_covers(edits, self.inspection.redaction)
            self.inspection.forget_circumstances()

    def _refuse_embedding(self) -> None:
        """
        Refuse to embed what is not what the caller wrote, where the operator minds.
        """
        is_embedding = self.inspection.exchange.operation == "embed"
        if is_embedding and self.inspector.embeddings == "refuse":
            hit = next((hit for hit in self.finds.all() if hit.acts), None)
            if hit is not None:
                self._note_placed(lambda _hit, _segment: True)
                raise blocked(hit, _STAGE, self._id)

    def _refuse_sealed(self) -> None:
        for segment, hits in self.finds.by_segment.items():
            hit = unsparing(hits) if segment.text.sealed else None
            if hit is not None:
                self._note_placed(
                    lambda hit, segment: segment.text.sealed and minds_seal(hit)
                )
                raise sealed(hit, self._id)

    # --- telling ----------------------------------------------------------------------------

    def _note_placed(
        self, refuses: Callable[[Hit, Segment], bool] | None = None
    ) -> None:
        """
        Note what was found where.

        Args:
            refuses: Tells of a find that is to be redacted whether it is why the request is
                refused, so that nothing is; None if it is not refused.
        """
        for segment, hits in self.finds.by_segment.items():
            for hit in hits:
                done = None
                if refuses is not None:
                    done = unredacted(hit, refuses=refuses(hit, segment))
                elif segment.text.sealed:
                    done = unredacted(hit)
                self.inspection.notes.take(hit, segment.place, action=done)

    def _note_beside(self) -> None:
        notes = self.inspection.notes
        for hit in self.finds.unplaced:
            notes.take_unplaced(hit, _STAGE)
        for hit, segment in self.finds.told:
            notes.take(hit, segment.place, action="flag")

    @property
    def _id(self) -> str:
        return self.inspection.exchange.id


def _is_clean(verdict: Verdict) -> bool:
    opinion = verdict.opinion
    return not (
        opinion.is_blocked
        or opinion.whole
        or any(opinion.finds)
        or any(opinion.flagged)
        or any(masked is not None for masked in opinion.masked)
    )


def _sees(guardrail: Guardrail, kinds: Sequence[str]) -> bool:
    """
    Tell whether *guardrail* asks somebody who looks at all those *kinds* of media.
    """
    judges = guardrail.judges_at(_STAGE)
    return set(kinds) == {"image"} and any(map(reads_images, judges))


def _rank(segment: Segment) -> int:
    """
    Put first what stays the same from turn to turn, so that its numbers stay as well.
    """
    place = segment.place
    is_standing = place.role in ("system", "developer") or place.kind in (
        "tool_definition",
        "schema",
    )
    return 0 if is_standing else 1
