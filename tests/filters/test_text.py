"""
The text filter, over a dialect that hides nothing.
"""

from __future__ import annotations

import attrs
import pytest

from gateway.errors import Blocked, UpstreamError
from gateway.filters import Edit, Outcome, TextFilter
from gateway.views import Chunk

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

    async def test_an_edit_that_changes_nothing(self, kit):
        """
        An event whose text is replaced by itself leaves as the bytes that came.
        """
        stream = kit.ToyStream().deltas(["the ", "word", " x"])

        sent = await kit.run(kit.Words("word", "word"), stream)

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

    async def test_twins_that_take_turns_stop_ending_each_other(self, kit, cards):
        """
        The same holds for lanes that began in one event.
        """
        stream = kit.ToyStream()
        boxes = [
            {"text": "a ", "form": "delta", "lane": lane}
            for lane in (REASONING, kit.LANE)
        ]
        stream.event(texts=boxes)
        for part in ("and ", "so ", "4111", "11111111", "1111 b"):
            stream.delta(part, REASONING).delta(part)

        sent = await kit.run(cards(), stream.end())

        assert set(sent.lanes().values()) == {"a and so [card] b"}

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

    async def test_more_edits_than_the_cap_are_refused(self, kit):
        """
        The ledger is bounded as well: an answer in which ever more is found is refused.
        """
        keeps = kit.Words("x", "y")
        keeps.cap = 100

        with pytest.raises(Blocked, match="keep track"):
            await kit.run(keeps, kit.ToyStream().deltas(["x"] * 101))

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

    @pytest.mark.parametrize("read", [1, 2])
    async def test_a_judge_may_wait(self, kit, read):
        """
        What overrides judge instead of find may ask somebody, in mid-text and at its end.
        """
        cards = kit.Cards()

        class Asks(TextFilter):
            async def judge(self, text, start, final):
                edits, safe = cards.find(text, start, final)
                return [attrs.evolve(edit, new="[asked]") for edit in edits], safe

        stream = kit.ToyStream().deltas(["4111 ", CARD[5:], " x ", CARD])

        assert (await kit.run(Asks(), stream, read)).text() == "[asked] x [asked]"

    @pytest.mark.parametrize("read", [1, 20])
    async def test_tells_what_is_shown(self, kit, read):
        """
        A find knows which text it is shown a part of, and where in that the part begins.
        """
        seen = []

        class Looking(kit.Cards):
            context = 2

            def find(self, text, start, final):
                running = self.running
                seen.append((running.kind, running.offset + start, text[start:]))
                return super().find(text, start, final)

        stream = kit.ToyStream().deltas(["abc ", "def "])
        stream.delta("x", REASONING, kind="reasoning")
        await kit.run(Looking(), stream, read)

        said = {}
        for kind, at, text in seen:
            assert "abc def x".startswith(text, at if kind == "message" else 8)
            said[kind] = at + len(text)
        assert said == {"message": 8, "reasoning": 1}

    async def test_foresees_all_that_ends_in_one_read(self, kit):
        """
        What ends in one read is told of at once, as it will be shown: strings of arguments too.
        """
        foreseen, judged = [], []

        class Foreseeing(TextFilter):
            async def foresee(self, ended):
                foreseen.append(list(ended))

            async def judge(self, text, start, final):
                if final:
                    judged.append((self.running.kind, text[start:]))
                return (), len(text) if final else start

        stream = kit.ToyStream().deltas(["one ", "two"])
        source = '{"a": ["b\\u0063"]}'
        stream.delta(source, CALL, json=True, kind="tool_arguments").end()

        await kit.run(Foreseeing(), stream, 20)

        told = [("message", "one two")]
        told += [("tool_arguments", one) for one in ("a", "bc")]
        assert foreseen == [told]
        assert judged == told

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
