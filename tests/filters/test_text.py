"""
The text filter, over a dialect that hides nothing.
"""

from __future__ import annotations

import json

import attrs
import pytest

from gateway.errors import Blocked, UpstreamError
from gateway.filters import Edit, Outcome, TextFilter, decided
from gateway.views import Chunk, Request

CARD = "4111 1111 1111 1111"
TEXT = f'Hi, "card" {CARD}, not 14111111111111111; 4222-2222-2222-2222'
REASONING = (0, 0, 0, "reasoning")
CALL = (0, 1, 0, "tool_arguments")
OTHER_CALL = (0, 2, 0, "tool_arguments")


@pytest.fixture
def want(kit):
    return kit.CARD.sub("[card]", TEXT)


def assert_grows_into(sent, want):
    for _, prefix in sent.prefixes():
        assert want.startswith(prefix)
    assert sent.text() == want


class TestSplits:
    async def test_every_two_way_split(self, kit, cards, want):
        """
        Wherever a text is cut in two, no prefix of what is sent shows more than the whole would.
        """
        for parts in kit.splits(TEXT):
            sent = await kit.run(cards(), kit.ToyStream().deltas(parts).end())

            assert_grows_into(sent, want)

    @pytest.mark.parametrize("read", [1, 5, 20])
    async def test_one_character_at_a_time(self, kit, cards, want, read):
        """
        Characters that come one by one give the same as the whole, however they are read.
        """
        stream = kit.ToyStream().deltas(TEXT).end()

        sent = await kit.run(cards(), stream, read)

        assert_grows_into(sent, want)

    async def test_random_splits(self, kit, cards, rng):
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
        for _ in range(200):
            text = "".join(rng.choice(words) for _ in range(12))
            parts = kit.random_parts(rng, text)

            sent = await kit.run(
                cards(), kit.ToyStream().deltas(parts).end(), rng.randint(1, 9)
            )

            assert_grows_into(sent, kit.CARD.sub("[card]", text))

    async def test_keeps_events_order_and_numbers(self, kit, cards):
        """
        Every event leaves, in the order and with the number it came with.
        """
        stream = kit.ToyStream().deltas(TEXT).event(ping=True).end()

        sent = await kit.run(cards(), stream)

        assert [doc["n"] for doc in sent.docs()] == list(range(len(stream.frames)))

    async def test_clean_stream_is_byte_identical(self, kit, cards):
        """
        What needs no edit leaves as the very bytes that came.
        """
        stream = kit.ToyStream().deltas(["Hello ", "wörld, ", "no 411 ", "here"]).end()

        sent = await kit.run(cards(), stream)

        assert sent.frames == stream.frames

    async def test_passes_the_same_chunks_on(self, kit):
        """
        With nothing found and nothing held the very objects come out at once.
        """
        frames = kit.ToyStream().deltas(["a ", "b "]).frames
        chunks = [Chunk(kit.TOY, frame) for frame in frames]

        out = await kit.Cards().feed(chunks)

        assert all(came is left for came, left in zip(chunks, out, strict=True))


