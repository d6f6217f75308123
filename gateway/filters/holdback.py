"""
The queue of chunks that a text filter holds back, and the lanes that run through them.

Whole chunks wait and are edited in place; a chunk leaves when all its text is decided.  Nothing is
inserted, dropped or reordered, so sequence numbers and log probabilities stay with their text,
and what was held leaves before the event that ends its lane.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from gateway.codec import JsonError
from gateway.errors import Blocked, UpstreamError
from gateway.filters.held import LEAST_WEIGHT, Held, HeldPiece, OnSealed
from gateway.filters.lanes import RunningText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.views import Chunk, Lane, Response, Text

#: Lanes that one answer may have; far more than choices times tools allow.
_MAX_LANES: Final = 1 << 14


class HoldBack:
    """
    The waiting chunks of one answer.

    Attributes:
        touched: Lanes to be judged before the next `release`.
        weight: Characters that wait.
        has_edits: Anything was found so far.
    """

    __slots__ = (
        "_kinds",
        "_lanes",
        "_on_sealed",
        "_open",
        "_queue",
        "_woven",
        "has_edits",
        "touched",
        "weight",
    )

    def __init__(self, kinds: frozenset[str] | None, on_sealed: OnSealed) -> None:
        self._kinds = kinds
        self._on_sealed = on_sealed
        self.touched: dict[RunningText, None] = {}
        self.weight = 0
        self.has_edits = False
        self._queue: deque[tuple[Chunk, Held | HeldPiece]] = deque()
        self._lanes: dict[Lane, RunningText] = {}
        self._open: dict[Lane, RunningText] = {}
        # Choices in which plain lanes take turns, so that one's going on ends no other.
        self._woven: set[Lane] = set()

    @property
    def is_empty(self) -> bool:
        """
        Whether no chunk waits.
        """
        return not self._queue

    # --- in ---------------------------------------------------------------------------------

    def take(self, chunk: Chunk) -> None:
        """
        Put *chunk* into the queue and its texts into their lanes.
        """
        held = Held(chunk)
        weight = LEAST_WEIGHT
        kinds = self._kinds
        repeats: list[Text] | None = None
        has_turned = False
        for text in _texts_of(chunk):
            value: str = text.box[text.key]
            weight += len(value)
            if kinds is not None and text.kind not in kinds:
                continue
            if text.form == "delta":
                lane = self._open.get(text.lane) or self._begin(text)
                if text.sealed:
                    lane.is_sealed = True
                if not lane.is_alone:
                    has_turned = True
                start = lane.end
                lane.take(value)
                held.segments.append((text, lane, start, lane.end))
                self.touched[lane] = None
            elif text.form == "whole":
                self._take_whole(held, text, value)
            elif repeats is None:
                repeats = [text]
            else:
                repeats.append(text)
        if has_turned:
            self._turn(held)
        for prefix in chunk.ends():
            self._end(prefix)
        if repeats is not None:
            held.repeats = [self._take_repeat(text) for text in repeats]
        spans = chunk.spans()
        if spans:
            held.bind(spans, self._lanes)
        held.weight = weight
        self.weight += weight
        self._queue.append((chunk, held))

    def take_alone(self, chunk: Chunk) -> RunningText | None:
        """
        Take *chunk* into its lane but not into the queue, if it is a piece of the open text.

        Nearly all events of an answer are, and nothing of them has to be kept for later where
        nothing waits.

        Returns:
            The lane, to be judged at once, or None if *chunk* is anything else; then it was not
            taken.
        """
        if self.touched:
            return None
        texts = _texts_of(chunk)
        if not chunk.is_plain or len(texts) != 1:
            return None
        text = texts[0]
        lane = self._open.get(text.lane)
        if lane is None or not lane.is_alone or lane.is_json or text.sealed:
            return None
        if lane.due:  # long undecided, so that it is not judged at every event
            return None
        lane.take_alone(text.box[text.key])
        return lane

    def put(self, chunk: Chunk, lane: RunningText) -> None:
        """
        Put *chunk*, which was taken alone into *lane*, into the queue.
        """
        piece = HeldPiece(chunk.texts()[0], lane)
        self.weight += piece.weight
        self._queue.append((chunk, piece))

    def take_document(self, texts: Iterable[Text], response: Response | None) -> Held:
        """
        Take the texts of a whole document, each complete, and the offsets that it carries.

        Returns:
            What is to be edited when all is judged.
        """
        held = Held(response)
        lanes: dict[Lane, RunningText] = {}
        for text in texts:
            if self._kinds is None or text.kind in self._kinds:
                lane = self._take_whole(held, text, text.value)
                lanes.setdefault(text.lane, lane)
        if response is not None:
            held.bind(response.spans(), lanes)
        return held

    def finish(self) -> None:
        """
        End every lane.
        """
        self._end(())

    def _begin(self, text: Text) -> RunningText:
        """
        Return the lane of a delta that begins it, or goes on where it was taken to be complete.
        """
        lane = self._lanes.get(text.lane)
        if lane is None:
            lane = self._new(text)
        else:
            if lane.was_inferred:
                self._woven.add(lane.choice)
            lane.is_open = True
        self._open[text.lane] = lane
        return lane

    def _new(self, text: Text) -> RunningText:
        if len(self._lanes) >= _MAX_LANES:
            msg = "The answer has more parts than can be checked."
            raise Blocked(msg, code="guardrail_unenforceable")
        lane = RunningText(text)
        self._lanes[text.lane] = lane
        return lane

    def _take_whole(self, held: Held, text: Text, value: str) -> RunningText:
        lane = self._complete(RunningText(text), value)
        held.segments.append((text, lane, 0, lane.end))
        return lane

    def _complete(self, lane: RunningText, value: str) -> RunningText:
        lane.take(value)
        lane.finish()
        self.touched[lane] = None
        return lane

    def _take_repeat(self, text: Text) -> tuple[Text, RunningText]:
        value = text.value
        lane = self._lanes.get(text.lane)
        if lane is None:  # no delta came: later repeats go by what is found in this one
            lane = self._complete(self._new(text), value)
        elif not lane.says(value):
            lane = self._complete(RunningText(text), value)
        # A lane that is open stays so: some providers say all so far beside every delta.
        return text, lane

    # --- ends -------------------------------------------------------------------------------

    def _turn(self, held: Held) -> None:
        """
        End the plain lanes of a choice that did not go on when another one did.

        Otherwise the undecided end of the reasoning, say, would hold the whole answer back.
        Providers that spell one text in two fields of the same event do not end either.
        """
        here: dict[Lane, set[RunningText]] = {}
        for _, lane, _, _ in held.segments:
            if lane.is_open and not lane.is_json:
                here.setdefault(lane.choice, set()).add(lane)
        for lane in list(self._open.values()):
            present = here.get(lane.choice)
            if present is None or lane.is_json:
                continue
            if lane.choice in self._woven:
                lane.is_alone = False
            elif lane in present:
                lane.is_alone = len(present) == 1
            else:
                self._finish(lane)
                lane.was_inferred = True

    def _end(self, prefix: Lane) -> None:
        length = len(prefix)
        for lane in list(self._open.values()):
            if lane.key[:length] == prefix:
                self._finish(lane)

    def _finish(self, lane: RunningText) -> None:
        del self._open[lane.key]
        lane.finish()
        lane.is_alone = lane.is_json
        self.touched[lane] = None

    # --- out --------------------------------------------------------------------------------

    def release(self) -> list[Chunk]:
        """
        Return the chunks at the head of the queue that are decided, edited.
        """
        out = []
        queue = self._queue
        while queue and queue[0][1].is_decided():
            chunk, held = queue.popleft()
            if self.has_edits:
                held.edit(self._on_sealed)
            out.append(chunk)
            self.weight -= held.weight
        return out


def _texts_of(chunk: Chunk) -> Sequence[Text]:
    try:
        return chunk.texts()
    except JsonError:
        msg = "The provider sent an event that is not JSON."
        raise UpstreamError(msg) from None
