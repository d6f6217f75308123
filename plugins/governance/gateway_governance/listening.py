"""
Listens to what a provider streams, for a stream that ends before the provider accounts for it.

What counts is how much was said, and for how long nothing was: a model may reason at full speed
while its provider sends nothing of it.

Most streams end well, and what was counted of them is of no use to anybody.  So frames are kept
as they came and looked into only when somebody asks: when a stream broke off, or has so many
frames that its provider may be ignoring the cap.  What is kept is packed, which for events that
all look alike takes a twentieth of the room and a sixth of the time of looking into them.
"""

from __future__ import annotations

import zlib
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from gateway import BudgetExceeded, Chunk, Tap

if TYPE_CHECKING:
    from gateway import Dialect
    from gateway_governance.bounds import Bound

#: Silence of more seconds than this is no pause between words: the model may reason unseen.
PAUSE_S: Final = 1.0

#: Bytes that are kept as they came, and packed together when there are more.
_RAW_BYTES: Final = 32 * 1024
#: Packed bytes that are kept; of a stream with more, the oldest frames are looked into.
_PACKED_BYTES: Final = 128 * 1024
_QUICKLY: Final = 1
#: What a frame takes beside its bytes, as it came and packed: comments may be tiny.
_FRAME_BYTES: Final = 56
_PLACE_BYTES: Final = 16

#: What a frame that is not what the vendor documents makes its readers raise.
_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError)

#: Frames, packed; their lengths; when each came.
_Packed = tuple[bytes, "array[int]", "array[float]"]


class Listener(Tap):
    """
    Counts the words of one stream, and the seconds without any.

    Each piece of words is a token at least, so a stream with more pieces than its cap has tokens
    comes from a provider that ignores caps; it is cut, for nothing more was held.

    Args:
        monotonic: Tells the time, in seconds.
    """

    wants_frames: ClassVar[bool] = True

    def __init__(
        self, bound: Bound, *, cuts: bool, monotonic: Callable[[], float]
    ) -> None:
        most = bound.output_tokens
        self._limit: int | None = None
        if cuts and most is not None:
            most *= bound.choices
            self._limit = most + chunk_slack(most)
        self._monotonic = monotonic
        self._dialect: Dialect | None = None
        # Not looked into yet: as it came, and packed, the oldest first.
        self._raw: list[bytes] = []
        self._times = array("d")
        self._raw_bytes = 0
        self._packed: deque[_Packed] = deque()
        self._packed_bytes = 0
        self._unread = 0
        # Looked into.
        self._pieces = 0
        self._bytes_seen = 0
        self._began: float | None = None
        self._spoke = 0.0
        self._paused_s = 0.0

    def see_frames(self, frames: Sequence[bytes], dialect: Dialect) -> None:
        """
        Keep *frames*, and look into them once they may be more than was paid for.

        Raises:
            BudgetExceeded: the provider goes on beyond what was asked for, and held.
        """
        now = self._monotonic()
        self._dialect = dialect
        self._raw += frames
        self._unread += len(frames)
        for frame in frames:
            self._times.append(now)
            self._raw_bytes += len(frame) + _FRAME_BYTES
        if self._raw_bytes > _RAW_BYTES:
            self._pack()
        limit = self._limit
        if limit is not None and self._pieces + self._unread > limit:
            self._read_all()
            if self._pieces > limit:
                msg = "The provider answers at greater length than was paid for."
                raise BudgetExceeded(msg)

    # --- what was heard ---------------------------------------------------------------------

    @property
    def bytes_seen(self) -> int:
        """
        Of all words so far, reasoning and arguments of tools included.

        No tokenizer makes more tokens of them.
        """
        self._read_all()
        return self._bytes_seen

    def silent_s(self, sent: float, ended: float) -> float:
        """
        Return the seconds in which the model may have generated what is never sent.

        Args:
            sent: When the request was, by the same clock; likewise *ended*.
        """
        self._read_all()
        if self._began is None:
            return max(0.0, ended - sent)
        last = ended - self._spoke
        tail_s = last if last > PAUSE_S else 0.0
        return max(0.0, self._began - sent) + self._paused_s + tail_s

    def spoken_s(self) -> float:
        """
        Return the seconds in which words came.
        """
        self._read_all()
        if self._began is None:
            return 0.0
        return max(0.0, self._spoke - self._began - self._paused_s)

    # --- keeping ----------------------------------------------------------------------------

    def _pack(self) -> None:
        raw, times = self._raw, self._times
        packed = zlib.compress(b"".join(raw), _QUICKLY)
        self._packed.append((packed, array("q", map(len, raw)), times))
        self._packed_bytes += len(packed) + _PLACE_BYTES * len(raw)
        self._raw, self._times, self._raw_bytes = [], array("d"), 0
        while self._packed_bytes > _PACKED_BYTES:
            self._read_oldest()

    def _read_oldest(self) -> None:
        packed, lengths, times = self._packed.popleft()
        self._packed_bytes -= len(packed) + _PLACE_BYTES * len(lengths)
        self._read(_cut(zlib.decompress(packed), lengths), times)

    def _read_all(self) -> None:
        while self._packed:
            self._read_oldest()
        raw, times = self._raw, self._times
        self._raw, self._times, self._raw_bytes = [], array("d"), 0
        self._read(raw, times)

    # --- counting ---------------------------------------------------------------------------

    def _read(self, frames: Iterable[bytes], times: Iterable[float]) -> None:
        if self._dialect is None:
            return
        for frame, at in zip(frames, times, strict=True):
            self._unread -= 1
            size = _words_in(frame, self._dialect)
            if size:
                self._bytes_seen += size
                self._pieces += 1
                self._hear(at)

    def _hear(self, at: float) -> None:
        """
        Take note that words came.
        """
        if self._began is None:
            self._began = at
        elif at - self._spoke > PAUSE_S:
            self._paused_s += at - self._spoke
        self._spoke = at


def chunk_slack(most: int) -> int:
    """
    Return how many pieces more are no sign yet: formats repeat themselves.
    """
    return most // 16 + 16


def _words_in(frame: bytes, dialect: Dialect) -> int:
    """
    Count the bytes of all words in *frame*; all of it where it cannot be read.
    """
    try:
        return sum(
            [
                len(text.value.encode("utf-8", "surrogatepass"))
                for text in Chunk(dialect, frame).texts()
                if text.form == "delta"
            ]
        )
    except _UNREADABLE:
        return len(frame)


def _cut(data: bytes, lengths: Sequence[int]) -> Iterable[bytes]:
    at = 0
    for length in lengths:
        yield data[at : at + length]
        at += length