class TestHolding:
    async def test_held_tail_leaves_before_the_end_of_its_lane(self, kit):
        """
        What is undecided when its lane ends leaves in front of the event that ended it.
        """
        stream = kit.ToyStream().delta("pay 4111").end(*kit.LANE).delta("x", CALL)

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 2, 1, 0]

    async def test_an_end_is_known_by_the_prefix_of_a_lane(self, kit):
        """
        An event that ends a choice ends its lanes, and no other choice's.
        """
        other = (1, 0, 0, "message")
        stream = kit.ToyStream().delta("4111", other).delta("4111").end(1)

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 0, 1, 2]

    async def test_another_lane_of_the_choice_ends_the_one_before(self, kit):
        """
        The answer is not held back by the undecided end of the reasoning.
        """
        stream = kit.ToyStream().delta("say 41", REASONING).delta("Hello ")

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 2, 0]

    async def test_choices_do_not_end_each_other(self, kit, cards):
        """
        With two choices that take turns, a number cut in each is masked in both.
        """
        stream = kit.ToyStream()
        for part in ("a 4111", "11111111", "1111 b"):
            for choice in (0, 1):
                stream.delta(part, (choice, 0, 0, "message"))

        sent = await kit.run(cards(), stream.end())

        assert set(sent.lanes().values()) == {"a [card] b"}

    async def test_twin_fields_do_not_end_each_other(self, kit, cards):
        """
        A provider that spells one text in two fields of each event leaks in neither.
        """
        stream = kit.ToyStream()
        twin = (0, 0, 1, "reasoning")
        for part in ("a 4111", "11111111", "1111 b"):
            boxes = [
                {"text": part, "form": "delta", "lane": lane}
                for lane in (REASONING, twin)
            ]
            stream.event(texts=boxes)

        sent = await kit.run(cards(), stream.delta("done").end())

        assert sent.lanes() == {
            REASONING: "a [card] b",
            twin: "a [card] b",
            kit.LANE: "done",
        }

    async def test_lanes_that_take_turns_stop_ending_each_other(self, kit, cards):
        """
        Once a lane went on after another one did, neither ends the other any more.
        """
        stream = kit.ToyStream()
        for part in ("a ", "4111", "11111111", "1111 b"):
            stream.delta(part, REASONING).delta(part)

        sent = await kit.run(cards(), stream.end())

        assert set(sent.lanes().values()) == {"a [card] b"}

    @pytest.mark.parametrize("read", [1, 2, 20])
    async def test_a_lane_that_reopens_goes_on(self, kit, read):
        """
        Text behind a lane's end is judged with what stands before as context.

        A repeat of it all is edited in both parts.
        """
        stream = kit.ToyStream().delta(CARD + " 4").end(*kit.LANE)
        stream.delta(CARD).delta(" x").end(*kit.LANE).repeat(CARD + " 4" + CARD + " x")

        sent = await kit.run(kit.Cards(), stream, read)

        # The second number follows a digit, so that the pattern does not take it for one.
        assert sent.text() == f"[card] 4{CARD} x"
        assert sent.repeats() == [(kit.LANE, sent.text())]

    async def test_a_twin_that_stays_behind_is_ended(self, kit):
        """
        Of two lanes that came together, the one that goes on alone ends the other.
        """
        boxes = [
            {"text": "pay 41", "form": "delta", "lane": lane}
            for lane in (REASONING, kit.LANE)
        ]
        stream = kit.ToyStream().event(texts=boxes).delta(" so it is")

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 2, 0]

    async def test_a_lane_that_reopens_ends_the_other(self, kit):
        """
        A text that goes on behind its end ends what came between, as a new text would.
        """
        stream = kit.ToyStream().delta("a").end(*kit.LANE).delta("4", REASONING)
        stream.delta("b")

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [1, 1, 0, 2, 0]

    async def test_an_event_may_end_the_text_it_carries(self, kit):
        """
        The last piece of a text is final at once if its own event says so.
        """
        stream = kit.ToyStream().delta("pay ").delta("4111", ends=[kit.LANE])

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [1, 1, 0]

    async def test_kinds_that_nobody_looks_at_pass(self, kit):
        """
        Text of another kind is neither edited nor waited for.
        """
        looks = kit.Cards()
        looks.kinds = frozenset({"message"})
        stream = kit.ToyStream().delta(CARD, REASONING, kind="reasoning")

        reads = await kit.reads_of(looks, stream.frames)

        assert reads == [stream.frames, []]

    async def test_more_than_the_cap_is_refused(self, kit):
        """
        Text that would have to wait beyond the cap is not sent.
        """
        holds = kit.Cards()
        holds.cap = 100
        stream = kit.ToyStream().deltas(
            ['{"a": "', "x" * 50, "y" * 50], CALL, json=True
        )

        with pytest.raises(Blocked, match="hold back more") as caught:
            await kit.run(holds, stream, 2)

        assert caught.value.code == "guardrail_unenforceable"

    async def test_events_behind_held_text_count_too(self, kit):
        """
        Events that wait behind held text are bounded as well, however little they say.
        """
        holds = kit.Cards()
        holds.cap = 100
        stream = kit.ToyStream().delta("4111")
        for _ in range(12):
            stream.event(ping=True)

        with pytest.raises(Blocked):
            await kit.reads_of(holds, stream.frames)

    async def test_long_waits_are_not_judged_at_every_read(self, kit):
        """
        A text that waits undecided is shown again only when it has grown by a fair part.
        """
        shown = []

        class Waits(TextFilter):
            def find(self, text, start, final):
                shown.append(len(text))
                return [], start

        await kit.run(Waits(), kit.ToyStream().deltas(["x" * 100] * 1000).end())

        assert len(shown) < 100
        assert shown[-1] == 100_000


