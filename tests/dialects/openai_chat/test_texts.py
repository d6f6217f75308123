from __future__ import annotations

import pytest

from gateway import codec
from gateway.views import Chunk

FIRST = (0, 0, 0, "message")


def planted(kit, doc, make):
    """
    Yield what *make* makes of *doc* with a canary in the place of each string in turn.
    """
    for path in kit.strings(doc):
        yield path, make(kit.changed(doc, path, lambda _: kit.canary))


def extended(kit, doc, make, name, value):
    """
    Yield what *make* makes of *doc* with a member more in each object in turn.
    """
    for path in kit.objects(doc):
        yield path, make(kit.changed(doc, path, lambda box: {**box, name: value}))


class TestClosedWorld:
    def test_no_string_of_a_response_is_passed_over(self, kit):
        """
        Whatever string a provider changes into words, a guardrail sees it.
        """
        found = list(planted(kit, kit.example("response"), kit.response))

        missed = [path for path, view in found if kit.canary not in kit.values(view)]

        assert len(found) > 60
        assert missed == []

    def test_no_string_of_an_event_is_passed_over(self, kit):
        """
        The same for every string of every kind of event.
        """
        found = [
            (number, *place)
            for number, doc in enumerate(kit.example("chunks"))
            for place in planted(kit, doc, kit.chunk)
        ]

        missed = [
            (number, path)
            for number, path, view in found
            if kit.canary not in kit.values(view)
        ]

        assert len(found) > 80
        assert missed == []

    @pytest.mark.parametrize("value", ["words here", 1, None], ids=str)
    def test_no_new_member_is_passed_over(self, kit, value):
        """
        A member that nobody has heard of is text, its name and its value.
        """
        docs = [(kit.response, kit.example("response"))]
        docs += [(kit.chunk, doc) for doc in kit.example("chunks")]
        wanted = {kit.canary, value} if isinstance(value, str) else {kit.canary}

        missed = [
            path
            for make, doc in docs
            for path, view in extended(kit, doc, make, kit.canary, value)
            if not wanted <= set(kit.values(view))
        ]

        assert missed == []

    @pytest.mark.parametrize(
        "wrap", [lambda v: [v], lambda v: {"a": v}], ids=["list", "object"]
    )
    def test_no_value_of_another_type_is_passed_over(self, kit, wrap):
        """
        A string where the vendor documents a string, inside something else, is found.
        """
        docs = [(kit.response, kit.example("response"))]
        docs += [(kit.chunk, doc) for doc in kit.example("chunks")]

        missed = [
            path
            for make, doc in docs
            for path in kit.strings(doc)
            if kit.canary
            not in kit.values(make(kit.changed(doc, path, lambda _: wrap(kit.canary))))
        ]

        assert missed == []

    @pytest.mark.parametrize("doc", [["said so"], [{"a": "said so"}]], ids=str)
    def test_list_at_the_top(self, kit, doc):
        """
        An event that is no object has texts all the same.
        """
        assert "said so" in kit.values(kit.chunk(doc))
        assert "said so" in kit.values(kit.response(doc))

    def test_string_at_the_top_can_be_edited(self, kit):
        """
        A bare string is a document, and another one may stand in its place.
        """
        chunk = kit.chunk("just words")
        (text,) = chunk.texts()

        text.replace("x")

        assert chunk.encode() == b'data: "x"\n\n'

    def test_edits_reach_the_document(self, kit):
        """
        Each text of a response, replaced, stands in what is sent.
        """
        view = kit.response(kit.example("response"))

        for text in view.texts():
            if not text.sealed:
                text.replace("[gone]")

        assert b"Hello there" not in view.encode()
        assert b"New York" not in view.encode()


