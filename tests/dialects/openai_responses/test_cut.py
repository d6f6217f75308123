"""
Ending streams at any event; the vendor's SDK judges what it is told.
"""

from __future__ import annotations

import openai
import pytest

from gateway import neutral
from gateway.errors import Blocked, PluginFailed, RateLimited, UpstreamError
from gateway.usage import Usage


def story(kit):
    """
    A stream with everything that the gateway writes, as frames.
    """
    events = [
        neutral.Start("msg_1", "claude", 1),
        neutral.Open(0, neutral.ReasoningBlock()),
        neutral.Delta(0, "Let me "),
        neutral.Delta(0, "think."),
        neutral.SummaryPart(0),
        neutral.Delta(0, "On."),
        neutral.SealDelta(0, neutral.Seal(dialect="anthropic_messages", data="sig")),
        neutral.Close(0),
        neutral.Open(1, neutral.TextBlock(text="")),
        neutral.Delta(1, 'It "rains'),
        neutral.Annotation(
            1,
            {
                "type": "url_citation",
                "start_index": 0,
                "end_index": 2,
                "title": "t",
                "url": "u",
            },
        ),
        neutral.Delta(1, '\\" \n\u2028 \U0001f327.'),
        neutral.Close(1),
        neutral.Open(2, neutral.RefusalBlock(text="")),
        neutral.Delta(2, "But no more."),
        neutral.Close(2),
        neutral.Open(3, neutral.ToolCall(id="call_1", name="get_weather")),
        neutral.Delta(3, '{"city":'),
        neutral.Open(4, neutral.ToolCall(id="call_2", name="sql", kind="custom")),
        neutral.Delta(4, "select 1"),
        neutral.Delta(3, '"Oslo"}'),
        neutral.Close(3),
        neutral.Close(4),
        neutral.Finish(neutral.Stop(reason="tool")),
        neutral.Used(Usage(input=1, output=1)),
        neutral.End(),
    ]
    return [chunk.encode() for chunk in kit.stream(events)]


def cut_after(kit, frames, error):
    tracker = kit.dialect.tracker(kit.request(input="Hello", instructions="Be kind."))
    for frame in frames:
        tracker.note(frame)
    return kit.dialect.cut(tracker, error)


def told(frames, kit):
    """
    What a caller heard: texts by lane, as deltas, and what is done.
    """
    said, done = {}, {}
    for frame in frames:
        doc = kit.received(frame).doc
        key = (
            doc.get("output_index"),
            doc.get("content_index", doc.get("summary_index")),
        )
        if doc["type"].endswith("text.delta") or doc["type"].endswith("refusal.delta"):
            said[key, doc["type"][:-6]] = (
                said.get((key, doc["type"][:-6]), "") + doc["delta"]
            )
        if doc["type"].endswith(("text.done", "refusal.done")):
            done[key, doc["type"][:-5]] = doc.get("text", doc.get("refusal"))
    return said, done


@pytest.fixture
def frames(kit):
    return story(kit)


def every_cut(kit, frames, error):
    for count in range(1, len(frames)):
        sent = frames[:count]
        yield sent, [chunk.encode() for chunk in cut_after(kit, sent, error)]


