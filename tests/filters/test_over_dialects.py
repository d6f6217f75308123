"""
A redactor over every dialect that the core speaks: what it sends never shows more than it may.
"""

from __future__ import annotations

import json

import attrs
import pytest

from gateway import neutral
from gateway.dialects import Dialect, core_dialects
from gateway.errors import Blocked
from gateway.neutral import Close, Delta, End, Finish, Open, Start, Stop, Used
from gateway.usage import Usage
from gateway.views import Chunk, Response

CARD = "4111 1111 1111 1111"
TEXT = f'Hi, "card" {CARD}, not 14111111111111111; 4222-2222-2222-2222'
ARGUMENTS = (
    r'{"to": "a \"q\" 4111 1111\u00201111 1111",  "n": [1.50, "4222222222222222"]}'
)
#: Parts of the numbers, too long to stand in a time stamp by chance.
SHOWN = [b"11111111", b"1111 1111", b"42222222"]
EDITED = r'{"to": "a \"q\" [card]",  "n": [1.50, "[card]"]}'
OTHER = '{"z": 1.0}'

DIALECTS = {
    dialect.name: dialect for dialect in core_dialects() if dialect.facts() is not None
}


def frames_of(events):
    """
    Write SSE frames; an event of dialects that name events is a pair.
    """
    out = []
    for event in events:
        name, doc = event if isinstance(event, tuple) else (None, event)
        head = f"event: {name}\n" if name else ""
        out.append(f"{head}data: {json.dumps(doc, ensure_ascii=False)}\n\n".encode())
    return out


# --- streams as vendors write them ----------------------------------------------------------

BASE = {
    "id": "chatcmpl-9x8y7z",
    "object": "chat.completion.chunk",
    "created": 1763600000,
    "model": "gpt-5-mini",
    "service_tier": "default",
    "system_fingerprint": None,
}


def chat_event(delta, index=0, finish=None, logprobs=None):
    choice = {
        "index": index,
        "delta": delta,
        "logprobs": logprobs,
        "finish_reason": finish,
    }
    return {**BASE, "choices": [choice], "obfuscation": "aB3dE5"}


def chat_logprobs(text):
    token = {"token": text, "logprob": -0.1, "bytes": list(text.encode())}
    return {"content": [{**token, "top_logprobs": [token]}], "refusal": None}


def chat(parts, calls=(), *, n=1, logprobs=False, ends_with_text=False):
    events = [
        chat_event({"role": "assistant", "content": "", "refusal": None}, index)
        for index in range(n)
    ]
    for number, part in enumerate(parts, 1):
        finish = "stop" if ends_with_text and number == len(parts) else None
        said = chat_logprobs(part) if logprobs else None
        events += [
            chat_event({"content": part}, index, finish, said) for index in range(n)
        ]
    for place in range(len(calls)):
        function = {"name": "send", "arguments": ""}
        call = {"index": place, "id": f"call_{place}", "type": "function"}
        events.append(chat_event({"tool_calls": [{**call, "function": function}]}))
    # Parallel calls whose pieces alternate.
    for pieces in zip(*calls, strict=True):
        for place, piece in enumerate(pieces):
            call = {"index": place, "function": {"arguments": piece}}
            events.append(chat_event({"tool_calls": [call]}))
    if not ends_with_text:
        events += [
            chat_event({}, index, "tool_calls" if calls else "stop")
            for index in range(n)
        ]
    events.append({**BASE, "choices": [], "usage": {"prompt_tokens": 9}})
    return [*frames_of(events), b"data: [DONE]\n\n"]


