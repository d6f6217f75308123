"""
What is expected follows what was seen, in bounded memory.
"""

from __future__ import annotations

import random

import pytest

from gateway_governance.bounds import Bound
from gateway_governance.expected import FIRST_OUTPUT_TOKENS, Expected, Percentile

ASKED = Bound(
    input_tokens=656, text_tokens=400, template_tokens=256, output_tokens=8192
)


def taught(*outputs: int, key: str = "k", model: str = "m") -> Expected:
    expected = Expected()
    for tokens in outputs:
        expected.learn(ASKED, key, model, input_tokens=100, output_tokens=tokens)
    return expected


class TestPercentile:
    @pytest.mark.parametrize("seed", range(5))
    def test_is_what_95_of_100_do_not_exceed(self, seed):
        """
        At least as high as the true one, and at most a fifth higher.
        """
        made = random.Random(seed)
        values = [int(made.lognormvariate(6, 0.5)) + 1 for _ in range(40)]
        learned = Percentile()
        for value in values * 30:
            learned.add(value)

        newest = sorted(values)
        assert learned.value >= newest[int(0.9 * len(newest))]
        assert learned.value <= newest[-1] * 1.2 + 1

    def test_forgets(self):
        """
        After a few hundred others the old ones weigh nothing.
        """
        learned = Percentile()
        for value in [100_000] * 1000 + [100] * 400:
            learned.add(value)

        assert 100 <= learned.value <= 120

    def test_runs_for_ever(self):
        """
        The growing weights are brought down before they grow out of a float.
        """
        learned = Percentile()
        for _ in range(20_000):
            learned.add(50)

        assert 50 <= learned.value <= 60
        assert learned.seen == 20_000

    @pytest.mark.parametrize(
        ("value", "low", "high"),
        [(0, 1, 1), (1, 1, 1), (2, 2, 2), (10**7, 2**20, 2**20)],
    )
    def test_has_ends(self, value, low, high):
        """
        Nothing counts as one token, and more than a million as a million.
        """
        learned = Percentile()

        learned.add(value)

        assert low <= learned.value <= high

    def test_of_nothing_is_nothing(self):
        """
        Without observations there is no percentile.
        """
        assert Percentile().value == 0


class TestOutput:
    def test_begins_with_a_guess(self):
        """
        Before enough was seen, a usual answer is assumed.
        """
        assert taught(*[10] * 19).output_tokens("k", "m") == FIRST_OUTPUT_TOKENS

    def test_is_learned_by_key_and_model(self):
        """
        A key that asks for little is expected to ask for little.
        """
        expected = taught(*[40] * 20)

        assert 40 <= expected.output_tokens("k", "m") <= 48
        assert expected.output_tokens("k", "other") == FIRST_OUTPUT_TOKENS

    def test_falls_back_to_the_model(self):
        """
        A new key is expected to do what the others do with the model.
        """
        expected = taught(*[40] * 20)

        assert 40 <= expected.output_tokens("new", "m") <= 48
        assert 40 <= expected.output_tokens(None, "m") <= 48

    def test_is_the_same_each_time(self):
        """
        The same requests in the same order lead to the same expectation.
        """
        outputs = [random.Random(3).randint(1, 5000) for _ in range(200)]

        found = {taught(*outputs).output_tokens("k", "m") for _ in range(3)}

        assert len(found) == 1

    def test_is_of_one_choice(self):
        """
        Of a request with several choices each one is learned.
        """
        expected = Expected()
        asked = Bound(input_tokens=10, text_tokens=10, output_tokens=100, choices=4)
        for _ in range(20):
            expected.learn(asked, "k", "m", input_tokens=5, output_tokens=160)

        assert 40 <= expected.output_tokens("k", "m") <= 48
        assert 160 <= expected.tokens(asked, "k", "m") - 10 <= 4 * 48

    def test_memory_is_bounded(self):
        """
        However many keys and models come by, what was longest not used is forgotten.
        """
        expected = Expected()
        for number in range(9000):
            expected.learn(
                ASKED, f"k{number}", f"m{number}", input_tokens=1, output_tokens=1
            )

        assert len(expected._of_keys) == 8192
        assert len(expected._of_models) == len(expected._per_byte) == 1024


class TestTokens:
    def test_is_the_prompt_and_a_usual_answer(self):
        """
        A quarter of a token a byte, a template, and what answers come to.
        """
        assert Expected().tokens(ASKED, "k", "m") == 100 + 16 + FIRST_OUTPUT_TOKENS

    def test_is_no_more_than_the_cap(self):
        """
        A caller who wants little is expected to get no more.
        """
        asked = Bound(input_tokens=656, text_tokens=400, output_tokens=50)

        assert Expected().tokens(asked, "k", "m") == 100 + 50

    def test_learns_how_many_bytes_a_token_has(self):
        """
        Prompts in a script that makes more tokens of a byte are expected to do so.
        """
        expected = Expected()
        for _ in range(80):
            expected.learn(ASKED, "k", "m", input_tokens=200, output_tokens=10)

        assert 190 <= expected.prompt_tokens(ASKED, "m") - 16 <= 201

    def test_a_count_is_better(self):
        """
        Where the words were counted, nothing is guessed.
        """
        asked = Bound(input_tokens=700, text_tokens=400, counted_tokens=123)

        assert Expected().prompt_tokens(asked, "m") == 123

    @pytest.mark.parametrize(
        "asked",
        [
            Bound(input_tokens=9000, text_tokens=400, media_tokens=8600),
            Bound(input_tokens=9000, text_tokens=400, window_named=("prompt",)),
            Bound(input_tokens=0, text_tokens=0),
        ],
        ids=["media", "named", "empty"],
    )
    def test_what_is_not_words_teaches_nothing_of_them(self, asked):
        """
        Images and earlier responses are in no byte.
        """
        expected = Expected()

        expected.learn(asked, "k", "m", input_tokens=8000, output_tokens=1)

        assert len(expected._per_byte) == 0
        assert len(expected._of_models) == 1