class TestBlocked:
    def test_sdk_is_content_at_every_event(self, kit, frames):
        """
        Both ways of reading a stream end with an incomplete response that was filtered.
        """
        for sent, end in every_cut(kit, frames, Blocked()):
            with kit.client([*sent, *end]).responses.stream(
                model="m", input="x"
            ) as stream:
                events = list(stream)
            raw = kit.client([*sent, *end]).responses.create(
                model="m", input="x", stream=True
            )

            last = list(raw)[-1]

            assert events[-1].type == last.type == "response.incomplete"
            assert last.response.status == "incomplete"
            assert last.response.incomplete_details.reason == "content_filter"

    def test_every_event_is_valid_and_numbered(self, kit, frames):
        """
        The vendor's types accept each event, and sequence numbers go on without a gap.
        """
        for sent, end in every_cut(kit, frames, Blocked()):
            docs = [kit.received(frame).doc for frame in [*sent, *end]]

            for doc in docs[len(sent) :]:
                kit.valid_event(doc)
            assert [doc["sequence_number"] for doc in docs] == list(range(len(docs)))

    def test_what_was_said_is_said_again(self, kit, frames):
        """
        Every text that began is closed with all its words, once, and stands in the response.
        """
        for sent, end in every_cut(kit, frames, Blocked()):
            said, done = told([*sent, *end], kit)
            final = kit.received(end[-1]).doc["response"]

            assert {key: text for key, text in done.items() if text} == said
            texts = [
                part.get("text", part.get("refusal"))
                for item in final["output"]
                for part in [*item.get("summary", ()), *item.get("content", ())]
            ]
            assert [text for text in texts if text] == list(said.values())

    def test_items_are_done_once(self, kit, frames):
        """
        Each message and each reasoning that was added is done, once.
        """
        for sent, end in every_cut(kit, frames, Blocked()):
            docs = [kit.received(frame).doc for frame in [*sent, *end]]
            added = [
                d["output_index"] for d in docs if d["type"].endswith("item.added")
            ]
            done = [d["output_index"] for d in docs if d["type"].endswith("item.done")]
            calls = {2, 3}  # of tools, which stay open

            assert sorted(set(done)) == sorted(done)
            assert set(added) - calls <= set(done) <= set(added)

    def test_unfinished_call_does_not_look_callable(self, kit, frames):
        """
        A call that was cut off is neither done nor in the response.
        """
        count = next(
            number for number, frame in enumerate(frames) if b"arguments.delta" in frame
        )
        end = [chunk.doc for chunk in cut_after(kit, frames[: count + 1], Blocked())]

        types = [item["type"] for item in end[-1]["response"]["output"]]

        assert types == ["reasoning", "message"]
        assert not any("arguments" in doc["type"] for doc in end)

    def test_annotations_are_kept(self, kit, frames):
        """
        What was cited stays cited.
        """
        count = next(
            number
            for number, frame in enumerate(frames)
            if b"annotation.added" in frame
        )
        end = cut_after(kit, frames[: count + 1], Blocked())

        message = end[-1].doc["response"]["output"][-1]

        assert message["status"] == "incomplete"
        assert message["content"][0]["annotations"][0]["url"] == "u"

    def test_before_the_response_began(self, kit):
        """
        A stream of which only comments were sent still gets its beginning.
        """
        end = cut_after(kit, [b": ping\n\n"], Blocked())

        assert [chunk.doc["type"] for chunk in end] == [
            "response.created",
            "response.incomplete",
        ]
        assert [chunk.doc["sequence_number"] for chunk in end] == [0, 1]
        for chunk in end:
            kit.valid_event(chunk.doc)

    def test_vendors_own_stream(self, kit):
        """
        A stream of the vendor's own, hosted tools and all, is closed at every event too.
        """
        frames = [kit.frame(event) for event in kit.events()]
        for sent, end in every_cut(kit, frames, Blocked()):
            client = kit.client([*sent, *end])
            with client.responses.stream(model="m", input="x") as stream:
                *_, last = stream

            for frame in end:
                kit.valid_event(kit.received(frame).doc)
            assert last.response.incomplete_details.reason == "content_filter"

    @pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
    def test_any_line_end(self, kit, frames, line_end):
        """
        Frames with other line ends are understood as well.
        """
        odd = [frame.replace(b"\n", line_end) for frame in frames[:9]]

        assert [chunk.doc for chunk in cut_after(kit, odd, Blocked())] == [
            chunk.doc for chunk in cut_after(kit, frames[:9], Blocked())
        ]


class TestErrors:
    def test_sdk_raises_at_every_event(self, kit, frames):
        """
        Both ways of reading a stream raise, with the sentence for the client.
        """
        error = UpstreamError("The provider broke off.")
        for sent, end in every_cut(kit, frames, error):
            client = kit.client([*sent, *end])

            with (
                pytest.raises(openai.APIError, match="broke off") as caught,
                client.responses.stream(model="m", input="x") as stream,
            ):
                list(stream)
            with pytest.raises(openai.APIError, match="broke off"):
                list(client.responses.create(model="m", input="x", stream=True))

            assert caught.value.code == "upstream_failed"

    def test_clients_that_wait_for_the_response_hear_of_it(self, kit, frames):
        """
        Behind the error event comes the failed response, with what was complete.
        """
        for sent, end in every_cut(kit, frames, PluginFailed("x")):
            docs = [kit.received(frame).doc for frame in end]

            assert [doc["type"] for doc in docs] == ["error", "response.failed"]
            assert docs[0]["sequence_number"] == len(sent)
            assert docs[1]["response"]["error"]["code"] == "server_error"
            for doc in docs:
                kit.valid_event(doc)

    def test_before_the_response_began(self, kit):
        """
        Without a response there is nothing that could have failed but the stream.
        """
        end = cut_after(kit, [], RateLimited(limit="1 request per minute"))

        assert [chunk.doc["type"] for chunk in end] == ["error"]
        assert end[0].doc["code"] == "request_limited"

    def test_stream_that_is_over_is_left_alone(self, kit, frames):
        """
        Behind its last event nothing may follow.
        """
        assert cut_after(kit, frames, Blocked()) == []
