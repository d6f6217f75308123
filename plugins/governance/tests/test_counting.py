"""
Counts are made where they matter, never above the bytes, never on the event loop.
"""

from __future__ import annotations

import asyncio
import threading

import attrs
import pytest

from gateway.catalog import ModelFacts
from gateway.testing import make_request
from gateway_governance.bounds import Bound, bound_of
from gateway_governance.counting import Calibration, Counter, Tokenizer, tokenizer_of

GPT = ModelFacts(provider="openai", model="gpt-4o", max_output_tokens=100)
CLAUDE = ModelFacts(provider="anthropic", model="claude-opus-4-8")


class Words:
    """
    A tokenizer to whom every word is a token, and which notes where it was asked.
    """

    def __init__(self, name: str = "o200k_base") -> None:
        self.name = name
        self.texts: list[str] = []
        self.threads: set[threading.Thread] = set()

    def count(self, text: str) -> int:
        self.texts.append(text)
        self.threads.add(threading.current_thread())
        return len(text.split())


@pytest.fixture(name="words")
def _words():
    return Words()


@pytest.fixture(name="counter")
def _counter(words):
    counter = Counter({words.name: words})
    yield counter
    counter.close()


def chat(*contents, **more):
    messages = [{"role": "user", "content": content} for content in contents]
    return make_request({"model": "m", "messages": messages, **more})


async def tightened(counter, request, facts=GPT, above_tokens=0):
    bound = bound_of(request, facts, request.operation)
    return bound, await counter.tighten(
        bound, request, facts, above_tokens=above_tokens
    )


async def test_a_count_takes_the_place_of_the_bytes(counter):
    """
    The words are counted, with what stands round them; the template stays.
    """
    before, after = await tightened(counter, chat("one two three", "four " * 1000))

    assert 1003 <= after.counted_tokens <= 1003 + 2 * 8
    assert after.text_tokens == after.counted_tokens
    assert after.input_tokens == after.text_tokens + before.template_tokens
    assert after.output_tokens == before.output_tokens


async def test_nothing_is_counted_that_does_not_matter(counter, words):
    """
    A bound within what is no trouble stays as it is.
    """
    before, after = await tightened(counter, chat("hi"), above_tokens=1000)

    assert after is before
    assert words.texts == []


async def test_named_state_is_not_counted(counter, words):
    """
    What the body only names cannot be counted, so its words do not matter.
    """
    facts = attrs.evolve(GPT, context_window=128_000)
    request = make_request(
        {"model": "m", "input": "hi", "previous_response_id": "r"},
        dialect="openai_responses",
    )

    before, after = await tightened(counter, request, facts)

    assert after is before
    assert words.texts == []


async def test_without_an_encoding_the_bytes_serve():
    """
    Where none is installed, the bound is the bound.
    """
    before, after = await tightened(Counter({}), chat("word " * 1000))

    assert after is before


async def test_no_count_is_above_the_bytes():
    """
    A tokenizer that makes more of a text than it has bytes is not believed.
    """

    class Mad(Words):
        def count(self, text):
            return 10 * len(text)

    counter = Counter({"o200k_base": Mad()})

    before, after = await tightened(counter, chat("word " * 1000))

    counter.close()
    assert after.text_tokens == before.text_tokens
    assert after.input_tokens == before.input_tokens


async def test_counts_in_a_thread_until_small_ones_are_quick(counter, words):
    """
    The first count may load the encoding and large ones take long; a small one does neither.
    """
    loop = threading.current_thread()
    await tightened(counter, chat("hi"))
    await tightened(counter, chat("word " * 1000))
    assert loop not in words.threads

    words.threads.clear()
    await tightened(counter, chat("hi"))

    assert words.threads == {loop}


async def test_only_so_many_wait():
    """
    When the threads are busy, bytes bound those that would have to wait too long.
    """
    go = threading.Event()

    class Slow(Words):
        def count(self, text):
            assert go.wait(30)
            return 1

    counter = Counter({"o200k_base": Slow()})
    asked = [
        asyncio.ensure_future(tightened(counter, chat("word " * 1000)))
        for _ in range(20)
    ]
    done, waiting = await asyncio.wait(asked, timeout=10, return_when="FIRST_COMPLETED")
    go.set()
    found = await asyncio.gather(*asked)

    counter.close()
    assert (len(done), len(waiting)) == (4, 16)
    assert sum(after is before for before, after in found) == 4
    assert counter._waiting == 0


