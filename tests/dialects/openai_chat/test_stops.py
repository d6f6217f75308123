from __future__ import annotations

import pytest

from gateway.dialects.openai_chat.stops import read_stop, worst, write_stop
from gateway.neutral import Stop

READ = {
    "stop": "end",
    "eos": "end",
    "length": "length",
    "model_length": "context_full",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "filtered",
    "error": "error",
    "insufficient_system_resource": "error",
    "abort": "error",
    "some_new_reason": "unknown",
}
WRITTEN = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_full": "length",
    "tool": "tool_calls",
    "filtered": "content_filter",
    "paused": "stop",
    "malformed": "error",
    "error": "error",
    "unknown": "error",
}


def read(has_calls=False, **choice):
    return read_stop(choice, has_calls=has_calls)


class TestRead:
    @pytest.mark.parametrize(("word", "reason"), READ.items())
    def test_golden(self, word, reason):
        """
        Every vendor's word has its reason; an unknown one is never an end.
        """
        assert read(finish_reason=word) == Stop(reason=reason, raw=word)

    @pytest.mark.parametrize("word", [None, ""], ids=repr)
    def test_not_yet(self, word):
        """
        Null, or nothing, is no reason.
        """
        assert read(finish_reason=word) is None

    @pytest.mark.parametrize(
        ("word", "reason"),
        [("stop", "tool"), ("length", "length"), ("content_filter", "filtered")],
    )
    def test_calls(self, word, reason):
        """
        A call is the reason, unless it was cut.
        """
        assert read(has_calls=True, finish_reason=word).reason == reason

    @pytest.mark.parametrize("key", ["stop_reason", "matched_stop"])
    def test_sequence(self, key):
        """
        Which stop sequence was met is told by vLLM and SGLang.
        """
        stop = read(finish_reason="stop", **{key: "END"})

        assert stop == Stop(reason="stop_sequence", raw="stop", sequence="END")

    def test_number_of_a_token(self):
        """
        The number of the token that ends an answer is no sequence.
        """
        assert read(finish_reason="stop", stop_reason=128009).reason == "end"

    def test_native_word(self):
        """
        OpenRouter tells the provider's own word.
        """
        assert read(finish_reason="stop", native_finish_reason="STOP").raw == "STOP"

    def test_bounded(self):
        """
        A word of any length, or type, is kept in a bounded one.
        """
        assert len(read(finish_reason="x" * 9999).raw) == 200
        assert read(finish_reason=["x"]).reason == "unknown"


class TestWrite:
    @pytest.mark.parametrize(("reason", "word"), WRITTEN.items())
    def test_golden(self, reason, word):
        """
        Every reason has its word.
        """
        assert write_stop(Stop(reason=reason))["finish_reason"] == word

    @pytest.mark.parametrize("reason", ["end", "length", "tool", "filtered"])
    def test_told_in_full(self, reason):
        """
        Where OpenAI's word says it all, no other is sent along.
        """
        assert write_stop(Stop(reason=reason, raw="odd")).keys() == {"finish_reason"}

    def test_sequence(self):
        """
        The sequence that was met is told as vLLM tells it.
        """
        written = write_stop(
            Stop(reason="stop_sequence", raw="stop_sequence", sequence="END")
        )

        assert written["stop_reason"] == "END"

    def test_legacy_call(self):
        """
        Who offered functions is told of a function call.
        """
        written = write_stop(Stop(reason="tool"), is_legacy=True)

        assert written["finish_reason"] == "function_call"


def test_worst():
    """
    Of several choices the worst counts; of none, none.
    """
    found = [Stop(reason=reason) for reason in ("tool", "unknown", "length")]

    assert worst(found).reason == "unknown"
    assert worst([]) is None