class TestFinding:
    async def test_shows_each_text_once_a_read(self, kit):
        """
        All that one read brought of a text is shown at once, behind one character of context.
        """
        shown = []

        class Looks(TextFilter):
            def find(self, text, start, final):
                shown.append((text, start, final))
                return [], len(text)

        stream = kit.ToyStream().deltas(["ab", "cd", "ef", "gh"])

        await kit.run(Looks(), stream, 2)

        assert shown == [("abcd", 0, False), ("defgh", 1, False)]

    async def test_a_judge_may_wait(self, kit):
        """
        What overrides judge instead of find may ask somebody.
        """

        class Asks(kit.Cards):
            async def judge(self, text, start, final):
                edits, safe = self.find(text, start, final)
                return [attrs.evolve(edit, new="[asked]") for edit in edits], safe

        sent = await kit.run(Asks(), kit.ToyStream().deltas(["4111 ", CARD[5:]]))

        assert sent.text() == "[asked]"

    async def test_needs_no_call_of_its_constructor(self, kit):
        """
        A subclass made by attrs works though it never calls the constructor it inherits.
        """

        @attrs.define(eq=False)
        class Masks(TextFilter):
            new: str

            def find(self, text, start, final):
                return [
                    Edit(at, at + 1, self.new) for at in range(start, len(text))
                ], len(text)

        assert (await kit.run(Masks("#"), kit.ToyStream().delta("abc"))).text() == "###"

    async def test_counts_edits(self, kit):
        """
        The filter says how often it edited, a text said again counting once.
        """
        counts = kit.Cards()
        text = f"{CARD} and {CARD}"

        await kit.run(counts, kit.ToyStream().deltas(text).repeat(text))

        assert counts.edit_count == 2

    @pytest.mark.parametrize(
        ("edits", "safe", "says"),
        [
            ([], 3, "safe is 3"),
            ([], 9, "safe is 9"),
            ([Edit(3, 5, "")], 8, "start"),
            ([Edit(4, 6, ""), Edit(5, 7, "")], 8, "overlaps"),
            ([Edit(6, 7, ""), Edit(4, 5, "")], 8, "overlaps"),
            ([Edit(5, 5, "new")], 8, "replaces nothing"),
            ([Edit(5, 9, "")], 8, "behind the text"),
        ],
        ids=["before", "behind", "context", "overlap", "order", "empty", "too far"],
    )
    async def test_broken_promises_are_named(self, kit, edits, safe, says):
        """
        A find that returns what it must not is told which rule it broke, and nothing leaves.
        """

        class Wrong(TextFilter):
            context = 4

            def find(self, text, start, final):
                return (edits, safe) if start else ([], len(text))

        wrong = Wrong()
        first, second = (
            Chunk(kit.TOY, f) for f in kit.ToyStream().deltas(["abcd"] * 2).frames
        )
        await wrong.feed([first])

        with pytest.raises(ValueError, match=says) as caught:
            await wrong.feed([second])

        assert "Wrong.find" in str(caught.value)
        assert await wrong.flush() == ()

    async def test_an_edit_that_reaches_behind_safe_waits(self, kit):
        """
        A find may return what is undecided: it is not made, and its beginning does not leave.
        """

        class Eager(TextFilter):
            def find(self, text, start, final):
                at = text.find("ab", start)
                edits = [Edit(at, len(text), "#")] if at >= 0 else []
                return edits, max(start, len(text) - 1)

        reads = await kit.reads_of(
            Eager(), kit.ToyStream().deltas(["xa", "b", "c"]).frames
        )

        assert [len(read) for read in reads] == [0, 0, 0, 3]
        assert kit.Sent(reads[-1]).text() == "x#"

    async def test_says_that_find_is_missing(self, kit):
        """
        A filter that overrides neither find nor judge is told so.
        """

        class Idle(TextFilter):
            pass

        with pytest.raises(NotImplementedError, match="Idle"):
            await Idle().feed([Chunk(kit.TOY, kit.ToyStream().delta("x").frames[0])])

    async def test_an_event_that_is_not_json_is_the_providers_fault(self, kit):
        """
        An event that cannot be read is not passed on, and not blamed on the filter.
        """
        with pytest.raises(UpstreamError):
            await kit.Cards().feed([Chunk(kit.TOY, b"data: {4111\n\n")])