class TestChunks:
    def test_plain_piece(self, kit):
        """
        A piece of content is one delta of the first choice's lane.
        """
        (text,) = kit.chunk(kit.event({"content": "He"})).texts()

        assert (text.lane, text.form, text.kind, text.role) == (
            FIRST,
            "delta",
            "message",
            "assistant",
        )

    def test_piece_of_another_choice(self, kit):
        """
        Choices have lanes of their own.
        """
        (text,) = kit.chunk(kit.event({"content": "He"}, index=3)).texts()

        assert text.lane == (3, 0, 0, "message")

    @pytest.mark.parametrize(
        "delta",
        [{"role": "assistant", "content": ""}, {}, {"content": None}],
        ids=["empty", "nothing", "null"],
    )
    def test_silence(self, kit, delta):
        """
        What says nothing has no texts.
        """
        assert kit.chunk(kit.event(delta)).texts() == []

    def test_done_and_comments(self, kit):
        """
        The end of a stream and its comments have no texts.
        """
        assert kit.chunk(kit.done).texts() == []
        assert kit.chunk(b": ping\n\n").texts() == []

    def test_fast_and_slow_way_agree(self, kit):
        """
        A chunk read by heart gives what the walk gives.
        """
        first = kit.chunk(kit.event({"content": "He"}, obfuscation="aB3"))
        slow = kit.chunk(kit.event({"content": "He"}, provider="Some Cloud"))

        assert repr(first.texts()) == repr(slow.texts()[-1:] and [slow.texts()[0]])

    @pytest.mark.parametrize(
        ("delta", "kind", "lane"),
        [
            ({"refusal": "x"}, "refusal", (0, 0, 0, "refusal")),
            (
                {"reasoning_content": "x"},
                "reasoning",
                (0, "reasoning", "reasoning_content", "reasoning"),
            ),
            (
                {"reasoning": "x"},
                "reasoning",
                (0, "reasoning", "reasoning", "reasoning"),
            ),
            ({"audio": {"transcript": "x"}}, "transcript", (0, 0, 0, "transcript")),
            (
                {"content": [{"type": "text", "text": "x"}]},
                "message",
                (0, 0, 0, "message"),
            ),
            (
                {"content": [{"type": "thinking", "thinking": "x"}]},
                "reasoning",
                (0, "reasoning", "thinking", "reasoning"),
            ),
        ],
        ids=[
            "refusal",
            "reasoning_content",
            "reasoning",
            "transcript",
            "part",
            "thinking",
        ],
    )
    def test_lanes(self, kit, delta, kind, lane):
        """
        Every running text has a lane, in which its pieces follow each other.
        """
        (text,) = kit.chunk(kit.event(delta)).texts()

        assert (text.kind, text.lane, text.form) == (kind, lane, "delta")

    def test_arguments_are_json_in_pieces(self, kit):
        """
        Arguments are JSON source, in a lane by the call's index.
        """
        (text,) = kit.chunk(kit.event(kit.call(2, '{"a'))).texts()

        assert text.is_json
        assert text.lane == (0, "tools", 2, "tool_arguments")

    def test_unknown_words_may_be_pieces(self, kit):
        """
        A new member of a delta is a running text too, so that nothing is hidden by splitting.
        """
        name, text = kit.chunk(kit.event({"aside": "4111"})).texts()
        other = kit.chunk(kit.event({"aside": "1111"})).texts()[1]

        assert (name.value, name.form) == ("aside", "whole")
        assert (text.kind, text.form) == ("unknown", "delta")
        assert text.lane == other.lane

    def test_pieces_of_a_new_kind_of_call_run_on(self, kit):
        """
        Though the first event tells its name as well, and those after it do not.
        """
        first = {"index": 0, "type": "new", "new": {"name": "f", "input": "4111"}}
        calls = first, {"index": 0, "new": {"input": "1111"}}
        events = [kit.chunk(kit.event({"tool_calls": [call]})) for call in calls]

        pieces = [t for event in events for t in event.texts() if "111" in t.value]

        assert [text.form for text in pieces] == ["delta", "delta"]
        assert pieces[0].lane == pieces[1].lane

    def test_pieces_beside_a_delta_run_on(self, kit):
        """
        What a vendor streams beside the delta is one text, however it is cut.
        """
        events = [
            kit.chunk(
                {**kit.event({}), "choices": [{"index": 1, "delta": {}, "text": p}]}
            )
            for p in ("4111", "1111")
        ]

        pieces = [t for event in events for t in event.texts() if "111" in t.value]

        assert [text.form for text in pieces] == ["delta", "delta"]
        assert pieces[0].lane == pieces[1].lane
        assert pieces[0].lane[0] == 1

    def test_name_of_an_event_may_be_words(self, kit):
        """
        None has one here but errors; what somebody writes there is text.
        """
        event = codec.dumps(kit.event({"content": "x"}))
        frames = [
            b"event: %b\ndata: %b\n\n" % (n, event) for n in (b"error", b"a card")
        ]

        error, words = (Chunk(kit.dialect, frame).texts() for frame in frames)

        assert [text.value for text in error] == ["x"]
        assert [text.value for text in words] == ["a card", "x"]

    def test_two_unknown_strings_do_not_mix(self, kit):
        """
        Two strings of one unknown member have lanes of their own.
        """
        texts = kit.chunk(kit.event({"aside": ["one", "two"]})).texts()

        lanes = [text.lane for text in texts if text.form == "delta"]

        assert len(set(lanes)) == 2

    def test_signed_thinking_repeats(self, kit):
        """
        A complete signed block says again what ``reasoning_content`` said.
        """
        block = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}

        (text,) = kit.chunk(kit.event({"thinking_blocks": [block]})).texts()

        assert (text.form, text.sealed) == ("repeat", True)
        assert text.lane == (0, "reasoning", "reasoning_content", "reasoning")

    def test_message_beside_the_delta_repeats(self, kit):
        """
        The message so far, which some vendors send, repeats its lanes.
        """
        doc = kit.event({"content": "llo"})
        doc["choices"][0]["message"] = {"role": "assistant", "content": "Hello"}

        delta, repeat = kit.chunk(doc).texts()

        assert repeat.form == "repeat"
        assert repeat.lane == delta.lane

    def test_repeated_arguments_come_whole(self, kit):
        """
        Arguments said again are one text, source and all.
        """
        doc = kit.event()
        call = {"id": "c", "type": "function", "function": {"arguments": '{"a": "b"}'}}
        doc["choices"][0]["message"] = {"tool_calls": [call]}

        (text,) = kit.chunk(doc).texts()

        assert (text.form, text.is_json, text.value) == ("repeat", True, '{"a": "b"}')


