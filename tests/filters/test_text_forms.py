"""
The text filter: what comes in other forms than a message's deltas.
"""

from __future__ import annotations

import json

import attrs
import pytest

from gateway.errors import Blocked
from gateway.filters import decided
from gateway.views import Request

CARD = "4111 1111 1111 1111"
TEXT = f'Hi, "card" {CARD}, not 14111111111111111; 4222-2222-2222-2222'
CALL = (0, 1, 0, "tool_arguments")
OTHER_CALL = (0, 2, 0, "tool_arguments")


@pytest.fixture
def want(kit):
    return kit.CARD.sub("[card]", TEXT)


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
        stream = kit.ToyStream().delta("see ").deltas(CARD).delta(", so I think")
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

    @pytest.mark.parametrize("on_sealed", ["refuse", "skip"])
    async def test_text_that_is_signed_from_some_piece_on(self, kit, on_sealed):
        """
        A signature that shows up in mid-text is respected from there on.
        """
        seen = kit.Cards()
        seen.on_sealed = on_sealed
        stream = kit.ToyStream().delta("my ").delta(CARD, sealed=True).delta(" x")

        if on_sealed == "refuse":
            with pytest.raises(Blocked):
                await kit.run(seen, stream)
        else:
            assert (await kit.run(seen, stream)).frames == stream.frames
            assert seen.edit_count == 0

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
