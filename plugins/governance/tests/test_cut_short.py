"""
Who leaves early pays at least what the provider bills, and no more than was held.
"""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_governance.bounds import Bound
from gateway_governance.cut_short import (
    CANCEL_S,
    FASTEST_TOKENS_PER_S,
    Broken,
    charge_of,
)


@attrs.frozen
class Linear:
    input_pico: int = 1_000_000
    output_pico: int = 10_000_000

    def nano(self, *, input_tokens, output_tokens, images):
        pico = input_tokens * self.input_pico + output_tokens * self.output_pico
        return -(-pico // 1000)

    def output_tokens(self, nano, *, input_tokens, images):
        raise NotImplementedError


class Unpriced(Linear):
    def nano(self, *, input_tokens, output_tokens, images):
        return None


ASKED = Bound(input_tokens=100, output_tokens=4096)
WHOLE = Linear().nano(input_tokens=100, output_tokens=4096, images=0)
LATE = int(FASTEST_TOKENS_PER_S * CANCEL_S)


def test_what_arrived_and_what_was_on_its_way():
    """
    The charge is for what was received and what may have followed until the cancel came.
    """
    charge = charge_of(
        ASKED, Linear(), WHOLE, Broken(received_tokens=50, unseen_s=0, streamed_s=0.5)
    )

    assert charge.output_tokens == 50 + LATE
    assert charge.charged_nano == 100 * 1000 + (50 + LATE) * 10_000
    assert charge.seen_nano == 100 * 1000 + 50 * 10_000
    assert charge.is_estimated


def test_what_nobody_saw_is_charged():
    """
    Before its first piece the model may have reasoned all the time.
    """
    charge = charge_of(ASKED, Linear(), WHOLE, Broken(received_tokens=0, unseen_s=3.0))

    assert charge.output_tokens == 3 * FASTEST_TOKENS_PER_S + LATE


def test_a_fast_model_is_taken_for_a_faster_one():
    """
    Where more was seen than any model is known for, twice that pace is assumed.
    """
    broken = Broken(received_tokens=1000, unseen_s=0, streamed_s=2.0)

    charge = charge_of(ASKED, Linear(), WHOLE, broken)

    assert charge.output_tokens == 1000 + 2 * 500 * CANCEL_S


def test_the_providers_own_figures_are_believed():
    """
    A prompt that the provider counted in mid-stream is that long, and so far the answer.
    """
    broken = Broken(
        received_tokens=10, unseen_s=0, input_tokens=40, output_tokens=30, streamed_s=9
    )

    charge = charge_of(ASKED, Linear(), WHOLE, broken)

    assert charge.input_tokens == 40
    assert charge.output_tokens == 30 + LATE


def test_no_more_than_the_cap_of_every_choice():
    """
    Nobody generates beyond the cap that was sent.
    """
    asked = attrs.evolve(ASKED, output_tokens=10, choices=3, predicted_tokens=5)

    charge = charge_of(asked, Linear(), None, Broken(received_tokens=9, unseen_s=60))

    assert charge.output_tokens == 35


def test_an_unknown_price_charges_the_hold():
    """
    What cannot be priced is charged as it was held.
    """
    charge = charge_of(ASKED, Unpriced(), 777, Broken(received_tokens=1, unseen_s=0))

    assert (charge.charged_nano, charge.seen_nano) == (777, 777)


def test_without_a_hold_all_of_it_is_charged():
    """
    A soft budget held nothing, and pays what is due.
    """
    charge = charge_of(ASKED, Linear(), None, Broken(received_tokens=1, unseen_s=0))

    assert charge.charged_nano == 100 * 1000 + (1 + LATE) * 10_000


def test_vectors_have_no_output():
    """
    An embedding that broke off is charged for its input alone.
    """
    asked = Bound(input_tokens=100, output_tokens=0)

    charge = charge_of(asked, Linear(), None, Broken(received_tokens=0, unseen_s=5))

    assert (charge.output_tokens, charge.charged_nano) == (0, 100 * 1000)


@given(
    received=st.integers(0, 5000),
    pace=st.floats(1, FASTEST_TOKENS_PER_S),
    unseen=st.floats(0, 20),
    cancel=st.floats(0, CANCEL_S),
    cap=st.integers(1, 4096),
)
def test_never_below_the_bill(received, pace, unseen, cancel, cap):
    """
    However fast the model, wherever it broke: recorded is never 0, nor less than billed.
    """
    received = min(received, cap)
    asked = attrs.evolve(ASKED, output_tokens=cap)
    hold = Linear().nano(input_tokens=100, output_tokens=cap, images=0)
    generated = min(cap, received + int(pace * (unseen + cancel)))
    bill = Linear().nano(input_tokens=100, output_tokens=generated, images=0)

    charge = charge_of(
        asked, Linear(), hold, Broken(received_tokens=received, unseen_s=unseen)
    )

    assert 0 < bill <= charge.charged_nano <= hold
    assert charge.output_tokens >= max(generated, 1)
    assert charge.seen_nano <= charge.charged_nano


@pytest.mark.parametrize("streamed_s", [0.0, 0.999, 1.0])
def test_a_short_stream_shows_no_pace(streamed_s):
    """
    A burst of the first moment is not taken for a pace.
    """
    broken = Broken(received_tokens=300, unseen_s=0, streamed_s=streamed_s)

    charge = charge_of(ASKED, Linear(), None, broken)

    assert charge.output_tokens == 300 + (
        LATE if streamed_s < 1 else 2 * 300 * CANCEL_S
    )
