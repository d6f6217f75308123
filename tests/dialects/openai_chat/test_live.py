from __future__ import annotations

import openai
import pytest

from gateway.errors import Blocked, BudgetExceeded, UpstreamError
from gateway.usage import Usage

FILTERED = openai.ContentFilterFinishReasonError


@pytest.fixture
def frames(kit):
    """
    A stream with reasoning, content and two calls.
    """
    first = kit.call(0, name="f", id="call_1", type="function")
    second = kit.call(1, name="g", id="call_2", type="function")
    deltas = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"content": "He"},
        {"content": "llo"},
        first,
        kit.call(0, '{"x":'),
        kit.call(0, "1}"),
        second,
        kit.call(1, "{}"),
    ]
    docs = [kit.event(delta) for delta in deltas]
    docs += [kit.event(finish="tool_calls"), kit.usage_event()]
    return [kit.frame(doc) for doc in docs]


def cut(kit, sent, error, **asked):
    tracker = kit.dialect.tracker(kit.asked(**asked))
    for frame in sent:
        tracker.note(frame)
    return [chunk.encode() for chunk in kit.dialect.cut(tracker, error)]


def reading(kit, docs):
    facts = kit.dialect.facts()
    for doc in docs:
        chunk = kit.chunk(doc)
        data = doc if isinstance(doc, bytes) else kit.frame(doc)
        if any(tell in data for tell in facts.tells):
            facts.read(chunk)
    return facts


class TestCut:
    @pytest.mark.parametrize("count", range(12))
    def test_blocked_at_every_event(self, kit, frames, count):
        """
        A guardrail's refusal ends the stream as the vendor's own filter would.
        """
        sent = frames[:count]

        ended = [*sent, *cut(kit, sent, Blocked())]

        # If all was said, what is left to report is the error.
        expected = FILTERED if count < 10 else openai.APIError
        with pytest.raises(expected):
            kit.accumulate(ended)

    @pytest.mark.parametrize("count", range(10))
    def test_blocked_keeps_what_was_said(self, kit, frames, count):
        """
        What was sent before the refusal stays what it was.
        """
        sent = frames[:count]

        seen = kit.accumulate([*sent, *cut(kit, sent, Blocked())], is_final=False)

        said = "".join(["", "", "", "He", "llo"][: count + 1])
        assert seen.choices[0].finish_reason == "content_filter"
        assert (seen.choices[0].message.content or "") == said

    @pytest.mark.parametrize("count", range(12))
    def test_failed_at_every_event(self, kit, frames, count):
        """
        Anything else makes the SDK raise its own exception, with the gateway's sentence.
        """
        sent = frames[:count]
        error = UpstreamError(provider="acme", upstream_status=500)

        with pytest.raises(openai.APIError, match="Provider acme failed") as caught:
            kit.accumulate([*sent, *cut(kit, sent, error)])

        assert caught.value.code == "upstream_failed"

    @pytest.mark.parametrize("error", [Blocked(), BudgetExceeded()], ids=type)
    def test_ends_with_done(self, kit, frames, error):
        """
        A client that waits for ``[DONE]`` does not wait for ever.
        """
        assert cut(kit, frames[:3], error)[-1] == kit.done

    def test_structured_output_raises_its_own_exception(self, kit, frames):
        """
        Where the SDK parses the content, it says that a filter ended it.
        """
        sent = frames[:3]
        tool = {
            "type": "function",
            "function": {"name": "f", "strict": True, "parameters": {}},
        }

        with pytest.raises(FILTERED):
            kit.accumulate([*sent, *cut(kit, sent, Blocked())], tools=[tool])

    def test_only_open_choices_are_finished(self, kit):
        """
        A choice that finished is not finished again.
        """
        sent = [
            kit.frame(kit.event({"content": "a"}, index=0)),
            kit.frame(kit.event({"content": "b"}, index=1)),
            kit.frame(kit.event(finish="stop", index=0)),
        ]

        ended = [*sent, *cut(kit, sent, Blocked(), n=2)]

        seen = kit.accumulate(ended, is_final=False)

        reasons = [choice.finish_reason for choice in seen.choices]
        assert reasons == ["stop", "content_filter"]

    def test_finished_choices_leave_an_error(self, kit):
        """
        If nothing is open, a refusal is told as an error.
        """
        sent = [kit.frame(kit.event(finish="stop"))]

        (error, done) = cut(kit, sent, Blocked())

        assert b'"code":"guardrail_blocked"' in error
        assert done == kit.done

    def test_keeps_the_envelope(self, kit, frames):
        """
        The closing chunks belong to the stream that they close.
        """
        first = cut(kit, frames[:2], Blocked())[0]

        assert b'"id":"chatcmpl-1"' in first
        assert b'"model":"gpt-5-mini"' in first

    def test_empty_reasons_are_no_ends(self, kit):
        """
        A vendor that sends an empty reason with every event has not finished.
        """
        sent = [kit.frame(kit.event({"content": "a"}, finish="")) for _ in range(9)]

        seen = kit.accumulate([*sent, *cut(kit, sent, Blocked())], is_final=False)

        assert seen.choices[0].finish_reason == "content_filter"

    @pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
    def test_any_line_end(self, kit, end):
        """
        Frames are understood whatever ends their lines.
        """
        frame = kit.frame(kit.event(finish="stop")).replace(b"\n", end)

        assert b"content_filter" not in b"".join(cut(kit, [frame], Blocked()))

    @pytest.mark.parametrize("n", [0, -3, 10**9, "4", None, True], ids=str)
    def test_odd_counts(self, kit, n):
        """
        A count of choices that no provider accepts bounds the cut all the same.
        """
        assert len(cut(kit, [], Blocked(), n=n)) <= 1025

    def test_unreadable_frames(self, kit):
        """
        What was sent need not be JSON.
        """
        sent = [b'data: {"choices" "finish_reason":"x\n\n', b"data: []\n\n"]

        assert b"content_filter" in cut(kit, sent, Blocked())[0]