class TestRepeats:
    @pytest.mark.parametrize("read", [1, 5, 100])
    async def test_are_edited_like_the_deltas(self, kit, cards, want, read):
        """
        Every event that says the text again says what the deltas became.
        """
        stream = kit.ToyStream().deltas(TEXT).repeat(TEXT, ends=[kit.LANE]).repeat(TEXT)

        sent = await kit.run(cards(), stream, read)

        assert sent.repeats() == [(kit.LANE, want)] * 2

    async def test_take_the_edits_from_the_ledger(self, kit):
        """
        A repeat is not judged anew: what was found once is what it says.
        """

        class Numbers(kit.Cards):
            count = 0

            def find(self, text, start, final):
                found, safe = super().find(text, start, final)
                edits, safe = decided(found, start, safe, len(text))
                out = []
                for edit in edits:
                    self.count += 1
                    out.append(attrs.evolve(edit, new=f"[{self.count}]"))
                return out, safe

        text = f"{CARD} {CARD}"

        sent = await kit.run(
            Numbers(), kit.ToyStream().deltas(text).repeat(text).repeat(text)
        )

        assert [value for _, value in sent.repeats()] == ["[1] [2]"] * 2

    async def test_of_another_text_are_judged_anew(self, kit, cards):
        """
        A repeat of the same length that says something else is judged for itself.
        """
        deltas = f"{CARD} and words"
        other = f"words and {CARD}"

        sent = await kit.run(cards(), kit.ToyStream().deltas(deltas).repeat(other))

        assert sent.repeats() == [(kit.LANE, "words and [card]")]

    async def test_without_deltas_are_judged(self, kit, cards):
        """
        A text that comes only in the events that repeat it is edited in all of them.
        """
        stream = kit.ToyStream().repeat(TEXT).repeat(TEXT)

        sent = await kit.run(cards(), stream)

        assert CARD.encode() not in sent.raw
        assert len({value for _, value in sent.repeats()}) == 1

    async def test_wait_for_what_is_undecided_in_them(self, kit):
        """
        A repeat does not leave while the text it says may still turn out to be edited.
        """
        stream = kit.ToyStream().delta("pay 4111").repeat("pay 4111").delta(" now")

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 0, 3, 0]

    @pytest.mark.parametrize("read", [1, 5])
    async def test_beside_every_delta(self, kit, cards, read):
        """
        A provider that says all so far with every delta shows no more there than in the deltas.
        """
        stream = kit.ToyStream()
        parts = ["pay ", "4111 ", "1111 11", "11 1111", " now", " ok"]
        for count in range(1, len(parts) + 1):
            boxes = [
                {"text": text, "form": form, "lane": kit.LANE}
                for text, form in (
                    (parts[count - 1], "delta"),
                    ("".join(parts[:count]), "repeat"),
                )
            ]
            stream.event(texts=boxes)

        sent = await kit.run(cards(), stream, read)

        assert sent.text() == "pay [card] now ok"
        assert [value for _, value in sent.repeats()] == [
            "pay ",
            "pay [card]",
            "pay [card]",
            "pay [card]",
            "pay [card] now",
            "pay [card] now ok",
        ]

    async def test_of_a_long_text(self, kit, cards):
        """
        A text of many pieces is known again when it is said again.
        """
        text = f"{CARD} and so on, " * 200

        sent = await kit.run(cards(), kit.ToyStream().deltas(text).repeat(text), 3)

        assert sent.repeats() == [(kit.LANE, "[card] and so on, " * 200)]


