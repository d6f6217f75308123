"""
Streams that the gateway writes; the vendor's SDK judges them.
"""

from __future__ import annotations

import attrs
import pytest

from gateway import neutral
from gateway.neutral import Losses, Stop
from gateway.usage import Usage

START = neutral.Start("msg_1", "claude-x", 1_700_000_000, "default")
END = (
    neutral.Finish(Stop(reason="end", raw="end_turn")),
    neutral.Used(Usage(input=3, cache_read=2, output=4, reasoning=1)),
    neutral.End(),
)


def text(index, *pieces):
    return [
        neutral.Open(index, neutral.TextBlock(text="")),
        *(neutral.Delta(index, piece) for piece in pieces),
        neutral.Close(index),
    ]


def call(index, *pieces, name="get_weather", kind="function"):
    block = neutral.ToolCall(id=f"call_{index}", name=name, kind=kind)
    return [
        neutral.Open(index, block),
        *(neutral.Delta(index, piece) for piece in pieces),
        neutral.Close(index),
    ]


def docs(chunks):
    return [chunk.doc for chunk in chunks]


def types(chunks):
    return [chunk.doc["type"].removeprefix("response.") for chunk in chunks]


def final(chunks):
    return chunks[-1].doc["response"]


class TestSequence:
    def test_words(self, kit):
        """
        A message is added, grows, and everything about it is said again.
        """
        chunks = kit.stream([START, *text(0, "He", "llo"), *END])

        assert types(chunks) == [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
        assert chunks[6].doc["text"] == "Hello"
        assert final(chunks)["output"] == [chunks[8].doc["item"]]

    def test_words_next_to_each_other_are_one_message(self, kit):
        """
        Blocks of words and refusals are parts of one item, densely numbered.
        """
        refusal = [
            neutral.Open(1, neutral.RefusalBlock(text="")),
            neutral.Delta(1, "No."),
            neutral.Close(1),
        ]
        chunks = kit.stream([START, *text(0, "A"), *refusal, *text(2, "B"), *END])

        (item,) = final(chunks)["output"]

        assert [part["type"] for part in item["content"]] == [
            "output_text",
            "refusal",
            "output_text",
        ]
        added = [d for d in docs(chunks) if d["type"] == "response.content_part.added"]
        assert [doc["content_index"] for doc in added] == [0, 1, 2]

    def test_parallel_calls_may_interleave(self, kit):
        """
        Two calls whose arguments arrive in turns stay apart.
        """
        chunks = kit.stream(
            [
                START,
                neutral.Open(0, neutral.ToolCall(id="a", name="f")),
                neutral.Delta(0, '{"x":'),
                neutral.Open(1, neutral.ToolCall(id="b", name="g")),
                neutral.Delta(1, '{"y":'),
                neutral.Delta(0, "1}"),
                neutral.Delta(1, "2}"),
                neutral.Close(0),
                neutral.Close(1),
                neutral.Finish(Stop(reason="tool")),
                neutral.End(),
            ]
        )

        calls = [
            (item["call_id"], item["arguments"]) for item in final(chunks)["output"]
        ]

        assert calls == [("a", '{"x":1}'), ("b", '{"y":2}')]
        assert final(chunks)["status"] == "completed"

    def test_reasoning_has_parts_and_a_seal(self, kit):
        """
        Reasoning becomes a summary; its seal comes with the finished item only.
        """
        seal = neutral.Seal(dialect="anthropic_messages", data="sig")
        chunks = kit.stream(
            [
                START,
                neutral.Open(0, neutral.ReasoningBlock()),
                neutral.Delta(0, "First."),
                neutral.SummaryPart(0),
                neutral.Delta(0, "Second."),
                neutral.SealDelta(0, seal),
                neutral.Close(0),
                *text(1, "Hi"),
                *END,
            ]
        )

        item = final(chunks)["output"][0]

        assert [part["text"] for part in item["summary"]] == ["First.", "Second."]
        assert neutral.Seal.read("openai_responses", item["encrypted_content"]) == seal
        assert "encrypted_content" not in chunks[2].doc["item"]

    def test_part_announced_before_the_first_is_no_empty_part(self, kit):
        """
        Whoever announces every part, the first one too, gets no part more.
        """
        events = [
            START,
            neutral.Open(0, neutral.ReasoningBlock()),
            neutral.SummaryPart(0),
            neutral.Delta(0, "First."),
            neutral.Close(0),
            *END,
        ]

        assert len(final(kit.stream(events))["output"][0]["summary"]) == 1

    def test_sealed_without_words(self, kit):
        """
        Reasoning of which only the seal is shown is an item without summary.
        """
        seal = neutral.Seal(dialect="anthropic_messages", data="hidden")
        block = neutral.ReasoningBlock(is_redacted=True, seal=seal)
        chunks = kit.stream([START, neutral.Open(0, block), neutral.Close(0), *END])

        (item,) = final(chunks)["output"]
        (read,) = kit.dialect.read_answer(kit.response(final(chunks))).blocks

        assert item["summary"] == []
        assert attrs.evolve(read, is_summary=False) == block

    def test_no_arguments_are_an_empty_object(self, kit):
        """
        A call that got no arguments has them in deltas and repeats alike.
        """
        chunks = kit.stream([START, *call(0), *END])

        deltas = [d["delta"] for d in docs(chunks) if d["type"].endswith(".delta")]

        assert "".join(deltas) == final(chunks)["output"][0]["arguments"] == "{}"

    def test_item_of_the_dialect_is_added_and_done(self, kit):
        """
        A hosted tool's call travels as it is.
        """
        raw = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
        block = neutral.Opaque(dialect="openai_responses", raw=raw)
        chunks = kit.stream([START, neutral.Open(0, block), neutral.Close(0), *END])

        assert types(chunks)[2:4] == ["output_item.added", "output_item.done"]
        assert final(chunks)["output"] == [raw]

    def test_item_of_another_dialect_is_dropped_with_a_record(self, kit):
        """
        What nobody here can read goes on the list of losses.
        """
        losses = Losses()
        block = neutral.Opaque(dialect="other", raw={"type": "server_tool_use"})
        chunks = kit.stream([START, neutral.Open(0, block), *END], losses=losses)

        assert final(chunks)["output"] == []
        assert losses.header() == "server_tool_use=dropped"

    def test_annotations(self, kit):
        """
        Citations of the vendor's kinds are announced and repeated, others are dropped.
        """
        losses = Losses()
        cited = {
            "type": "url_citation",
            "start_index": 0,
            "end_index": 1,
            "title": "t",
            "url": "u",
        }
        chunks = kit.stream(
            [
                START,
                neutral.Open(0, neutral.TextBlock(text="")),
                neutral.Delta(0, "Hi"),
                neutral.Annotation(0, cited),
                neutral.Annotation(0, {"type": "char_location"}),
                neutral.Close(0),
                *END,
            ],
            losses=losses,
        )

        assert types(chunks).count("output_text.annotation.added") == 1
        assert final(chunks)["output"][0]["content"][0]["annotations"] == [cited]
        assert losses.header() == "annotations=dropped"

    def test_no_two_chunks_share_a_node(self, kit):
        """
        Whoever edits one event edits no other one.
        """
        asked = kit.request(input="x", tools=[{"type": "custom", "name": "t"}])
        chunks = kit.stream([START, *text(0, "Hi"), *call(1, "{}"), *END], asked)
        seen = set()

        def walk(node):
            if isinstance(node, dict | list):
                assert id(node) not in seen
                seen.add(id(node))
                for member in node.values() if isinstance(node, dict) else node:
                    walk(member)

        for chunk in chunks:
            walk(chunk.doc)


class TestOracle:
    EVENTS = (
        START,
        neutral.Open(0, neutral.ReasoningBlock()),
        neutral.Delta(0, "Hm."),
        neutral.Close(0),
        *text(1, "It ", "rains."),
        *call(2, '{"city":', '"Oslo"}'),
        *call(3, "select", " 1", name="sql", kind="custom"),
        neutral.Finish(Stop(reason="tool", raw="tool_use")),
        neutral.Used(
            Usage(input=3, cache_read=2, cache_write_1h=5, output=4, reasoning=1)
        ),
        neutral.End(),
    )

    def test_every_event_is_valid(self, kit):
        """
        The vendor's types accept each event; numbers begin at 0 and have no gap.
        """
        asked = kit.request(**{**kit.example("request"), "stream": True})
        asked.doc.pop("conversation")
        chunks = kit.stream(self.EVENTS, asked)

        for number, chunk in enumerate(chunks):
            event = kit.valid_event(chunk.doc)
            assert event.sequence_number == number
            assert chunk.event.decode() == event.type

    def test_ids_agree(self, kit):
        """
        All events of an item name it by one id, and items have different ones.
        """
        ids = {}
        for doc in docs(kit.stream(self.EVENTS)):
            found = doc.get("item_id") or doc.get("item", {}).get("id")
            if found:
                ids.setdefault(doc["output_index"], set()).add(found)

        assert sorted(ids) == [0, 1, 2, 3]
        assert all(len(one) == 1 for one in ids.values())
        assert len(set().union(*ids.values())) == 4

    def test_accumulator(self, kit):
        """
        The SDK's accumulator gives the answer, and its deltas are its words.
        """
        frames = [chunk.encode() for chunk in kit.stream(self.EVENTS)]
        with kit.client(frames).responses.stream(model="m", input="x") as stream:
            said = "".join(
                event.delta
                for event in stream
                if event.type == "response.output_text.delta"
            )
            answer = stream.get_final_response()

        assert answer.output_text == said == "It rains."
        assert answer.output[2].arguments == '{"city":"Oslo"}'
        assert answer.output[3].input == "select 1"
        assert answer.usage.input_tokens == 10
        assert answer.usage.output_tokens_details.reasoning_tokens == 1
        assert answer.id == "resp_gw_msg_1"

    def test_structured_output(self, kit):
        """
        The SDK parses streamed words into the type that was asked for.
        """
        from pydantic import BaseModel

        class Weather(BaseModel):
            city: str

        frames = [
            chunk.encode()
            for chunk in kit.stream([START, *text(0, '{"city":', '"Oslo"}'), *END])
        ]
        client = kit.client(frames)
        with client.responses.stream(
            model="m", input="x", text_format=Weather
        ) as stream:
            answer = stream.get_final_response()

        assert answer.output_parsed == Weather(city="Oslo")

    def test_fault(self, kit):
        """
        A provider's error in mid-stream raises in the SDK, with the vendor's code.
        """
        import openai

        fault = neutral.Fault(status=529, kind="overloaded", message="Too busy.")
        chunks = kit.stream([START, *text(0, "Hi")[:2], neutral.Failed(fault)])
        for chunk in chunks:
            kit.valid_event(chunk.doc)
        frames = [chunk.encode() for chunk in chunks]

        with pytest.raises(openai.APIError, match="Too busy") as caught:
            list(kit.client(frames).responses.create(model="m", input="x", stream=True))

        assert caught.value.code == "server_is_overloaded"
        assert types(chunks)[-1] == "failed"

    def test_fault_before_the_beginning(self, kit):
        """
        Where no response began only the error is told.
        """
        fault = neutral.Fault(status=500, kind="server", message="No.")

        assert types(kit.stream([neutral.Failed(fault)])) == ["error"]


class TestEndings:
    @pytest.mark.parametrize(
        ("reason", "kind", "detail"),
        [
            ("end", "completed", None),
            ("stop_sequence", "completed", None),
            ("tool", "completed", None),
            ("length", "incomplete", "max_output_tokens"),
            ("context_full", "incomplete", "max_output_tokens"),
            ("filtered", "incomplete", "content_filter"),
            ("paused", "incomplete", None),
            ("unknown", "incomplete", None),
            ("malformed", "failed", None),
            ("error", "failed", None),
        ],
    )
    def test_stop(self, kit, reason, kind, detail):
        """
        Each way to stop closes the stream in the dialect's words; unknown is never complete.
        """
        stop = neutral.Finish(Stop(reason=reason, raw="odd"))
        chunks = kit.stream([START, *text(0, "Hi"), stop, neutral.End()])

        event = kit.valid_event(chunks[-1].doc)

        assert event.type == f"response.{kind}"
        assert event.response.status == kind
        given = event.response.incomplete_details
        assert (given.reason if given else None) == detail

    def test_cut_off_call_is_incomplete(self, kit):
        """
        Of an answer that was too long the last item is incomplete, a call above all.
        """
        chunks = kit.stream(
            [
                START,
                *text(0, "Hi"),
                *call(1, '{"city":"Os'),
                neutral.Finish(Stop(reason="length")),
                neutral.End(),
            ]
        )

        assert [item["status"] for item in final(chunks)["output"]] == [
            "completed",
            "incomplete",
        ]

    def test_stream_without_an_end_to_its_words(self, kit):
        """
        What a sloppy reader left open is closed.
        """
        chunks = kit.stream([START, *text(0, "Hi")[:2], *END])

        assert types(chunks)[-4:] == [
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]

    def test_without_a_stop_it_is_not_complete(self, kit):
        """
        Nobody said that the model ended well, so the answer does not say so.
        """
        assert final(kit.stream([START, neutral.End()]))["status"] == "incomplete"

    def test_nothing_is_written_after_the_end(self, kit):
        """
        Events behind the end are not told.
        """
        chunks = kit.stream([START, *END, *text(0, "late"), *END])

        assert types(chunks) == ["created", "in_progress", "completed"]


class TestTools:
    def test_names_are_restored(self, kit):
        """
        A tool whose name had to be spelt otherwise is called by the caller's name for it.
        """
        asked = kit.request(
            input="x",
            tools=[{"type": "function", "name": "files.read", "parameters": {}}],
        )
        chunks = kit.stream([START, *call(0, "{}", name="files_read"), *END], asked)

        assert final(chunks)["output"][0]["name"] == "files.read"
        done = next(d for d in docs(chunks) if d["type"].endswith("arguments.done"))
        assert done["name"] == "files.read"

    def test_function_that_stood_for_a_custom_tool(self, kit):
        """
        A custom tool that was offered as a function is called as the custom tool that it is.
        """
        asked = kit.request(input="x", tools=[{"type": "custom", "name": "sql"}])
        pieces = ('{"inp', 'ut":"select \\"a\\""}')
        chunks = kit.stream([START, *call(0, *pieces, name="sql"), *END], asked)

        (item,) = final(chunks)["output"]

        assert (item["type"], item["input"]) == ("custom_tool_call", 'select "a"')
        for chunk in chunks:
            kit.valid_event(chunk.doc)