async def test_who_leaves_makes_place_for_others():
    """
    A caller who left while it was counted is not counted as waiting for ever.
    """
    go = threading.Event()

    class Slow(Words):
        def count(self, text):
            assert go.wait(30)
            return 1

    counter = Counter({"o200k_base": Slow()})
    asked = asyncio.ensure_future(tightened(counter, chat("word " * 1000)))
    await asyncio.sleep(0)
    assert counter._waiting == 1

    asked.cancel()
    await asyncio.wait([asked], timeout=10)
    go.set()

    counter.close()
    assert asked.cancelled()
    assert counter._waiting == 0


@pytest.mark.parametrize(
    ("dialect", "body", "seen", "unseen"),
    [
        pytest.param(
            "openai_chat",
            {
                "messages": [
                    {"role": "system", "name": "nora", "content": "alpha"},
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "beta"},
                            {
                                "type": "image_url",
                                "image_url": {"url": "data:image/png;base64,DELTA"},
                            },
                            {
                                "type": "input_audio",
                                "input_audio": {"data": "DELTA", "format": "wav"},
                            },
                        ],
                    },
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {
                                "id": "c",
                                "type": "function",
                                "function": {"name": "f", "arguments": '{"a":"gamma"}'},
                            }
                        ],
                    },
                    {"role": "tool", "tool_call_id": "c", "content": "epsilon"},
                ],
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "description": "zeta"},
                    }
                ],
                "metadata": {"a": "OMEGA"},
                "user": "OMEGA",
            },
            "nora alpha beta gamma epsilon zeta".split(),
            ["DELTA", "OMEGA"],
            id="chat",
        ),
        pytest.param(
            "openai_responses",
            {
                "instructions": "alpha",
                "input": [
                    {
                        "role": "user",
                        "content": [{"type": "input_text", "text": "beta"}],
                    },
                    {
                        "type": "function_call_output",
                        "call_id": "c",
                        "output": [
                            {"type": "input_image", "image_url": "data:image/png,DELTA"}
                        ],
                    },
                    {"type": "reasoning", "summary": [{"type": "s", "text": "gamma"}]},
                ],
                "text": {"format": {"type": "json_schema", "name": "epsilon"}},
            },
            "alpha beta gamma epsilon".split(),
            ["DELTA"],
            id="responses",
        ),
        pytest.param(
            "anthropic_messages",
            {
                "max_tokens": 9,
                "system": [{"type": "text", "text": "alpha"}],
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "image",
                                "source": {
                                    "type": "base64",
                                    "media_type": "image/png",
                                    "data": "DELTA",
                                },
                            },
                            {
                                "type": "document",
                                "source": {"type": "text", "data": "beta"},
                            },
                            {
                                "type": "tool_result",
                                "tool_use_id": "t",
                                "content": [{"type": "text", "text": "gamma"}],
                            },
                        ],
                    },
                    {
                        "role": "assistant",
                        "content": [
                            {
                                "type": "tool_use",
                                "id": "t",
                                "name": "f",
                                "input": {"a": "epsilon"},
                            }
                        ],
                    },
                ],
                "tools": [{"name": "f", "description": "zeta", "input_schema": {}}],
            },
            "alpha beta gamma epsilon zeta".split(),
            ["DELTA"],
            id="messages",
        ),
        pytest.param(
            "openai_completions",
            {"prompt": ["alpha", "beta"], "suffix": "gamma"},
            "alpha beta gamma".split(),
            [],
            id="completions",
        ),
        pytest.param(
            "openai_embeddings",
            {"input": ["alpha", {"text": "beta"}, {"image": "DELTA"}]},
            ["alpha", "beta"],
            ["DELTA"],
            id="embeddings",
        ),
    ],
)
async def test_counts_what_a_model_reads(counter, words, dialect, body, seen, unseen):
    """
    Every word is counted wherever it stands, and media and bookkeeping are not.
    """
    request = make_request({"model": "m", **body}, dialect=dialect)

    await tightened(counter, request)

    everything = "\n".join(words.texts)
    assert [word for word in seen if word not in everything] == []
    assert [word for word in unseen if word in everything] == []


async def test_token_numbers_are_as_many_as_they_are(counter):
    """
    A prompt of token numbers needs no tokenizer.
    """
    request = make_request(
        {"model": "m", "input": [[1, 2, 3], [4]]}, dialect="openai_embeddings"
    )

    _, after = await tightened(counter, request)

    assert 4 <= after.counted_tokens <= 4 + 2 * 4


