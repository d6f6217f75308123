from __future__ import annotations

from random import Random

import pytest

from gateway.routing.retries import (
    FAILURES,
    Blame,
    Failure,
    Next,
    Report,
    RetryBudget,
    backoff_s,
    rule,
)


class TestRule:
    @pytest.mark.parametrize("status", [200, 201, 204, 400, 405, 413, 415, 422, 499])
    def test_answers_are_final(self, status):
        """
        An answer, or a word about the request itself, goes to the caller at once.
        """
        ruling = rule(Report(status=status))

        assert ruling.next is Next.NOWHERE
        assert ruling.is_well

    @pytest.mark.parametrize(
        "status", [408, 424, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]
    )
    def test_overload_is_tried_again_anywhere(self, status):
        """
        A server in trouble may be well in a moment, and another may be well now.
        """
        ruling = rule(Report(status=status))

        assert (ruling.next, ruling.blame) == (Next.ANYWHERE, Blame.MODEL)
        assert not ruling.cools

    @pytest.mark.parametrize(
        ("status", "cools"), [(401, True), (402, True), (403, False)]
    )
    def test_a_refused_key_is_changed(self, status, cools):
        """
        Another key is tried; 401 and 402 rest the key at once, 403 only counts.
        """
        ruling = rule(Report(status=status))

        assert (ruling.next, ruling.blame) == (Next.OTHER_KEY, Blame.KEY)
        assert ruling.cools is cools

    def test_a_rate_limit_is_of_key_and_model(self):
        """
        429 changes the key at once, or waits; other models of the key go on.
        """
        ruling = rule(Report(status=429))

        assert ruling.next is Next.OTHER_KEY_OR_WAIT
        assert ruling.blame is Blame.KEY_AND_MODEL

    @pytest.mark.parametrize(
        "report",
        [
            Report(status=429, code="insufficient_quota"),
            Report(status=429, kind="billing"),
            Report(status=400, kind="billing"),
            Report(status=403, code="billing_not_active"),
            Report(status=402),
        ],
        ids=["openai", "kind", "anthropic-400", "inactive", "402"],
    )
    def test_a_key_out_of_money_rests(self, report):
        """
        An empty account looks like a rate limit, but waiting for it is no use.
        """
        ruling = rule(report)

        assert (ruling.next, ruling.blame) == (Next.OTHER_KEY, Blame.KEY)
        assert ruling.cools

    def test_a_missing_model_may_be_elsewhere(self):
        """
        404 is a target set up wrongly: the next is tried, this one never again.
        """
        ruling = rule(Report(status=404))

        assert (ruling.next, ruling.blame) == (Next.OTHER_TARGET, Blame.NOBODY)

    def test_a_conflict_is_nobodys_fault(self):
        """
        409 and 425 are tried again and count against nobody.
        """
        for status in (409, 425):
            ruling = rule(Report(status=status))
            assert (ruling.next, ruling.blame) == (Next.ANYWHERE, Blame.NOBODY)
            assert ruling.is_well

    @pytest.mark.parametrize("status", [301, 307, 501, 505, 599, 0])
    def test_what_nobody_listed_goes_elsewhere(self, status):
        """
        An answer that no vendor should give is not asked for twice.
        """
        ruling = rule(Report(status=status))

        assert (ruling.next, ruling.blame) == (Next.OTHER_TARGET, Blame.MODEL)

    @pytest.mark.parametrize(
        ("failure", "next_", "blame"),
        [
            (Failure.CONNECT, Next.ANYWHERE, Blame.PROVIDER),
            (Failure.STALL, Next.ANYWHERE, Blame.MODEL),
            (Failure.BROKEN, Next.ANYWHERE, Blame.PROVIDER),
            (Failure.UNREADABLE, Next.OTHER_TARGET, Blame.MODEL),
            (Failure.CUT, Next.NOWHERE, Blame.MODEL),
            (Failure.BUSY, Next.OTHER_TARGET, Blame.NOBODY),
            (Failure.REFUSED, Next.OTHER_TARGET, Blame.NOBODY),
            (Failure.LEFT, Next.NOWHERE, Blame.NOBODY),
        ],
        ids=lambda value: value.name if isinstance(value, Failure) else "",
    )
    def test_each_failure_has_its_ruling(self, failure, next_, blame):
        """
        How an attempt broke decides where the next one may go.
        """
        ruling = rule(Report(failure=failure))

        assert (ruling.next, ruling.blame) == (next_, blame)
        assert not ruling.is_well

    def test_every_failure_is_ruled(self):
        """
        A failure that is added later needs a ruling.
        """
        assert set(FAILURES) == set(Failure)

    def test_a_failure_outweighs_the_status_before_it(self):
        """
        A stream that broke after its 200 is broken.
        """
        assert rule(Report(status=200, failure=Failure.CUT)).blame is Blame.MODEL

    @pytest.mark.parametrize(
        ("report", "said"),
        [
            (Report(status=503, code="secret text"), "status 503"),
            (Report(failure=Failure.STALL), "did not answer in time"),
        ],
    )
    def test_reads_as_a_short_line(self, report, said):
        """
        What callers see of a report holds nothing that the provider wrote.
        """
        assert str(report) == said


