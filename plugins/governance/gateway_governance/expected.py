"""
What a request will probably use, learned from those before it: what a rate limit holds.

A rate limit that held the worst case would let in a hundredth of what it allows, for hardly a
request uses its whole cap.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable
from math import ceil, log2
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from gateway_governance.bounds import Bound

#: Buckets for each doubling, and doublings: up to a million tokens, at most a fifth too high.
_STEPS: Final = 4
_BUCKETS: Final = 20 * _STEPS + 1
_SHARE: Final = 0.95
#: The largest value of each bucket.
_ENDS: Final = tuple(ceil(2 ** (bucket / _STEPS)) for bucket in range(_BUCKETS))
#: An observation weighs half as much when so many others came after it.
_HALF_LIFE: Final = 64
_GROWTH: Final = 2.0 ** (1 / _HALF_LIFE)
_MOST_WEIGHT: Final = 1e12
#: Fewer observations say nothing of a twentieth of them.
_LEAST_SEEN: Final = 20
#: What is taken for an answer of which nothing is known yet.
FIRST_OUTPUT_TOKENS: Final = 1024

#: Tokens that a byte of a body makes, before anything was learned, and the share of news.
_FIRST_TOKENS_PER_BYTE: Final = 0.25
_WEIGHT: Final = 0.1
#: The template of most vendors; the bound's is a ceiling.
_USUAL_TEMPLATE_TOKENS: Final = 16

_MOST_MODELS: Final = 1024
_MOST_KEYS: Final = 8192


class Percentile:
    """
    The value that 95 of 100 observations do not exceed, the newer ones weighing more.

    A histogram on a logarithmic scale, in 650 bytes; instead of making the old ones lighter, a
    new one is made heavier.  The percentile's bucket is remembered with the weight up to its
    end, so that a new observation moves it by a step or two instead of a walk from the start.
    """

    __slots__ = ("_bucket", "_counts", "_total", "_upto", "_weight", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self._counts = array("d", bytes(8 * _BUCKETS))
        self._total = 0.0
        self._weight = 1.0
        self._bucket = 0
        self._upto = 0.0

    def add(self, value: int) -> None:
        """
        Take *value* in.
        """
        self.add_to(_bucket_of(value))

    def add_to(self, bucket: int) -> None:
        """
        Take in a value that stands in *bucket*.
        """
        weight = self._weight
        self._counts[bucket] += weight
        self._total += weight
        if bucket <= self._bucket:
            self._upto += weight
        self._weight = weight * _GROWTH
        self.seen += 1
        if weight > _MOST_WEIGHT:
            self._lighten()
        share, counts = self._total * _SHARE, self._counts
        # Most leave the percentile where it is.
        if self._upto < share or self._upto - counts[self._bucket] >= share:
            self._move()

    @property
    def value(self) -> int:
        """
        The percentile, rounded up to its bucket's end; 0 of no observations.
        """
        return _ENDS[self._bucket] if self.seen else 0

    def _move(self) -> None:
        """
        Find the first bucket up to whose end the share stands.
        """
        counts, share = self._counts, self._total * _SHARE
        while self._upto < share and self._bucket < _BUCKETS - 1:
            self._bucket += 1
            self._upto += counts[self._bucket]
        while self._bucket and self._upto - counts[self._bucket] >= share:
            self._upto -= counts[self._bucket]
            self._bucket -= 1

    def _lighten(self) -> None:
        for bucket, count in enumerate(self._counts):
            self._counts[bucket] = count / self._weight
        self._total = sum(self._counts)
        self._weight = 1.0
        # Anew, which also forgets what rounding has added up.
        self._bucket, self._upto = 0, self._counts[0]


def _bucket_of(value: int) -> int:
    return 0 if value <= 1 else min(ceil(log2(value) * _STEPS), _BUCKETS - 1)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """
    A mapping that forgets what was longest not learned.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()
        self.get = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def touch(self, key: K) -> V | None:
        """
        Return what stands at *key*, and keep it for longer.
        """
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value


@attrs.define
class Expected:
    """
    What answers and prompts came to, by key and model, and by model alone.

    It has no clock and no chance in it: the same requests lead to the same expectations.
    """

    _of_keys: _Recent[tuple[str, str], Percentile] = attrs.field(
        init=False, factory=lambda: _Recent(_MOST_KEYS)
    )
    _of_models: _Recent[str, Percentile] = attrs.field(
        init=False, factory=lambda: _Recent(_MOST_MODELS)
    )
    _per_byte: _Recent[str, float] = attrs.field(
        init=False, factory=lambda: _Recent(_MOST_MODELS)
    )

    def tokens(self, bound: Bound, key_id: str | None, model: str) -> int:
        """
        Return what *bound*'s request will probably use: its prompt, and answers as usual.
        """
        output = self.output_tokens(key_id, model)
        if bound.output_tokens is not None:
            output = min(output, bound.output_tokens)
        return self.prompt_tokens(bound, model) + bound.choices * output

    def output_tokens(self, key_id: str | None, model: str) -> int:
        """
        Return what 95 of 100 answers do not exceed, of this key, else of anybody.
        """
        learned = self._of_keys.get((key_id or "", model))
        if learned is None or learned.seen < _LEAST_SEEN:
            learned = self._of_models.get(model)
            if learned is None or learned.seen < _LEAST_SEEN:
                return FIRST_OUTPUT_TOKENS
        return learned.value

    def prompt_tokens(self, bound: Bound, model: str) -> int:
        """
        Return what the prompt will probably be: counted, or by its bytes.
        """
        words = bound.counted_tokens
        if not words:
            per_byte = self._per_byte.get(model) or _FIRST_TOKENS_PER_BYTE
            words = ceil(bound.text_tokens * per_byte)
        template = min(_USUAL_TEMPLATE_TOKENS, bound.template_tokens)
        return min(words + template + bound.media_tokens, bound.input_tokens)

    def learn(
        self,
        bound: Bound,
        key_id: str | None,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int,
    ) -> None:
        """
        Take in what a provider reported for *bound*'s request.
        """
        bucket = _bucket_of(-(-output_tokens // bound.choices))
        _found(self._of_keys, (key_id or "", model)).add_to(bucket)
        _found(self._of_models, model).add_to(bucket)
        if bound.counted_tokens or bound.media_tokens or bound.window_named:
            return
        if not bound.text_tokens:
            return
        per_byte = min(input_tokens / bound.text_tokens, 1.0)
        before = self._per_byte.get(model) or _FIRST_TOKENS_PER_BYTE
        self._per_byte.put(model, before + _WEIGHT * (per_byte - before))


def _found(recent: _Recent[K, Percentile], key: K) -> Percentile:
    """
    Return what was learned of *key*, and keep it for longer.
    """
    learned = recent.touch(key)
    if learned is None:
        learned = Percentile()
        recent.put(key, learned)
    return learned
