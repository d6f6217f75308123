"""
Texts of events.
"""

from __future__ import annotations

import pytest

from gateway.views import Chunk

ARGUMENTS = '{"city":"Oslo, Norway","days":[1,2.50,"next week"]}'


def every_event(kit):
    example = kit.example("stream")
    return [*example["events"], *example["others"]]


class TestClosedWorld:
    def test_examples_are_valid_and_complete(self, kit):
        """
        The vendor's SDK accepts the examples, which have an event of every type that it knows.
        """
        events = every_event(kit)

        types = {kit.valid_event(event).type for event in events}

        assert len(types) == 59

    def test_no_string_escapes(self, kit):
        """
        A canary in any string of any event comes out, and goes when it is replaced.
        """
        missed = [
            (event["type"], path)
            for event in every_event(kit)
            for path in kit.missed(event, lambda new: Chunk(kit.dialect, doc=new))
        ]

        assert missed == []

    def test_no_unknown_member_escapes(self, kit):
        """
        A member that nobody has heard of comes out of any event, its name too.
        """
        missed = [
            (event["type"], path)
            for event in every_event(kit)
            for path in kit.unheard_of(event, lambda new: Chunk(kit.dialect, doc=new))
        ]

        assert missed == []

    def test_event_nobody_has_heard_of_is_all_text(self, kit):
        """
        An event of an unknown type yields every string that it holds.
        """
        event = {"type": "response.new_thing.delta", "delta": {"words": "to judge"}}

        texts = kit.chunk(event).texts()

        assert {"to judge", "words"} <= {text.value for text in texts}
        assert {text.kind for text in texts} == {"unknown"}

    @pytest.mark.parametrize(
        "said", [lambda words: words, lambda words: {"say": words}]
    )
    def test_pieces_of_an_event_nobody_has_heard_of_run_on(self, kit, said):
        """
        What the vendor invents it streams as all else: no split hides a text.
        """
        events = [
            {"type": "response.new.delta", "output_index": 1, "delta": said(words)}
            for words in ("4111 1111", " 1111 1111")
        ]

        texts = [text for event in events for text in kit.chunk(event).texts()]

        pieces = [text for text in texts if "1111" in text.value]
        assert [text.form for text in pieces] == ["delta", "delta"]
        assert pieces[0].lane == pieces[1].lane
        assert pieces[0].lane[:2] == (0, 1)

    def test_name_of_an_event_may_be_words(self, kit):
        """
        It says again what the type is; what else somebody writes there is text.
        """
        kind = b"response.output_text.delta"
        data = b'{"type": "%b", "item_id": "m", "output_index": 0, ' % kind
        data += b'"content_index": 0, "sequence_number": 1, "delta": "x"}'
        frames = [b"event: %b\ndata: %b\n\n" % (n, data) for n in (kind, b"a card")]

        usual, words = (Chunk(kit.dialect, frame).texts() for frame in frames)

        assert [text.value for text in usual] == ["x"]
        assert [text.value for text in words] == ["x", "a card"]

    @pytest.mark.parametrize(
        "data", [b'"bare words"', b'["bare words"]', b'[{"a": "bare words"}]']
    )
    def test_event_that_is_no_object_is_all_text(self, kit, data):
        """
        Whatever JSON a frame holds, its strings come out.
        """
        chunk = Chunk(kit.dialect, b"data: %b\n\n" % data)

        assert "bare words" in [text.value for text in chunk.texts()]

    @pytest.mark.parametrize(
        "frame", [b": ping\n\n", b"data: [DONE]\n\n", b"event: x\n\n"]
    )
    def test_frame_without_a_document_has_no_texts(self, kit, frame):
        """
        Comments, ends and empty events say nothing.
        """
        assert Chunk(kit.dialect, frame).texts() == []

    def test_numbers_in_place_of_indexes_are_texts(self, kit):
        """
        A string where an index belongs is not taken for one.
        """
        event = {
            "type": "response.output_text.delta",
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": "hidden words",
            "sequence_number": 0,
            "delta": "x",
        }

        assert "hidden words" in [text.value for text in kit.chunk(event).texts()]