class TestBackoff:
    def test_doubles_up_to_the_longest(self, rng):
        """
        Waits grow from retry to retry, half of each left to chance.
        """
        bounds = [
            (0.25, 0.5),
            (0.5, 1.0),
            (1.0, 2.0),
            (2.0, 4.0),
            (2.5, 5.0),
            (2.5, 5.0),
        ]

        for number, (least, most) in enumerate(bounds):
            waits = [backoff_s(number, 0.5, 5.0, rng) for _ in range(200)]
            assert least <= min(waits) < max(waits) <= most
            assert max(waits) - min(waits) > 0.3 * most

    def test_many_rounds_do_not_overflow(self, rng):
        """
        However many retries an operator allows, the wait stays a number.
        """
        assert backoff_s(1_000, 0.5, 5.0, rng) <= 5.0

    def test_is_seeded(self):
        """
        The same seed waits the same.
        """
        assert backoff_s(1, 0.5, 5.0, Random(7)) == backoff_s(1, 0.5, 5.0, Random(7))


class TestRetryBudget:
    @pytest.fixture
    def budget(self, clock) -> RetryBudget:
        return RetryBudget(clock=clock.monotonic, share=0.1)

    def test_a_quiet_gateway_may_retry(self, budget):
        """
        The first few retries are free, however little traffic there is.
        """
        budget.asked()

        taken = [budget.take() for _ in range(budget.free + 2)]

        assert taken == [True] * budget.free + [False] * 2

    def test_is_a_share_of_the_traffic(self, budget):
        """
        Of a hundred requests ten may be retried, beside the free ones.
        """
        for _ in range(100):
            budget.asked()

        assert sum(budget.take() for _ in range(100)) == 10 + budget.free

    def test_old_traffic_counts_no_more(self, budget, clock):
        """
        Two windows later nothing of the old traffic is left, nor of its retries.
        """
        for _ in range(100):
            budget.asked()
        while budget.take():
            pass

        clock.advance(20.0)

        assert sum(budget.take() for _ in range(100)) == budget.free

    def test_the_window_before_still_counts(self, budget, clock):
        """
        At the turn of a window neither traffic nor retries are forgotten.
        """
        for _ in range(100):
            budget.asked()
        taken = sum(budget.take() for _ in range(8))
        clock.advance(10.0)

        more = sum(budget.take() for _ in range(100))

        assert (taken, more) == (8, 2 + budget.free)

    def test_no_share_is_no_retry(self, clock):
        """
        An operator who sets the budget to 0 gets none, not even the free ones.
        """
        budget = RetryBudget(clock=clock.monotonic, share=0.0)
        budget.asked()

        assert not budget.take()

    @pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 1.0])
    def test_holds_whatever_the_traffic(self, clock, rng, share):
        """
        Over any long time retries stay within the share and the free ones a window.
        """
        budget = RetryBudget(clock=clock.monotonic, share=share)
        asked = taken = 0
        for _ in range(5_000):
            budget.asked()
            asked += 1
            taken += sum(budget.take() for _ in range(rng.randrange(4)))
            clock.advance(rng.random() * 0.1)

        windows = (clock.monotonic() - 1_000.0) / budget.window_s
        assert taken <= share * asked * 1.2 + budget.free * (windows + 2)
        assert taken >= share * asked * 0.7