class TestEnds:
    def test_finish_ends_the_choice(self, kit):
        """
        Nothing follows in a choice that finished.
        """
        assert kit.chunk(kit.event(finish="stop", index=1)).ends() == ((1,),)

    @pytest.mark.parametrize(
        "doc",
        [{"error": {"message": "It broke"}}, b"data: [DONE]\n\n"],
        ids=["error", "done"],
    )
    def test_end_of_the_stream_ends_all(self, kit, doc):
        """
        Behind an error, or the last frame, nothing follows at all.
        """
        assert kit.chunk(doc).ends() == ((),)

    @pytest.mark.parametrize(
        "delta",
        [{"content": "x"}, {"reasoning_content": "x"}, {"tool_calls": []}, {}],
        ids=["content", "reasoning", "no calls", "nothing"],
    )
    def test_nothing_else_is_certain(self, kit, delta):
        """
        Content may go on behind reasoning, and reasoning behind content.
        """
        assert kit.chunk(kit.event(delta)).ends() == ()

    def test_empty_finish_ends_nothing(self, kit):
        """
        Some vendors send an empty reason with every event.
        """
        assert kit.chunk(kit.event({"content": "x"}, finish="")).ends() == ()

    def test_arguments_end_the_name(self, kit):
        """
        Once a call's arguments come, its name is complete.
        """
        ends = kit.chunk(kit.event(kit.call(1, '{"'))).ends()

        assert ends == ((0, "tools", 1, "name"),)


class TestSpans:
    def cited(self, annotation):
        return {"content": "Hello", "annotations": [annotation]}

    def test_link(self, kit):
        """
        A link's place counts in the content of its choice.
        """
        link = {"start_index": 1, "end_index": 3}
        delta = self.cited({"type": "url_citation", "url_citation": link})

        (span,) = kit.chunk(kit.event(delta)).spans()

        assert (span.lane, span.start, span.end) == (FIRST, "start_index", "end_index")

    def test_file(self, kit):
        """
        A file's citation stands at one place.
        """
        doc = {"choices": [{"message": self.cited({"index": 4})}]}

        (span,) = kit.response(doc).spans()

        assert (span.start, span.end, span.box) == ("index", None, {"index": 4})

    def test_none(self, kit):
        """
        Most chunks have no places.
        """
        assert kit.chunk(kit.event({"content": "x"})).spans() == []
        assert kit.response(["odd"]).spans() == []


class TestFinishReasons:
    def test_each_choice(self, kit):
        """
        Each choice says why it ended.
        """
        view = kit.response(kit.example("response"))

        assert view.finish_reasons == ["tool_calls", "content_filter"]

    def test_missing(self, kit):
        """
        A choice that does not say is an empty word.
        """
        assert kit.response({"choices": [{"finish_reason": None}]}).finish_reasons == [
            ""
        ]