class TestWholeTexts:
    async def test_are_judged_at_once_and_keep_their_place(self, kit):
        """
        A text that is complete is final by itself, but does not overtake what is held.
        """
        stream = kit.ToyStream().delta("41").whole(f"see {CARD}", ("note",))

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 0, 2]
        assert b"see [card]" in reads[-1][1]


class TestArguments:
    REST = r'"n": [1.50, "%s"], "é\n":"\ud83d\ude00"}'
    SOURCE = r'{"to": "a \"q\" 4111 1111\u00201111 1111",  ' + REST % "4222222222222222"
    WANT = r'{"to": "a \"q\" [card]",  ' + REST % "[card]"

    async def test_every_two_way_split(self, kit, cards):
        """
        Strings in arguments are masked wherever the source is cut, the rest stays as it was.
        """
        for parts in kit.splits(self.SOURCE):
            stream = kit.ToyStream().delta("4111 ").deltas(parts, CALL, json=True)
            stream.end(*CALL).repeat(self.SOURCE, CALL, json=True)

            sent = await kit.run(cards(), stream)

            assert sent.lanes()[CALL] == self.WANT
            assert sent.repeats() == [(CALL, self.WANT)]
            assert b"1111" not in sent.raw.replace(b"4111 ", b"", 1)

    async def test_one_character_at_a_time(self, kit, cards):
        """
        Source that comes character by character shows nothing before it is complete.
        """
        stream = kit.ToyStream().deltas(self.SOURCE, CALL, json=True)

        reads = await kit.reads_of(cards(), stream.end(*CALL).frames)

        assert [len(read) for read in reads[:-2]] == [0] * len(self.SOURCE)
        assert kit.Sent(reads[-2]).lanes() == {CALL: self.WANT}

    async def test_calls_that_take_turns(self, kit, cards):
        """
        Two calls whose pieces alternate do not end, or mix with, each other.
        """
        stream = kit.ToyStream()
        for at in range(0, len(self.SOURCE), 5):
            for lane in (CALL, OTHER_CALL):
                stream.delta(self.SOURCE[at : at + 5], lane, json=True)

        sent = await kit.run(cards(), stream.end())

        assert sent.lanes() == {CALL: self.WANT, OTHER_CALL: self.WANT}

    async def test_are_not_ended_by_text_between_them(self, kit, cards):
        """
        Text that comes between two pieces of arguments does not make them complete.
        """
        stream = kit.ToyStream().delta(self.SOURCE[:25], CALL, json=True)
        stream.delta("words").delta(self.SOURCE[25:], CALL, json=True)

        sent = await kit.run(cards(), stream.end())

        assert sent.lanes() == {CALL: self.WANT, kit.LANE: "words"}

    async def test_source_that_broke_off(self, kit, cards):
        """
        Arguments that are not JSON are judged as they stand, and as a lenient reader sees them.
        """
        source = r'{"a": "4111 1111 1111 1111", "b": "\u0034111 1111 1111 1111'

        sent = await kit.run(cards(), kit.ToyStream().deltas(source, CALL, json=True))

        assert sent.text() == '{"a": "[card]", "b": "[card]'

    async def test_that_are_said_again_in_other_words(self, kit, cards):
        """
        A repeat that spells the arguments otherwise is judged as arguments.
        """
        other = json.dumps(json.loads(self.SOURCE))
        stream = kit.ToyStream().deltas(self.SOURCE, CALL, json=True)

        sent = await kit.run(cards(), stream.repeat(other, CALL, json=True))

        assert json.loads(sent.repeats()[0][1]) == json.loads(self.WANT)

    async def test_a_second_document_in_the_lane(self, kit, cards):
        """
        Arguments behind the end of arguments in the same lane are a document of their own.
        """
        stream = kit.ToyStream().delta(self.SOURCE, CALL, json=True).end(*CALL)

        sent = await kit.run(cards(), stream.deltas(self.SOURCE, CALL, json=True), 9)

        assert sent.text() == self.WANT * 2