def completions(parts, calls=()):
    base = {**BASE, "object": "text_completion"}
    events = [
        {
            **base,
            "choices": [
                {"text": part, "index": 0, "logprobs": None, "finish_reason": None}
            ],
        }
        for part in parts
    ]
    end = {"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}
    return [*frames_of([*events, {**base, "choices": [end]}]), b"data: [DONE]\n\n"]


class Numbered:
    """
    Events of the Responses API, numbered.
    """

    def __init__(self):
        self.events = []

    def add(self, kind, **doc):
        kind = f"response.{kind}"
        doc = {"type": kind, "sequence_number": len(self.events), **doc}
        self.events.append((kind, json.loads(json.dumps(doc))))

    def message(self, index, parts, annotations):
        text = "".join(parts)
        place = {"item_id": "msg_1", "output_index": index, "content_index": 0}
        item = {"id": "msg_1", "type": "message", "status": "in_progress"}
        item |= {"role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        self.add("output_item.added", output_index=index, item=item)
        self.add("content_part.added", **place, part=part)
        for number, piece in enumerate(parts):
            self.add("output_text.delta", **place, delta=piece, logprobs=[])
            for annotation in annotations if number == 0 else ():
                self.add(
                    "output_text.annotation.added",
                    **place,
                    annotation_index=0,
                    annotation=annotation,
                )
        part |= {"text": text, "annotations": list(annotations)}
        item |= {"status": "completed", "content": [part]}
        self.add("output_text.done", **place, text=text, logprobs=[])
        self.add("content_part.done", **place, part=part)
        self.add("output_item.done", output_index=index, item=item)
        return item

    def call(self, index, pieces):
        source = "".join(pieces)
        item = {"id": f"fc_{index}", "type": "function_call", "arguments": ""}
        item |= {"status": "in_progress", "call_id": f"call_{index}", "name": "send"}
        place = {"item_id": item["id"], "output_index": index}
        self.add("output_item.added", output_index=index, item=item)
        for piece in pieces:
            self.add("function_call_arguments.delta", **place, delta=piece)
        self.add("function_call_arguments.done", **place, arguments=source)
        item |= {"status": "completed", "arguments": source}
        self.add("output_item.done", output_index=index, item=item)
        return item


def responses(parts, calls=(), annotations=()):
    stream = Numbered()
    response = {"id": "resp_1", "object": "response", "status": "in_progress"}
    response |= {"model": "gpt-5", "output": [], "created_at": 1763600000}
    stream.add("created", response=response)
    output = [stream.message(0, parts, annotations)] if parts else []
    output += [
        stream.call(index, pieces) for index, pieces in enumerate(calls, len(output))
    ]
    stream.add("completed", response={**response, "output": output})
    return frames_of(stream.events)


def messages(parts, calls=(), thinking=()):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    message |= {"model": "claude-opus-5", "stop_reason": None, "stop_sequence": None}
    message["usage"] = {"input_tokens": 9, "output_tokens": 1}
    docs = [{"type": "message_start", "message": message}, {"type": "ping"}]
    blocks = []
    if thinking:
        deltas = [{"type": "thinking_delta", "thinking": part} for part in thinking]
        deltas.append({"type": "signature_delta", "signature": "c2ln"})
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
    if parts:
        deltas = [{"type": "text_delta", "text": part} for part in parts]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for place, pieces in enumerate(calls):
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in pieces]
        call = {"type": "tool_use", "id": f"toolu_{place}", "name": "send", "input": {}}
        blocks.append((call, deltas))
    for index, (block, deltas) in enumerate(blocks):
        at = {"index": index}
        docs.append({"type": "content_block_start", **at, "content_block": block})
        docs += [{"type": "content_block_delta", **at, "delta": d} for d in deltas]
        docs.append({"type": "content_block_stop", **at})
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    docs.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 12}})
    docs.append({"type": "message_stop"})
    return frames_of([(doc["type"], doc) for doc in docs])


VENDORS = {
    "openai_chat": chat,
    "openai_completions": completions,
    "openai_responses": responses,
    "anthropic_messages": messages,
}

# --- streams as the gateway writes them -----------------------------------------------------


class Unlimited:
    max_output_tokens = None
    takes_sampling = None
    reasons_adaptively = None


def asked(dialect, words="Hi"):
    turn = neutral.Turn(role="user", blocks=[neutral.TextBlock(text=words)])
    tool = neutral.ToolDefinition(name="send", parameters={"type": "object"})
    ask = neutral.Ask(
        model="m",
        is_stream=True,
        turns=[turn],
        tools=[tool],
        max_output_tokens=100,
    )
    return dialect.from_neutral(ask, neutral.Losses(), Unlimited())


