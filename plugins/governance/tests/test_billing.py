"""
What attempts come to, by how they ended.
"""

from __future__ import annotations

import attrs
import pytest

from gateway import AttemptState, Usage
from gateway.testing import ManualClock, make_attempt, make_exchange
from gateway_governance.admission import Admitted
from gateway_governance.asking import Payment
from gateway_governance.billing import Bill, bill_of, row_of
from gateway_governance.bounds import Bound
from gateway_governance.cut_short import CANCEL_S, FASTEST_TOKENS_PER_S
from gateway_governance.ledger.pool import Hold, Plan
from gateway_governance.listening import Listener
from gateway_governance.runs import Run

LATE = int(CANCEL_S * FASTEST_TOKENS_PER_S)
ASKED = Bound(input_tokens=100, output_tokens=50_000)
HELD = 600_000_000
COUNTS = (
    *("input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio"),
    *("input_image", "output", "reasoning", "output_audio", "output_image", "images"),
)


@attrs.frozen
class Tariff:
    """
    1,000 nano-USD a token of the prompt, 10,000 one of the answer.
    """

    is_whole: bool = True

    def nano(self, *, input_tokens, output_tokens, images):
        return input_tokens * 1_000 + output_tokens * 10_000

    def cost_nano(self, usage, asked=None):
        if not self.is_whole:
            return None
        return self.nano(
            input_tokens=usage.total_input, output_tokens=usage.total_output, images=0
        )


@attrs.frozen
class Priced:
    tariff: Tariff
    version: str = "v"


@pytest.fixture(name="clock")
def _clock():
    return ManualClock()


def a_payment(*, listener=None, ceiling_nano=HELD, priced=True, whole=True):
    tariff = Tariff(whole)
    return Payment(
        hold=None,
        bound=ASKED,
        priced=Priced(tariff) if priced else None,
        dearest=tariff if priced else None,
        ceiling_nano=ceiling_nano,
        listener=listener,
    )


def bill(clock, payment, **attempt):
    exchange = make_exchange(clock=clock)
    made = make_attempt(exchange, **{"ended_at": clock.monotonic(), **attempt})
    return bill_of(exchange, made, payment)


def test_the_providers_own_figures_are_the_bill(clock):
    """
    An answer that was accounted for costs what was used, to the nano, whatever was held.
    """
    usage = Usage(input=7, output=3)

    found = bill(
        clock, a_payment(), usage=usage, state=AttemptState.ANSWERED, status=200
    )

    assert (found.cost_nano, found.seen_nano, found.usage) == (37_000, 37_000, usage)


def test_an_error_costs_nothing(clock):
    """
    A provider that answers with an error has generated nothing.
    """
    found = bill(clock, a_payment(), status=500, state=AttemptState.ANSWERED)

    assert (found.cost_nano, found.is_answer) == (0, False)


def test_what_has_no_price_in_an_answer_costs_what_was_held(clock):
    """
    Where something was used that has no price, the hold is the bound.
    """
    found = bill(
        clock,
        a_payment(whole=False),
        usage=Usage(input=7, output=3),
        state=AttemptState.ANSWERED,
        status=200,
    )

    assert found.cost_nano == HELD


@pytest.mark.parametrize("ceiling_nano", [HELD, None], ids=["held", "nothing held"])
def test_without_a_price_an_estimate_is_kept(clock, ceiling_nano):
    """
    What broke off where there is no price is charged what was held, and counted all the same.
    """
    found = bill(clock, a_payment(priced=False, ceiling_nano=ceiling_nano))

    assert found.cost_nano == ceiling_nano
    assert found.usage.is_estimated
    assert found.usage.total_output == 1


def test_a_whole_answer_may_have_been_generated_all_the_time(clock):
    """
    Of an answer that is not streamed nothing is seen until it is there.
    """
    began = clock.monotonic()
    clock.move(10.0)

    found = bill(clock, a_payment(), sent_at=began)

    assert found.usage.total_output == 10 * FASTEST_TOKENS_PER_S + LATE
    assert found.cost_nano == 100_000 + 10_000 * found.usage.total_output


def test_a_pause_in_a_stream_may_have_been_reasoning(clock):
    """
    The first event of a stream is not its first word: a model that begins at once and reasons for
    ten seconds, unseen, is charged for ten seconds.
    """
    listener = Listener(ASKED, cuts=True, monotonic=clock.monotonic)
    began = clock.monotonic()
    clock.move(10.0)

    found = bill(
        clock, a_payment(listener=listener), sent_at=began, first_event_at=began + 0.1
    )

    assert found.usage.total_output == 10 * FASTEST_TOKENS_PER_S + LATE


def test_no_more_is_charged_than_was_held(clock):
    """
    However long it took, the hold is an upper bound of it.
    """
    began = clock.monotonic()
    clock.move(3600.0)

    found = bill(clock, a_payment(ceiling_nano=5_000_000), sent_at=began)

    assert found.cost_nano == 5_000_000


def test_what_was_told_before_the_break_is_believed(clock):
    """
    A prompt that the provider counted in mid-stream is that long.
    """
    found = bill(clock, a_payment(), usage=Usage(input=9, output=1), status=200)

    assert found.usage.total_input == 9
    assert found.usage.total_output == 1 + LATE
    assert found.seen_nano == 9_000 + 10_000


def test_every_column_has_what_its_name_says(clock):
    """
    Rows are written by place, so each place is looked at by its name.
    """
    exchange = make_exchange(clock=clock)
    attempt = make_attempt(exchange, state=AttemptState.ANSWERED)
    attempt.status = 201
    counts = {name: number for number, name in enumerate(COUNTS, 1)}
    usage = Usage(
        **counts,
        server_tool_calls=(("a", 20), ("b", 30)),
        service_tier="flex",
        region="eu",
    )
    payment = Payment(
        hold=Hold(1, 0, Plan((), (), 0), [], (9, 0, 0, 0, 0), False),
        bound=Bound(input_tokens=1),
        priced=None,
        dearest=None,
        ceiling_nano=None,
    )
    bill = Bill(usage=usage, cost_nano=7, seen_nano=6)

    row = row_of(exchange, attempt, Admitted(run=Run(run_id="run")), payment, bill)

    target = attempt.target
    assert row._asdict() == {
        "exchange_id": exchange.id,
        "attempt": 1,
        "at": clock.now(),
        "key_id": None,
        "key_name": None,
        "team_id": None,
        "customer_id": None,
        "run_id": "run",
        "provider": target.provider,
        "model": target.model,
        "provider_key": target.key or "",
        "dialect": target.dialect,
        "operation": "generate",
        "status": 201,
        "outcome": "done",
        **{_column(name): number for name, number in counts.items()},
        "server_tool_calls": 50,
        "service_tier": "flex",
        "region": "eu",
        "is_estimated": False,
        "cost_nano": 7,
        "cost_seen_nano": 6,
        "hold_nano": 9,
        "price_version": "",
    }


def _column(bucket):
    return bucket if bucket == "images" else f"{bucket}_tokens"