class TestSpans:
    TEXT = f"see {CARD} at example.org ok"
    WANT = "see [card] at example.org ok"

    @pytest.mark.parametrize("read", [1, 50])
    @pytest.mark.parametrize(
        ("quote", "want"),
        [
            ("see", "see"),
            (CARD, "[card]"),
            (" 1111 1111", "[card]"),
            ("see 4111", "see [card]"),
            ("1111 at", "[card] at"),
            ("example.org", "example.org"),
        ],
        ids=["before", "exact", "inside", "into", "out of", "behind"],
    )
    async def test_point_at_the_edited_text(self, kit, cards, quote, want, read):
        """
        Offsets before, across and behind an edit point at what became of their text.

        So they do if they come while the edit is still undecided.
        """
        start = self.TEXT.rindex(quote) if "at" in quote else self.TEXT.index(quote)
        stream = kit.ToyStream().delta(self.TEXT[:23]).span(start, start + len(quote))
        stream.deltas(self.TEXT[23:]).span(start, start + len(quote)).end()

        sent = await kit.run(cards(), stream, read)

        assert [self.WANT[a:b] for a, b in sent.spans()] == [want, want]

    async def test_wait_for_what_is_undecided_before_them(self, kit):
        """
        An annotation does not leave while an edit left of it may still come.
        """
        stream = kit.ToyStream().delta("4111").span(2, 4).span(0, 0)

        reads = await kit.reads_of(kit.Cards(), stream.frames)

        assert [len(read) for read in reads] == [0, 0, 0, 3]

    async def test_into_text_that_is_to_come(self, kit, cards):
        """
        An annotation that comes before its text waits for it.
        """
        stream = kit.ToyStream().delta("see ").span(24, 26).deltas(f"{CARD} at example")

        sent = await kit.run(cards(), stream.end())

        assert sent.spans() == [(11, 13)]

    @pytest.mark.parametrize("read", [1, 9])
    async def test_beside_a_piece_of_their_text(self, kit, cards, read):
        """
        Offsets in the event of a delta point at the edited text.
        """
        stream = kit.ToyStream().delta("see ").deltas(CARD)
        boxes = [{"text": " at home", "form": "delta", "lane": kit.LANE}]
        stream.event(texts=boxes, spans=[{"lane": kit.LANE, "start": 24, "end": 26}])

        sent = await kit.run(cards(), stream.end(), read)

        assert sent.spans() == [(11, 13)]

    async def test_of_texts_nobody_looks_at_stay(self, kit):
        """
        Offsets into a text that the filter does not see, or that are no numbers, pass.
        """
        stream = kit.ToyStream().delta(CARD).end().span(0, None).span(9, 10, ("other",))

        sent = await kit.run(kit.Cards(), stream)

        assert sent.spans() == [(0, None), (9, 10)]

    async def test_count_in_the_text_beside_them(self, kit):
        """
        Where an event says another text than its deltas did, its offsets count in that one.
        """
        boxes = [{"text": f"{CARD} {CARD} x", "form": "repeat", "lane": kit.LANE}]
        spans = [{"lane": kit.LANE, "start": 40, "end": 41}]

        sent = await kit.run(
            kit.Cards(), kit.ToyStream().delta("words ").event(texts=boxes, spans=spans)
        )

        assert sent.spans() == [(14, 15)]