@pytest.mark.parametrize(
    ("model", "name", "is_exact"),
    [
        ("gpt-4o-mini", "o200k_base", True),
        ("openai/gpt-5.4", "o200k_base", True),
        ("ft:gpt-4.1:house::id", "o200k_base", True),
        ("o3-mini", "o200k_base", True),
        ("gpt-oss-120b", "o200k_base", True),
        ("gpt-4-turbo", "cl100k_base", True),
        ("gpt-3.5-turbo", "cl100k_base", True),
        ("text-embedding-3-small", "cl100k_base", True),
        ("claude-opus-4-8", "o200k_base", False),
        ("gpt-9", "o200k_base", False),
        ("mistral-large-2512", "o200k_base", False),
    ],
)
def test_each_family_has_its_tokenizer(model, name, is_exact):
    """
    Published tokenizers are exact; of all others o200k is the nearest.
    """
    assert tokenizer_of(model) == Tokenizer(name, is_exact=is_exact)


# --- calibration ----------------------------------------------------------------------------


def counted(tokens: int, **more) -> Bound:
    return Bound(
        input_tokens=tokens, counted_tokens=tokens, template_tokens=256, **more
    )


async def test_foreign_models_have_a_factor(counter):
    """
    A model without a public tokenizer gets a tenth more, in other scripts far more.
    """
    latin = chat("word " * 1000)
    other = chat("слово " * 1000)

    _, plain = await tightened(counter, latin)
    _, more = await tightened(counter, latin, CLAUDE)
    _, most = await tightened(counter, other, CLAUDE)

    assert plain.text_tokens == plain.counted_tokens
    assert more.text_tokens == -(-more.counted_tokens * 115 // 100)
    assert most.text_tokens == -(-most.counted_tokens * 28 // 10)
    assert (more.is_mostly_ascii, most.is_mostly_ascii) == (True, False)


def test_learns_from_what_is_reported():
    """
    The factor goes to what providers report, and never below what was once seen.
    """
    learned = Calibration()
    for _ in range(100):
        learned.learn(counted(1000), "claude", 1050)

    assert 1.04 < learned.factor("claude") < 1.06

    learned.learn(counted(1000), "claude", 1900)

    assert learned.factor("claude") == (1900 - 256) / 1000
    assert learned.factor("claude", is_mostly_ascii=False) == 2.8


def test_a_count_is_not_below_what_was_seen():
    """
    With the factor a count covers every prompt that taught it, template apart.
    """
    learned = Calibration()
    seen = [(1000, 1400), (500, 1100), (2000, 2100), (700, 400), (900, 1200)]
    for tokens, reported in seen:
        learned.learn(counted(tokens), "m", reported)

    factor = learned.factor("m")

    assert all(tokens * factor + 256 >= reported for tokens, reported in seen)


def test_an_exact_tokenizer_stays_exact():
    """
    What is counted beside the words makes no count of an exact one smaller.
    """
    learned = Calibration()
    for _ in range(100):
        learned.learn(counted(1000), "gpt-4o", 900)

    assert learned.factor("gpt-4o") == 1.0


@pytest.mark.parametrize(
    ("reported", "low", "high"), [(10**9, 4.0, 4.0), (1, 0.5, 0.52)]
)
def test_factors_have_ends(reported, low, high):
    """
    A provider that reports nonsense is believed within reason.
    """
    learned = Calibration()
    for _ in range(200):
        learned.learn(counted(1000), "m", reported)

    assert low <= learned.factor("m") <= high


@pytest.mark.parametrize(
    "bound",
    [
        counted(0),
        counted(150),
        counted(1000, media_tokens=5),
        counted(1000, window_named=("prompt",)),
    ],
    ids=["uncounted", "short", "media", "named"],
)
def test_what_was_not_counted_teaches_nothing(bound):
    """
    Only prompts of words, long enough for the template not to matter.
    """
    learned = Calibration()

    learned.learn(bound, "m", 5000)

    assert len(learned) == 0


def test_memory_is_bounded():
    """
    However many models callers name, what was longest not seen is forgotten.
    """
    learned = Calibration()
    for number in range(1500):
        learned.learn(counted(1000), f"m{number}", 2000)

    assert len(learned) == 1024
    assert learned.factor("m0") == 1.15
    assert learned.factor("m1499") > 1.15