def written(dialect, parts, calls=()):
    """
    Write a stream with the dialect's own writer, which every dialect that is translated has.
    """
    writer = dialect.stream_writer(asked(dialect), neutral.Losses())
    events = [Start("id_1", "m", 1763600000), Open(0, neutral.TextBlock(text=""))]
    events += [Delta(0, part) for part in parts]
    events.append(Close(0))
    for index, pieces in enumerate(calls, 1):
        events.append(Open(index, neutral.ToolCall(id=f"call_{index}", name="send")))
        events += [Delta(index, piece) for piece in pieces]
        events.append(Close(index))
    stop = Stop(reason="tool" if calls else "end", raw="")
    events += [Finish(stop), Used(Usage(input=9, output=12)), End()]
    return [chunk for event in events for chunk in writer.write(event)]


@attrs.frozen
class Wire:
    """
    A dialect, and a way to make streams of it: its vendor's, or the gateway's own writer.
    """

    dialect: Dialect
    is_written: bool

    def __str__(self):
        return f"{self.dialect}-{'writer' if self.is_written else 'vendor'}"

    @property
    def calls_tools(self):
        return self.is_written or self.dialect.name != "openai_completions"

    def stream(self, parts, calls=()):
        if self.is_written:
            return [chunk.encode() for chunk in written(self.dialect, parts, calls)]
        return VENDORS[self.dialect.name](parts, calls)


TRANSLATED = [
    dialect
    for dialect in DIALECTS.values()
    if type(dialect).stream_writer is not Dialect.stream_writer
]
WIRES = [Wire(dialect, False) for dialect in DIALECTS.values()] + [
    Wire(dialect, True) for dialect in TRANSLATED
]


@pytest.fixture(params=WIRES, ids=str)
def wire(request):
    return request.param


@pytest.fixture(params=[wire for wire in WIRES if wire.calls_tools], ids=str)
def calling(request):
    return request.param


def of_kind(sent, kind):
    return [value for lane, value in sent.lanes().items() if lane[-1] == kind]


def numbers(frames, dialect):
    docs = [Chunk(dialect, frame).doc for frame in frames]
    return [doc.get("sequence_number") if isinstance(doc, dict) else 0 for doc in docs]


def assert_shows_only(sent, frames, want):
    """
    The text grew into *want*, all repeats equal their lanes, and no event came or went.
    """
    assert of_kind(sent, "message") == [want]
    for lane, prefix in sent.prefixes():
        if lane[-1] == "message":
            assert want.startswith(prefix)
    lanes = sent.lanes()
    assert all(lanes[lane] == value for lane, value in sent.repeats())
    assert len(sent.frames) == len(frames)
    assert numbers(sent.frames, sent.dialect) == numbers(frames, sent.dialect)


def test_every_dialect_has_streams_here():
    """
    Whoever adds a dialect with streams adds its vendor's way of writing them.
    """
    assert set(VENDORS) == set(DIALECTS)


class TestText:
    async def test_every_two_way_split(self, kit, cards, wire):
        """
        Wherever a text is cut in two, no prefix of what is sent shows a number, or part of one.
        """
        want = kit.CARD.sub("[card]", TEXT)
        for parts in kit.splits(TEXT):
            frames = wire.stream(parts)

            sent = await kit.run(cards(), frames, dialect=wire.dialect)

            assert_shows_only(sent, frames, want)

    @pytest.mark.parametrize("read", [1, 5, 20])
    async def test_one_character_at_a_time(self, kit, cards, wire, read):
        """
        Characters that come one by one give the same as the whole, however they are read.
        """
        frames = wire.stream(list(TEXT))

        sent = await kit.run(cards(), frames, read, wire.dialect)

        assert_shows_only(sent, frames, kit.CARD.sub("[card]", TEXT))

    async def test_random_splits(self, kit, cards, wire, rng):
        """
        Random texts in random pieces and reads give the same as the whole.
        """
        words = [
            CARD,
            CARD.replace(" ", ""),
            "x",
            " ",
            "1",
            "-",
            "é",
            "\n",
            "abc ",
            "😀",
        ]
        for _ in range(40):
            text = "".join(rng.choice(words) for _ in range(12))
            frames = wire.stream(kit.random_parts(rng, text))

            sent = await kit.run(cards(), frames, rng.randint(1, 9), wire.dialect)

            assert_shows_only(sent, frames, kit.CARD.sub("[card]", text))

    async def test_clean_stream_is_byte_identical(self, kit, cards, wire):
        """
        What needs no edit leaves as the very bytes that came.
        """
        calls = [["{}"]] if wire.calls_tools else []
        frames = wire.stream(["Hello ", "wörld, ", "no 411 ", "here"], calls)

        assert (await kit.run(cards(), frames, dialect=wire.dialect)).frames == frames

    async def test_two_in_series(self, kit, cards, wire):
        """
        Two filters in series give what one behind the other gives on the whole text.
        """
        text = f"my card {CARD} and mail a@b.co x"
        frames = wire.stream(list(text))
        series = [cards(), kit.Words("[card] and mail", "<both>")]

        sent = await kit.run(series, frames, 3, wire.dialect)

        assert_shows_only(sent, frames, "my card <both> a@b.co x")

    async def test_two_in_series_the_other_way_round(self, kit, cards, wire):
        """
        Put the other way round, each still finds its own.
        """
        text = f"my card {CARD} and mail a@b.co x"
        frames = wire.stream(list(text))

        sent = await kit.run(
            [kit.Words(" and mail", ""), cards()], frames, 3, wire.dialect
        )

        assert_shows_only(sent, frames, "my card [card] a@b.co x")


