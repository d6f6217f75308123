"""
What is heard of a stream: how many words, and for how long there were none.
"""

from __future__ import annotations

import gc
import json
import random

import pytest

from gateway import BudgetExceeded
from gateway.testing import ManualClock, find_dialect
from gateway_governance.bounds import Bound
from gateway_governance.listening import PAUSE_S, Listener, chunk_slack

CHAT = find_dialect("openai_chat")
ASKED = Bound(input_tokens=10, output_tokens=20)


def words(text="word "):
    delta = {"content": text} if text else {"role": "assistant"}
    doc = {"id": "x", "choices": [{"index": 0, "delta": delta}]}
    return b"data: " + json.dumps(doc).encode() + b"\n\n"


@pytest.fixture(name="clock")
def _clock():
    return ManualClock()


def listen(clock, *, bound=ASKED, cuts=True):
    return Listener(bound, cuts=cuts, monotonic=clock.monotonic)


def hear(clock, listener, *waits):
    """
    Let words come after each of *waits*, in seconds.
    """
    for wait_s in waits:
        clock.move(wait_s)
        listener.see_frames([words()], CHAT)


def test_words_are_counted_by_their_bytes(clock):
    """
    Nothing else in a stream counts.
    """
    listener = listen(clock)

    listener.see_frames([words(""), words("two"), words("zw\xf6lf")], CHAT)

    assert listener.bytes_seen == 3 + 6


def test_a_stream_beyond_its_cap_is_cut(clock):
    """
    More pieces than tokens were held for come from a provider that ignores caps.
    """
    listener = listen(clock)
    listener.see_frames([words()] * (20 + chunk_slack(20)), CHAT)

    with pytest.raises(BudgetExceeded):
        listener.see_frames([words()], CHAT)


@pytest.mark.parametrize(
    ("bound", "cuts"),
    [(ASKED, False), (Bound(input_tokens=10, output_tokens=None), True)],
    ids=["nothing held", "no cap"],
)
def test_what_has_no_cap_is_not_cut(clock, bound, cuts):
    """
    Where nothing was held, or nothing was capped, a stream may be long.
    """
    listener = listen(clock, bound=bound, cuts=cuts)

    listener.see_frames([words()] * 1000, CHAT)

    assert listener.bytes_seen == 5000


def test_before_the_first_words_all_is_silence(clock):
    """
    Events without words tell nothing of what the model does meanwhile.
    """
    listener, sent = listen(clock), clock.monotonic()
    clock.move(3.0)
    listener.see_frames([words("")], CHAT)
    clock.move(4.0)

    assert listener.silent_s(sent, clock.monotonic()) == pytest.approx(7.0)
    assert listener.spoken_s() == 0.0


def test_steady_words_leave_no_silence(clock):
    """
    From the first words to the last the stream is as long as it takes.
    """
    listener, sent = listen(clock), clock.monotonic()
    hear(clock, listener, 2.0, 0.5, 0.5, PAUSE_S)
    clock.move(0.5)

    assert listener.silent_s(sent, clock.monotonic()) == pytest.approx(2.0)
    assert listener.spoken_s() == pytest.approx(2.0)


def test_a_pause_among_the_words_is_silence(clock):
    """
    A model that stops to reason, and goes on or is cut off, may have generated all the while.
    """
    listener, sent = listen(clock), clock.monotonic()
    hear(clock, listener, 1.0, 0.5, 30.0, 0.5)
    clock.move(20.0)

    assert listener.silent_s(sent, clock.monotonic()) == pytest.approx(51.0)
    assert listener.spoken_s() == pytest.approx(1.0)


def test_silence_is_never_negative(clock):
    """
    Whoever says that a request was sent later than its answer came is not believed.
    """
    listener = listen(clock)
    hear(clock, listener, 0.0)

    assert listener.silent_s(clock.monotonic() + 9, clock.monotonic()) == 0.0
    assert listen(clock).silent_s(5.0, 1.0) == 0.0


@pytest.mark.parametrize("size", [0, 5, 400], ids=["empty", "short", "long"])
def test_long_streams_are_counted_exactly_in_little_memory(
    clock, size, rng: random.Random
):
    """
    However much was packed and looked into meanwhile, the sums are those of all frames.
    """
    listener, total, most_kept = listen(clock, cuts=False), 0, 0
    alphabet = [chr(number) for number in range(32, 0x3000)]

    for _ in range(3_000):
        text = "".join(rng.choices(alphabet, k=size))
        total += len(text.encode())
        clock.move(0.5)
        listener.see_frames([words(text)] if text else [b":\n\n"] * 20, CHAT)
        most_kept = max(most_kept, listener._packed_bytes + listener._raw_bytes)

    assert listener.bytes_seen == total
    assert listener.spoken_s() == pytest.approx(2_999 * 0.5 if size else 0.0)
    assert most_kept < 192 * 1024


def test_nothing_is_looked_into_before_somebody_asks(clock, monkeypatch):
    """
    A stream that ends well costs no parsing.
    """
    looked = []
    monkeypatch.setattr(
        "gateway_governance.listening._words_in",
        lambda frame, dialect: looked.append(frame) or 1,
    )
    listener = listen(clock, bound=Bound(input_tokens=1, output_tokens=10_000))

    hear(clock, listener, *[0.1] * 1_000)

    assert looked == []
    assert listener.bytes_seen == 1_000


def test_a_frame_that_cannot_be_read_counts_whole(clock):
    """
    Whatever a provider bills for it is no more than its bytes.
    """
    listener, broken = listen(clock), b"data: {broken\n\n"

    listener.see_frames([words("a"), broken], CHAT)

    assert listener.bytes_seen == 1 + len(broken)


@pytest.mark.parametrize("choices", [1, 2])
def test_frames_without_words_cut_nothing(clock, choices):
    """
    Comments and empty pieces are no tokens, however many there are.
    """
    bound = Bound(input_tokens=10, output_tokens=20, choices=choices)
    listener, allowed = listen(clock, bound=bound), 20 * choices

    for _ in range(allowed + chunk_slack(allowed)):
        listener.see_frames([words(), b": ping\n\n", words("")], CHAT)

    with pytest.raises(BudgetExceeded):
        listener.see_frames([words()], CHAT)


def test_large_events_leave_nothing_for_the_collector(clock):
    """
    It comes late: what it had to find would grow by three bytes for each that is streamed.
    """
    seeded, listener = random.Random(7), listen(clock, cuts=False)
    events = [words(seeded.randbytes(11_000).hex()) for _ in range(50)]
    gc.collect()
    gc.disable()

    try:
        for event in events:
            listener.see_frames([event], CHAT)
        left = gc.collect()
    finally:
        gc.enable()

    assert left == 0
    assert listener.bytes_seen == 50 * 22_000