class TestLogProbabilities:
    async def test_are_blanked_beside_edits_only(self, kit):
        """
        The tokens beside an edited text go, the others stay.
        """
        stream = kit.ToyStream()
        for part in ("a ", "4111", "111111111111", " b"):
            stream.delta(part, probs=[part])

        sent = await kit.run(kit.Cards(), stream)

        probs = [doc["texts"][0]["probs"] for doc in sent.docs()]
        assert probs == [["a "], None, None, [" b"]]


class TestSealed:
    async def test_an_edit_refuses_the_answer(self, kit, cards):
        """
        Signed text that would have to be changed ends the answer, before any of it is sent.
        """
        stream = kit.ToyStream().deltas(["my 4111 1111", " 1111 1111 x"], sealed=True)

        with pytest.raises(Blocked, match="signed") as caught:
            await kit.run(cards(), stream)

        assert "1111" not in str(caught.value)

    async def test_an_edit_can_be_skipped(self, kit, cards):
        """
        Where the operator has it so, signed text passes as it is, in every event.
        """
        skips = cards()
        skips.on_sealed = "skip"
        stream = kit.ToyStream().deltas(TEXT, sealed=True).repeat(TEXT, sealed=True)

        sent = await kit.run(skips, stream.whole(CARD, ("w",), sealed=True))

        assert sent.frames == stream.frames
        assert skips.edit_count == 0

    async def test_text_that_is_signed_from_some_piece_on(self, kit, cards):
        """
        A signature that shows up in mid-text is respected.
        """
        stream = kit.ToyStream().delta("my ").delta("4111 1111", sealed=True)

        with pytest.raises(Blocked):
            await kit.run(cards(), stream.delta(" 1111 1111 x", sealed=True))

    @pytest.mark.parametrize("on_sealed", ["refuse", "skip"])
    async def test_repeats_that_alone_are_signed(self, kit, on_sealed):
        """
        A signature that shows only on the repeat is respected there.
        """
        seen = kit.Cards()
        seen.on_sealed = on_sealed
        stream = kit.ToyStream().delta(CARD).repeat(CARD, sealed=True)

        if on_sealed == "refuse":
            with pytest.raises(Blocked):
                await kit.run(seen, stream)
        else:
            assert (await kit.run(seen, stream)).repeats() == [(kit.LANE, CARD)]

    async def test_without_an_edit_it_passes(self, kit):
        """
        Signed text in which nothing is found is no obstacle.
        """
        stream = kit.ToyStream().deltas(["think", "ing"], sealed=True).end()

        assert (await kit.run(kit.Cards(), stream)).frames == stream.frames


class TestSeries:
    @pytest.mark.parametrize("read", [1, 7])
    async def test_one_filter_sees_what_the_other_wrote(self, kit, cards, read):
        """
        The second of two filters judges the first one's text, deltas and repeats alike.
        """
        text = f"my card {CARD} and mail a@b.co x"
        stream = kit.ToyStream().deltas(text).end(*kit.LANE).repeat(text)

        sent = await kit.run(
            [cards(), kit.Words("[card] and mail", "<both>")], stream, read
        )

        assert sent.text() == "my card <both> a@b.co x"
        assert sent.repeats() == [(kit.LANE, sent.text())]

    async def test_the_other_way_round(self, kit, cards):
        """
        Put the other way round, each still finds its own.
        """
        text = f"my card {CARD} and mail a@b.co x"
        stream = kit.ToyStream().deltas(text)

        sent = await kit.run([kit.Words(" and mail", ""), cards()], stream)

        assert sent.text() == "my card [card] a@b.co x"

    async def test_both_move_offsets(self, kit, cards):
        """
        Offsets move by the edits of both filters.
        """
        text = f"{CARD} of a friend at example.org"
        at = text.index("example")
        stream = kit.ToyStream().deltas(text).span(at, at + 7).end()

        sent = await kit.run([cards(), kit.Words("a friend", "somebody else")], stream)

        start, end = sent.spans()[0]
        assert sent.text()[start:end] == "example"

    async def test_both_edit_arguments(self, kit, cards):
        """
        Arguments edited by one filter are still JSON to the other.
        """
        source = f'{{"a":"{CARD}","b":"plum \\u0070lum","n":1.0}}'
        stream = kit.ToyStream().deltas(source, CALL, json=True).end(*CALL)

        sent = await kit.run([cards(), kit.Words("plum", '"')], stream)

        assert sent.text() == '{"a":"[card]","b":"\\" \\"","n":1.0}'