@pytest.mark.parametrize("dialect", TRANSLATED, ids=str)
class TestWhatTheGatewayMade:
    async def test_chunks_without_bytes(self, kit, cards, dialect):
        """
        Chunks that were never bytes are edited like those that came from a provider.
        """
        calls = [list(ARGUMENTS), [OTHER]]
        chunks = written(dialect, list(TEXT), calls)
        count = len(chunks)
        masks = cards()

        out = [chunk for one in chunks for chunk in await masks.feed([one])]
        out += await masks.flush()

        sent = kit.Sent([chunk.encode() for chunk in out], dialect)
        assert len(out) == count
        assert of_kind(sent, "message") == [kit.CARD.sub("[card]", TEXT)]
        assert of_kind(sent, "tool_arguments") == [EDITED, OTHER]
        assert all(sent.lanes()[lane] == value for lane, value in sent.repeats())

    async def test_whole_answers(self, kit, cards, dialect):
        """
        A whole answer is masked in its text and in the strings of its calls' arguments.
        """
        blocks = [
            neutral.TextBlock(text=TEXT),
            neutral.ToolCall(id="call_1", name="send", arguments=ARGUMENTS),
        ]
        answer = neutral.Answer(id="id_1", model="m", blocks=blocks, created=1)
        made = dialect.write_answer(answer, asked(dialect), neutral.Losses())
        response = Response(dialect, made.encode())

        count = await cards().feed_response(response)

        assert count == 4
        assert b"4111 1111" not in response.encode()
        assert b"42222222" not in response.encode()
        edited = dialect.read_answer(Response(dialect, response.encode())).blocks
        assert edited[0].text == kit.CARD.sub("[card]", TEXT)
        assert json.loads(edited[1].arguments) == json.loads(EDITED)

    async def test_requests(self, kit, cards, dialect):
        """
        A request is masked before it goes to a provider.
        """
        request = asked(dialect, f"my card is {CARD}.")

        count = await cards().apply(request.texts())

        assert count == 1
        assert b"my card is [card]." in request.encode()


class TestArguments:
    async def test_every_two_way_split(self, kit, cards, calling):
        """
        Strings in arguments are masked wherever the source is cut, escapes included.
        """
        for first, second in ((ARGUMENTS[:n], ARGUMENTS[n:]) for n in range(1, 70)):
            calls = [[first, second], [OTHER[:4], OTHER[4:]]]
            frames = calling.stream(["ok 4111", "111111111111"], calls)

            sent = await kit.run(cards(), frames, dialect=calling.dialect)

            assert of_kind(sent, "tool_arguments") == [EDITED, OTHER]
            assert_shows_only(sent, frames, "ok [card]")
            assert not any(part in sent.raw for part in SHOWN)

    @pytest.mark.parametrize("read", [1, 5, 20])
    async def test_one_character_at_a_time(self, kit, cards, calling, read):
        """
        Parallel calls that come character by character do not mix.
        """
        calls = [list(ARGUMENTS), list(ARGUMENTS)]
        frames = calling.stream(["ok "], calls)

        sent = await kit.run(cards(), frames, read, calling.dialect)

        assert of_kind(sent, "tool_arguments") == [EDITED, EDITED]
        assert_shows_only(sent, frames, "ok ")