class TestFacts:
    def test_usage_and_stop(self, kit, frames):
        """
        The last chunks tell what was used and why the model stopped.
        """
        facts = kit.dialect.facts()
        for frame in frames:
            facts.read(kit.chunk(frame))

        assert facts.usage == Usage(input=9, output=3)
        assert (facts.stop.reason, facts.stop.raw) == ("tool", "tool_calls")
        assert facts.fault is None

    def test_reads_no_content(self, kit):
        """
        A piece of content is not worth parsing, even if it talks of usage.
        """
        doc = kit.event({"content": '"usage":{"error": "finish_reason":"stop"'})
        facts = kit.dialect.facts()
        chunk = kit.chunk(doc)

        facts.read(chunk)

        assert not any(tell in kit.frame(doc) for tell in facts.tells)
        assert chunk._doc is None

    def test_last_usage_counts(self, kit):
        """
        Vendors that send usage with every event count upwards.
        """
        facts = reading(
            kit,
            [
                kit.event({"content": "a"}, usage={"prompt_tokens": 5}),
                kit.event(
                    finish="stop", usage={"prompt_tokens": 5, "completion_tokens": 2}
                ),
            ],
        )

        assert facts.usage == Usage(input=5, output=2)

    def test_groq(self, kit):
        """
        Groq tells usage beside the choices.
        """
        groq = {"id": "req_1", "usage": {"prompt_tokens": 5, "completion_tokens": 2}}

        facts = reading(kit, [kit.event(finish="stop", x_groq=groq)])

        assert facts.usage == Usage(input=5, output=2)

    @pytest.mark.parametrize(
        ("doc", "status"),
        [
            ({"error": {"message": "Slow down", "code": 429}}, 429),
            ({"error": {"message": "x", "type": "server_error"}}, 500),
            ({"error": "out of memory"}, 500),
            ({"x_groq": {"error": "over capacity"}}, 500),
            (b'event: error\ndata: {"message": "x", "code": 503}\n\n', 503),
        ],
        ids=["OpenRouter", "OpenAI", "string", "Groq", "event"],
    )
    def test_fault(self, kit, doc, status):
        """
        An error in mid-stream is known, with the status that it would have had.
        """
        assert reading(kit, [doc]).fault.status == status

    def test_calls_outrank_stop(self, kit):
        """
        A model that called a tool stopped for it, whatever the vendor says.
        """
        facts = reading(
            kit, [kit.event(kit.call(0, "{}", name="f")), kit.event(finish="stop")]
        )

        assert (facts.stop.reason, facts.stop.raw) == ("tool", "stop")

    def test_empty_finish_counts_at_the_end(self, kit):
        """
        An empty reason, with which xAI ends calls, means nothing before the end.
        """
        docs = [kit.event(kit.call(0, "{}", name="f"), finish="")]

        assert reading(kit, docs).stop is None
        assert reading(kit, [*docs, kit.done]).stop.reason == "tool"

    def test_worst_choice_counts(self, kit):
        """
        With several choices the worst stop is the stream's.
        """
        docs = [kit.event(finish="length", index=1), kit.event(finish="stop", index=0)]

        assert reading(kit, docs).stop.reason == "length"


class TestDone:
    @pytest.mark.parametrize(
        "frame",
        [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE]\r\n\r\n"],
        ids=["LF", "no space", "CRLF"],
    )
    def test_spellings(self, kit, frame):
        """
        The last frame is known in every spelling that SSE allows.
        """
        assert kit.dialect.is_terminal_frame(frame)
        assert kit.chunk(frame).is_terminal

    @pytest.mark.parametrize(
        "frame", [b'data: "[DONE]"\n\n', b": [DONE]\n\n", b"data: {}\n\n"], ids=str
    )
    def test_others(self, kit, frame):
        """
        What only looks like it is not it.
        """
        assert not kit.dialect.is_terminal_frame(frame)