class TestLanes:
    def said(self, kit):
        """
        Collect, lane by lane, what deltas said, and each text that repeats a lane.
        """
        lanes, repeats = {}, []
        for event in kit.events():
            for text in kit.chunk(event).texts():
                if text.form == "delta":
                    lanes[text.lane] = lanes.get(text.lane, "") + text.value
                elif text.form == "repeat":
                    repeats.append((event["type"], text.lane, text.value))
        return lanes, repeats

    def test_deltas_add_up(self, kit):
        """
        The deltas of each lane are one text.
        """
        lanes, _ = self.said(kit)

        assert lanes[0, 0, 0, "reasoning"] == "Rain falls down."
        assert lanes[0, 0, 1, "summary"] == "And of sun."
        assert lanes[0, 1, 0, "message"] == "It rains."
        assert lanes[0, 1, 1, "refusal"] == "I cannot say more."
        assert lanes[0, 2, 0, "tool_arguments"] == ARGUMENTS
        assert lanes[0, 3, 0, "tool_arguments"] == "select * from people"
        assert lanes[0, 0, 0, "transcript"] == "It rains today."

    def test_every_repeat_says_what_its_lane_said(self, kit):
        """
        What is said again, in `done` events and in the whole response, is in its deltas' lane.
        """
        lanes, repeats = self.said(kit)

        wrong = [
            (kind, lane) for kind, lane, value in repeats if lanes.get(lane) != value
        ]

        assert wrong == []

    def test_every_lane_is_repeated_to_the_end(self, kit):
        """
        Each lane of an item is said again when it is done and when the response is.
        """
        lanes, repeats = self.said(kit)

        for lane in lanes:
            if lane[3] != "transcript":
                types = [kind for kind, at, _ in repeats if at == lane]
                assert "response.output_item.done" in types
                assert types[-1] == "response.completed"

    def test_streamed_arguments_are_json(self, kit):
        """
        Arguments are marked as JSON source, in deltas and in repeats; free text is not.
        """
        texts = [text for event in kit.events() for text in kit.chunk(event).texts()]

        marked = {text.lane[1] for text in texts if text.is_json}

        assert marked == {
            index
            for index, item in enumerate(kit.events()[-1]["response"]["output"])
            if item["type"] in ("function_call", "mcp_call")
        }

    def test_what_created_says_again_is_whole(self, kit):
        """
        Instructions and tools that the first event echoes are texts of the system.
        """
        texts = kit.chunk(kit.events()[0]).texts()

        told = {(text.value, text.kind, text.role, text.form) for text in texts}

        assert ("Be kind to all.", "message", "system", "whole") in told
        assert ("Tells the weather.", "tool_definition", "system", "whole") in told

    def test_editing_a_delta_blanks_its_log_probabilities(self, kit):
        """
        Tokens that repeat a delta go when it is edited.
        """
        event = next(event for event in kit.events() if event.get("logprobs"))
        chunk = kit.chunk(event)

        chunk.texts()[0].replace("She ")

        assert chunk.doc["logprobs"] == []
        assert chunk.doc["delta"] == "She "


class TestHotPath:
    def delta(self, **change):
        return {
            "type": "response.output_text.delta",
            "sequence_number": 4,
            "item_id": "msg_68aa-bb",
            "output_index": 2,
            "content_index": 1,
            "delta": "Hello",
            "logprobs": [],
            "obfuscation": "7xYz",
            **change,
        }

    def test_plain_delta_is_one_text(self, kit):
        """
        A delta of words is one text in its lane.
        """
        (text,) = kit.chunk(self.delta()).texts()

        assert (text.value, text.kind, text.role) == ("Hello", "message", "assistant")
        assert (text.lane, text.form) == ((0, 2, 1, "message"), "delta")

    def test_empty_delta_is_no_text(self, kit):
        """
        A delta without words has nothing to judge.
        """
        assert kit.chunk(self.delta(delta="")).texts() == []

    @pytest.mark.parametrize(
        "change",
        [
            {"item_id": "x y"},
            {"item_id": "x" * 600},
            {"obfuscation": "x y"},
            {"sequence_number": "x y"},
            {"output_index": "x y"},
            {"delta": {"x": "x y"}},
            {"logprobs": "x y"},
            {"x y": 1},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_nothing_hides_beside_a_delta(self, kit, change):
        """
        A delta event with anything odd in it is looked at in full.
        """
        texts = kit.chunk(self.delta(**change)).texts()

        assert {text.value for text in texts} & {"x y", "x" * 600}
