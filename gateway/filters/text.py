"""
The text filter: its author says what to replace; where and when is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from gateway.errors import Blocked
from gateway.filters.edits import Edit, decided
from gateway.filters.held import OnSealed, sealed
from gateway.filters.holdback import HoldBack
from gateway.filters.json_text import JsonPlaces
from gateway.filters.source import edits_in_source, strings_in_source
from gateway.filters.stream import StreamFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.exchange import Outcome
    from gateway.filters.lanes import RunningText
    from gateway.views import Chunk, Response, Text


class TextFilter(StreamFilter):
    """
    Replaces parts of the running texts of an answer, wherever chunks split them.

    An author writes `find`; one that must ask somebody overrides `judge` instead.  Both see
    running text: the deltas of one lane put together, or one text that is complete.  Tool
    arguments are shown string by string, decoded, once their JSON is complete; of numbers those
    with twelve digits and more, each of which becomes a string if it is edited.  Other text that
    is JSON is shown as it is written, and edits are fitted to it: what they put into a string is
    escaped, and a number that is edited becomes a string.

    A lane is final when the dialect says that it ends, or when another text of the same choice
    goes on without it (the answer behind the reasoning).  If it goes on after all, its choice is
    taken for one whose texts take turns, and none of them is ended that way again.

    Attributes:
        kinds: The kinds of text to look at; None for all.
        context: How many characters to the left of what is undecided stay visible to `find`
            (for look-behind and word boundaries).
        cap: How many characters may wait, where each waiting event counts as eight at least,
            and how many edits may be made.  Beyond it the answer is refused.
        on_sealed: What becomes of an edit in signed text, which cannot be changed: ``refuse``
            refuses the answer, ``skip`` lets the text pass.
        running: The running text that `find` or `judge` is shown a window of: its ``kind``,
            whether a signature covers it (``is_sealed``), and the ``offset`` of what is shown,
            which in JSON counts from the string that is shown.
    """

    holds_chunks: bool = True
    kinds: frozenset[str] | None = None
    context: int = 1
    cap: int = 1 << 20
    on_sealed: OnSealed = "refuse"
    running: RunningText

    _hold: HoldBack | None = None
    _edit_count: int = 0
    _is_over: bool = False
    #: Whether `judge` was overridden; if not, the call to it is saved.
    _asks: bool = False
    #: Whether `foresee` was.
    _foresees: bool = False

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls._asks = cls.judge is not TextFilter.judge
        cls._foresees = cls.foresee is not TextFilter.foresee

    # --- what an author writes --------------------------------------------------------------

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        """
        Find what to replace in *text* from *start* on.

        Args:
            text: What is undecided, behind a little context.
            start: Where the undecided part begins.
            final: Nothing follows *text*, so that all of it must be decided.

        Returns:
            Edits, in order, apart, none empty, and *safe*: the position before which all is
            decided.  What could still grow into a match, or into a longer one, stands behind
            it.  What stands there is shown again, with what came after it; so is an edit that
            reaches behind *safe*, with all that follows it.  If *final*, *safe* does not count.

        What is undecided is found again and again: one that counts, numbers or records what it
        finds returns ``decided(edits, start, safe, len(text))`` and counts those edits only.
        """
        msg = f"{type(self).__name__} overrides neither find nor judge"
        raise NotImplementedError(msg)

    async def judge(
        self, text: str, start: int, final: bool
    ) -> tuple[Sequence[Edit], int]:
        """
        Decide what `find` decides; override it to wait for somebody's answer.

        Called once for each text that grew in one read, and once more when it ends.
        """
        return self.find(text, start, final)

    async def foresee(self, ended: Sequence[tuple[str, str]]) -> None:
        """
        Be told of all that ends in one read, before `judge` is asked about each of it.

        Override it to ask somebody once about many texts: an answer has several lanes, and the
        arguments of one call many strings.  A lane that ends twice in one read is told of once.

        Args:
            ended: The kind and the undecided text of each that `judge` will be shown as final.
        """

    @property
    def edit_count(self) -> int:
        """
        How many edits were made so far; a text that is said again counts once.
        """
        return self._edit_count

    # --- streams ----------------------------------------------------------------------------

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Take the chunks of one read; return those all of whose text is decided, edited.

        Raises:
            Blocked: if more waits than *cap*, or signed text had to be changed.
            ValueError: if `find` breaks its promise.
        """
        hold = self._hold
        if hold is None:
            hold = self._begin()
        try:
            alone = None
            if len(chunks) == 1 and not self._asks:
                alone = hold.take_alone(chunks[0])
            if alone is not None:
                self._look(hold, alone)
                if hold.is_empty and alone.is_clear():
                    return chunks
                hold.put(chunks[0], alone)
            else:
                for chunk in chunks:
                    hold.take(chunk)
                if hold.touched:
                    await self._settle(hold)
            out = hold.release()
            if hold.weight > self.cap:
                msg = "A guardrail had to hold back more of the answer than it may."
                raise Blocked(msg, code="guardrail_unenforceable")
        except BaseException:
            # Also if it was cancelled: what is left may not go out unjudged, so nothing does.
            self._end()
            raise
        return out

    async def flush(self) -> Sequence[Chunk]:
        """
        Decide everything that waits, and return it.
        """
        hold = self._hold
        if hold is None:
            return ()
        self._end()
        hold.finish()
        await self._settle(hold)
        return hold.release()

    async def close(self, outcome: Outcome) -> None:
        """
        Drop what waits.
        """
        self._end()

    def _begin(self) -> HoldBack:
        if self._is_over:
            msg = f"{type(self).__name__} is fed behind the end of its stream"
            raise RuntimeError(msg)
        self._hold = HoldBack(self.kinds, self.on_sealed)
        return self._hold

    def _end(self) -> None:
        self._hold = None
        self._is_over = True

    async def _settle(self, hold: HoldBack) -> None:
        touched, hold.touched = hold.touched, {}
        if self._foresees:
            await self._foresee(touched)
        for lane in touched:
            while lane.stops:
                await self._decide(hold, lane, lane.stops[0], final=True)
                del lane.stops[0]
            if lane.is_open and not lane.is_json and lane.end >= lane.due:
                if self._asks:
                    await self._decide(hold, lane, lane.end, final=False)
                else:  # what happens at every event, spared two coroutines
                    self._look(hold, lane)

    async def _foresee(self, touched: Iterable[RunningText]) -> None:
        ended: list[tuple[str, str]] = []
        for lane in touched:
            if lane.stops:
                text, start = lane.window(lane.stops[0])
                strings = [text[start:]]
                if lane.is_json:
                    strings = await strings_in_source(text[start:])
                ended += [(lane.kind, string) for string in strings]
        if ended:
            await self.foresee(ended)

    def _look(self, hold: HoldBack, lane: RunningText) -> None:
        self.running = lane
        text, start = _shown(lane, lane.end)
        edits, safe = self.find(text, start, final=False)
        if edits or not start <= safe <= len(text):
            edits, safe = self._decided(edits, start, safe, len(text))
        if lane.json is not None:
            edits, safe = lane.fitted(text, start, edits, safe, is_end=False)
        if edits:
            edits = self._take(hold, lane, edits)
        lane.settle(edits, safe, self.context)

    async def _decide(
        self, hold: HoldBack, lane: RunningText, stop: int, *, final: bool
    ) -> None:
        self.running = lane
        if lane.is_json:
            text, start = lane.window(stop)
            edits, safe = await self._judge_source(text, start)
        else:
            text, start = lane.window(stop) if final else _shown(lane, stop)
            edits, safe = await self._judge(text, start, final)
            edits, safe = lane.fitted(text, start, edits, safe, is_end=final)
        lane.settle(self._take(hold, lane, edits), safe, self.context)

    async def _judge(
        self, text: str, start: int, final: bool
    ) -> tuple[Sequence[Edit], int]:
        edits, safe = await self.judge(text, start, final)
        return self._decided(edits, start, len(text) if final else safe, len(text))

    def _decided(
        self, edits: Iterable[Edit], start: int, safe: int, length: int
    ) -> tuple[Sequence[Edit], int]:
        try:
            return decided(edits, start, safe, length)
        except ValueError as exc:
            msg = f"{type(self).__name__}.find: {exc}"
            raise ValueError(msg) from None

    def _take(
        self, hold: HoldBack, lane: RunningText, edits: Sequence[Edit]
    ) -> Sequence[Edit]:
        if not edits:
            return ()
        if lane.is_sealed:
            if self.on_sealed == "refuse":
                raise sealed(lane.kind)
            return ()
        self._edit_count += len(edits)
        # Each is kept, for the events that say its text again.
        if self._edit_count > self.cap:
            msg = "A guardrail found more in the answer than it can keep track of."
            raise Blocked(msg, code="guardrail_unenforceable")
        hold.has_edits = True
        return edits

    async def _judge_source(self, text: str, start: int) -> tuple[Sequence[Edit], int]:
        edits = await edits_in_source(text[start:], self._judge_whole)
        moved = [
            attrs.evolve(edit, start=start + edit.start, end=start + edit.end)
            for edit in edits
        ]
        return moved, len(text)

    async def _judge_whole(self, text: str) -> Sequence[Edit]:
        edits, _ = await self._judge(text, 0, final=True)
        # A string may hold JSON itself.
        places = JsonPlaces.of(text) if edits else None
        return edits if places is None else places.fitted(edits)

    # --- whole documents --------------------------------------------------------------------

    async def apply(self, texts: Iterable[Text]) -> int:
        """
        Edit the texts of a whole document, a request's for instance, in place.

        Returns:
            How many edits were made.

        Raises:
            Blocked: if signed text had to be changed.
            ValueError: if `find` breaks its promise.
        """
        return await self._apply(texts, None)

    async def feed_response(self, response: Response) -> int:
        """
        Do to a whole answer what `feed` and `flush` do to a stream.

        Returns:
            How many edits were made.
        """
        return await self._apply(response.texts(), response)

    async def _apply(self, texts: Iterable[Text], response: Response | None) -> int:
        before = self._edit_count
        hold = HoldBack(self.kinds, self.on_sealed)
        held = hold.take_document(texts, response)
        await self._settle(hold)
        held.edit(self.on_sealed)
        return self._edit_count - before


def _shown(lane: RunningText, stop: int) -> tuple[str, int]:
    """
    Return what `RunningText.window` does, without a number of JSON that may go on.
    """
    text, start = lane.window(stop)
    if lane.json is not None:
        text = text[: lane.json.shown(text, start)]
    return text, start
