"""
Counts what a body's bytes only bound: by a tokenizer, where it matters, off the event loop.

OpenAI publishes the tokenizers of its models; other vendors do not, so there o200k's count is
multiplied by a factor for each model, which `Calibration` learns from the usage that providers
report.  Without an encoding the bytes stay the bound.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import attrs

from gateway import codec
from gateway_governance.bodies import READERS, Tally

if TYPE_CHECKING:
    from gateway import Encoding, Request
    from gateway.catalog import ModelFacts
    from gateway_governance.bounds import Bound

#: Bytes of words that are counted at once, in less than a millisecond.
_AT_ONCE_BYTES: Final = 2048
_THREADS: Final = 2
#: Counts under way and waiting, beyond which bytes are bound enough.
_MOST_WAITING: Final = 16
#: What stands round a message or a part in a template, and between two texts.
_AROUND_TOKENS: Final = 4
_BESIDE_TOKENS: Final = 2

# --- which tokenizer ------------------------------------------------------------------------

_O200K: Final = "o200k_base"
_CL100K: Final = "cl100k_base"
#: Whose tokenizer OpenAI published, by the beginning of their names (tiktoken's model table).
_PUBLISHED: Final = (
    *(("gpt-4o", _O200K), ("gpt-4.1", _O200K), ("gpt-4.5", _O200K), ("gpt-5", _O200K)),
    *(("o1", _O200K), ("o3", _O200K), ("o4-mini", _O200K), ("chatgpt-4o", _O200K)),
    *(("gpt-oss", _O200K), ("gpt-4", _CL100K), ("gpt-3.5", _CL100K)),
    ("text-embedding-", _CL100K),
)


@attrs.frozen
class Tokenizer:
    """
    What counts for a model.

    Attributes:
        is_exact: It is the model's own; otherwise a factor stands between the two.
    """

    name: str
    is_exact: bool


def tokenizer_of(model: str) -> Tokenizer:
    """
    Return what counts for *model*, by whatever reseller's name.
    """
    name = model.rpartition("/")[2].removeprefix("ft:")
    for start, encoding in _PUBLISHED:
        if name.startswith(start):
            return Tokenizer(encoding, is_exact=True)
    return Tokenizer(_O200K, is_exact=False)


# --- how far off it is ----------------------------------------------------------------------

#: The share of a new observation.
_WEIGHT: Final = 0.1
_LEAST_FACTOR: Final = 0.5
_MOST_FACTOR: Final = 4.0
#: Where nothing was seen yet: other vocabularies of today make up to so many more of Latin
#: text, and of the scripts that they serve worst.
_FIRST_FACTOR: Final = 1.15
_FIRST_FACTOR_OTHER: Final = 2.8
#: Shorter prompts are mostly template, which says nothing of words.
_LEAST_LEARNED_TOKENS: Final = 200
_MOST_MODELS: Final = 1024


@attrs.define
class _Factor:
    mean: float
    #: No count falls below what was once seen.
    peak: float


class Calibration:
    """
    For each model, how many tokens it makes of what a tokenizer of another counts as one.

    Text in Latin letters and other text are told apart: vocabularies differ by a tenth in the
    former, and by more than half in the latter.
    """

    def __init__(self) -> None:
        self._factors: OrderedDict[tuple[str, bool], _Factor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._factors)

    def factor(self, model: str, *, is_mostly_ascii: bool = True) -> float:
        """
        Return the factor that makes a count a bound: usual, and no lower than ever seen.
        """
        known = self._factors.get((model, is_mostly_ascii))
        first = _first_factor(model, is_mostly_ascii)
        if known is None:
            return first
        if tokenizer_of(model).is_exact:
            return max(first, known.peak)
        return max(known.mean, known.peak)

    def learn(self, bound: Bound, model: str, reported_tokens: int) -> None:
        """
        Compare *bound*, if its words were counted, with the prompt that a provider reported.

        Images and sound have rules of their own, so prompts with any teach nothing.
        """
        counted = bound.counted_tokens
        if counted < _LEAST_LEARNED_TOKENS or bound.media_tokens or bound.window_named:
            return
        words = reported_tokens - bound.template_tokens
        lowest = max(words / counted, _LEAST_FACTOR)
        usual = reported_tokens / counted
        key = model, bound.is_mostly_ascii
        known = self._factors.pop(key, None)
        if known is None:
            first = _first_factor(*key)
            known = _Factor(first, _LEAST_FACTOR)
            if len(self._factors) >= _MOST_MODELS:
                self._factors.popitem(last=False)
        known.mean = _clamped(known.mean + _WEIGHT * (usual - known.mean))
        known.peak = _clamped(max(known.peak, lowest))
        self._factors[key] = known


def _first_factor(model: str, is_mostly_ascii: bool) -> float:
    if tokenizer_of(model).is_exact:
        return 1.0
    return _FIRST_FACTOR if is_mostly_ascii else _FIRST_FACTOR_OTHER


def _clamped(factor: float) -> float:
    return min(max(factor, _LEAST_FACTOR), _MOST_FACTOR)


# --- counting -------------------------------------------------------------------------------


class Counter:
    """
    Makes bounds tighter; one for a worker, closed with it.

    Args:
        encodings: Those that plugins registered, by name; may be empty.
    """

    def __init__(
        self, encodings: Mapping[str, Encoding], calibration: Calibration | None = None
    ) -> None:
        self.calibration = calibration or Calibration()
        self._encodings = encodings
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        #: Those that counted once: another may have to be loaded, which takes long.
        self._loaded: set[str] = set()

    def close(self) -> None:
        """
        Let go of the threads; what they count is of no use any more.
        """
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def tighten(
        self, bound: Bound, request: Request, facts: ModelFacts, *, above_tokens: int
    ) -> Bound:
        """
        Count the words of *request*, if it matters.

        Args:
            above_tokens: A prompt of at most so many tokens is no trouble to anybody, so
                nothing is counted where *bound* is within it.

        Returns:
            A bound that is at most *bound*; *bound* itself where nothing can be counted, or
            too many others are being counted.
        """
        if bound.input_tokens <= above_tokens or bound.window_named:
            return bound
        model = facts.model or request.model
        encoding = self._encoding_of(model)
        if encoding is None or request.dialect.name not in READERS:
            return bound
        work = _Work(encoding, request, model)
        if bound.text_tokens <= _AT_ONCE_BYTES and encoding.name in self._loaded:
            return self._counted(bound, model, work.run())
        if self._waiting >= _MOST_WAITING:
            return bound
        return self._counted(bound, model, await self._in_thread(work))

    async def _in_thread(self, work: _Work) -> tuple[int, bool]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="count")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work.run)
        future.add_done_callback(self._done)
        counted = await future
        self._loaded.add(work.encoding.name)
        return counted

    def _done(self, _: asyncio.Future[Any]) -> None:
        self._waiting -= 1

    def _encoding_of(self, model: str) -> Encoding | None:
        return self._encodings.get(tokenizer_of(model).name)

    def _counted(self, bound: Bound, model: str, found: tuple[int, bool]) -> Bound:
        counted, is_ascii = found
        factor = self.calibration.factor(model, is_mostly_ascii=is_ascii)
        tokens = ceil(counted * factor)
        return attrs.evolve(
            bound.with_text(tokens), counted_tokens=counted, is_mostly_ascii=is_ascii
        )


#: Of a hundred characters so many at least are ASCII in text that is mostly so.
_ASCII_PERCENT: Final = 95


@attrs.frozen
class _Work:
    """
    One count, which may run in any thread: whoever waits for it changes nothing meanwhile.
    """

    encoding: Encoding
    request: Request
    model: str

    def run(self) -> tuple[int, bool]:
        """
        Return the tokens of the words, and whether those are mostly ASCII.
        """
        body = self.request.members
        tally = Tally(self.model)
        READERS[self.request.dialect.name](tally, body)
        words = _Words(frozenset(map(id, tally.media)))
        words.read(body)
        characters = others = 0
        tokens = words.around
        for text in words.texts:
            tokens += self.encoding.count(text)
            characters += len(text)
            if not text.isascii():
                others += sum(map(_not_ascii, _slices(text)))
        return tokens, others * 100 <= characters * (100 - _ASCII_PERCENT)


def _slices(text: str) -> Iterator[str]:
    """
    Cut *text*, so that no single call keeps other threads waiting.
    """
    for at in range(0, len(text), 65_536):
        yield text[at : at + 65_536]


def _not_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


#: Members of a body that a model reads as they stand; others it is shown as JSON, if at all.
_SAID: Final = frozenset("messages input system instructions prompt suffix".split())
#: Those inside of them that hold further parts.
_HOLDERS: Final = frozenset("content output source summary documents".split())
#: Those that never reach a model.
_UNSEEN: Final = frozenset("metadata user model stream_options service_tier".split())
#: Those whose short values are part of a template, or of no prompt at all.
_LABELS: Final = frozenset(
    "role type id call_id tool_call_id tool_use_id status".split()
)
_LONGEST_LABEL: Final = 64


class _Words:
    """
    The texts of a body, and what stands round them.
    """

    def __init__(self, media: frozenset[int]) -> None:
        self.texts: list[str] = []
        self.around = 0
        self._media = media

    def read(self, body: Mapping[str, Any]) -> None:
        """
        Collect the texts of a whole body.
        """
        for key, value in body.items():
            if key in _SAID:
                self._said(value)
            elif value.__class__ in {dict, list} and key not in _UNSEEN:
                self._shown(value)

    def _said(self, node: Any) -> None:
        if node.__class__ is str:
            self._text(node)
        elif node.__class__ is list:
            if node and node[0].__class__ is int:  # token numbers
                self.around += len(node) + _AROUND_TOKENS
                return
            for member in node:
                self._said(member)
        elif node.__class__ is dict:
            self._part(node)

    def _part(self, part: dict[str, Any]) -> None:
        self.around += _AROUND_TOKENS
        for key, value in part.items():
            if value.__class__ is str:
                if key in _LABELS and len(value) <= _LONGEST_LABEL:
                    continue
                self._text(value)
            elif key in _HOLDERS:
                self._said(value)
            elif value.__class__ in {dict, list}:
                self._shown(value)

    def _text(self, text: str) -> None:
        if id(text) not in self._media:
            self.around += _BESIDE_TOKENS
            self.texts.append(text)

    def _shown(self, node: Any) -> None:
        """
        Collect JSON as it is shown: escapes, names and brackets are tokens too.
        """
        if self._media:
            node = self._without_media(node)
        self.around += _BESIDE_TOKENS
        self.texts.append(codec.dumps(node).decode("utf-8", "replace"))

    def _without_media(self, node: Any) -> Any:
        if node.__class__ is dict:
            return {key: self._without_media(value) for key, value in node.items()}
        if node.__class__ is list:
            return [self._without_media(member) for member in node]
        return "" if id(node) in self._media else node