class TestDocuments:
    async def test_edits_the_texts_of_a_request(self, kit, cards):
        """
        The same filter masks a whole document and says how often it did.
        """
        boxes = [
            {"text": text, "form": "whole", "lane": [n]}
            for n, text in enumerate([TEXT, "x"])
        ]
        request = Request(kit.TOY, doc={"texts": boxes})

        count = await cards().apply(request.texts())

        assert count == 2
        assert boxes[0]["text"] == kit.CARD.sub("[card]", TEXT)
        assert boxes[1]["text"] == "x"

    async def test_leaves_a_clean_document_clean(self, kit, cards):
        """
        A document in which nothing is found is forwarded as the bytes that came.
        """
        response = kit.whole({"texts": [{"text": "x", "form": "whole", "lane": [0]}]})
        raw = response.encode()

        assert await cards().feed_response(response) == 0
        assert not response.is_dirty
        assert response.encode() is raw

    async def test_moves_the_offsets_of_an_answer(self, kit, cards):
        """
        Offsets in a whole answer point at what became of their text.
        """
        text = f"see {CARD} at example.org"
        at = text.index("example")
        response = kit.whole(
            {
                "texts": [{"text": text, "form": "whole", "lane": kit.LANE}],
                "spans": [{"lane": kit.LANE, "start": at, "end": at + 7}],
            }
        )

        await cards().feed_response(response)

        span = response.doc["spans"][0]
        new = response.doc["texts"][0]["text"]
        assert new[span["start"] : span["end"]] == "example"

    async def test_signed_text_refuses_a_document(self, kit, cards):
        """
        Signed text in a whole document is refused like in a stream.
        """
        response = kit.whole(
            {"texts": [{"text": CARD, "form": "whole", "lane": [0], "sealed": True}]}
        )

        with pytest.raises(Blocked):
            await cards().feed_response(response)

    async def test_looks_at_its_kinds_only(self, kit):
        """
        Text of another kind is left alone in whole documents as well.
        """
        looks = kit.Cards()
        looks.kinds = frozenset({"reasoning"})
        response = kit.whole({"texts": [{"text": CARD, "form": "whole", "lane": [0]}]})

        assert await looks.feed_response(response) == 0


class TestEnding:
    async def test_what_is_held_is_dropped_when_the_stream_broke(self, kit):
        """
        After close nothing that was held can come out.
        """
        holds = kit.Cards()
        await holds.feed([Chunk(kit.TOY, kit.ToyStream().delta("4111").frames[0])])

        await holds.close(Outcome.LEFT)

        assert await holds.flush() == ()

    @pytest.mark.parametrize("end", ["failed", "flushed", "closed"])
    async def test_nothing_is_taken_any_more(self, kit, end):
        """
        A filter that failed, was flushed or closed takes no chunk: it would lack what came before.
        """
        chunk, bad = (
            Chunk(kit.TOY, raw)
            for raw in (*kit.ToyStream().delta("x").frames, b"data: {")
        )
        over = kit.Cards()
        await over.feed([chunk])
        if end == "failed":
            with pytest.raises(UpstreamError):
                await over.feed([bad])
        elif end == "flushed":
            await over.flush()
        else:
            await over.close(Outcome.FINISHED)

        with pytest.raises(RuntimeError, match="end of its stream"):
            await over.feed([chunk])