class TestChat:
    dialect = DIALECTS["openai_chat"]

    @pytest.mark.parametrize("ends_with_text", [True, False])
    async def test_several_choices(self, kit, cards, ends_with_text):
        """
        With n = 2 a number is masked in both choices, also if the last piece ends its choice.
        """
        frames = chat(
            ["a 4111", "11111111", "1111"], n=2, ends_with_text=ends_with_text
        )

        sent = await kit.run(cards(), frames, dialect=self.dialect)

        assert of_kind(sent, "message") == ["a [card]", "a [card]"]
        assert len(sent.frames) == len(frames)

    async def test_log_probabilities_are_blanked(self, kit, cards):
        """
        Tokens beside an edited text go; those beside other texts stay.
        """
        frames = chat(["a ", "4111", "11111111", "1111", " b"], logprobs=True)

        sent = await kit.run(cards(), frames, dialect=self.dialect)

        assert b"1111" not in sent.raw
        assert sent.raw.count(b'"token"') == 4

    async def test_a_text_in_two_fields(self, kit, cards):
        """
        Reasoning that a provider spells twice in each event is masked in both fields.
        """
        frames = frames_of(
            chat_event({"reasoning": part, "reasoning_content": part})
            for part in ["a ", "4111", "11111111", "1111", " b"]
        )

        sent = await kit.run(cards(), frames + chat(["x"]), dialect=self.dialect)

        assert of_kind(sent, "reasoning") == ["a [card] b"] * 2

    async def test_the_answer_does_not_wait_for_the_reasoning(self, kit, cards):
        """
        The undecided end of the reasoning leaves when the answer begins.
        """
        frames = frames_of([chat_event({"reasoning_content": "pay 4111"})])
        frames += frames_of([chat_event({"content": "Hello, said the fox to it"})])

        reads = await kit.reads_of(cards(), frames, dialect=self.dialect)

        assert len(reads[0]) == 0
        assert len(reads[1]) >= 1

    async def test_all_so_far_beside_each_delta(self, kit, cards):
        """
        A provider that repeats the message so far shows no more in it than in the deltas.
        """
        events = []
        so_far = ""
        for part in ["a ", "4111", "11111111", "1111", " b"]:
            so_far += part
            event = chat_event({"content": part})
            event["choices"][0]["message"] = {"role": "assistant", "content": so_far}
            events.append(event)

        sent = await kit.run(cards(), frames_of(events), dialect=self.dialect)

        assert b"4111" not in sent.raw
        assert sent.repeats()[-1][1] == "a [card] b"


class TestResponses:
    dialect = DIALECTS["openai_responses"]

    @pytest.mark.parametrize("read", [1, 50])
    @pytest.mark.parametrize(
        ("quote", "want"),
        [("see", "see"), (f"{CARD} at", "[card] at"), ("example.org", "example.org")],
        ids=["before", "across", "behind"],
    )
    async def test_annotations_move(self, kit, cards, quote, want, read):
        """
        In every event that carries it an annotation points at what became of its text.
        """
        text = f"see {CARD} at example.org ok"
        start = text.index(quote)
        annotation = {"type": "url_citation", "url": "https://e.org", "title": "t"}
        annotation |= {"start_index": start, "end_index": start + len(quote)}
        frames = responses([text[:9], text[9:]], annotations=[annotation])

        sent = await kit.run(cards(), frames, read, self.dialect)

        edited = "see [card] at example.org ok"
        assert [edited[a:b] for a, b in sent.spans()] == [want] * 4


class TestAnthropic:
    dialect = DIALECTS["anthropic_messages"]

    async def test_signed_thinking_cannot_be_edited(self, kit, cards):
        """
        A number in signed thinking refuses the answer before any of it is sent.
        """
        frames = messages(["x"], thinking=["my 4111 1111 ", "1111 1111 x"])

        with pytest.raises(Blocked):
            await kit.run(cards(), frames, dialect=self.dialect)

    async def test_clean_thinking_passes(self, kit, cards):
        """
        Signed thinking in which nothing is found leaves with its signature.
        """
        frames = messages(["x"], thinking=["my ", "thoughts"])

        sent = await kit.run(cards(), frames, dialect=self.dialect)

        assert sent.frames == frames
