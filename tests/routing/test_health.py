from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.routing.health import MAX_PARTIES, MAX_RECORDS, PROBE_LASTS_S, Health
from gateway.routing.retry_after import MAX_RETRY_AFTER_S

P = ("openai",)
K = ("openai", "main")
M = ("openai", None, "gpt-5")


@pytest.fixture
def health(clock) -> Health:
    return Health(clock=clock.monotonic, cooldown_s=10.0, failures_to_cool=3)


def may_enter(health: Health, *places) -> bool:
    return health.enter(places, health.clock()) is not None


class TestCounting:
    def test_cools_after_failures_in_a_row(self, health):
        """
        The third failure in a row makes a place cool, not the second.
        """
        health.failed(P, "status 503")
        health.failed(P, "status 503")
        assert may_enter(health, P)

        health.failed(P, "status 503")
        assert not may_enter(health, P)

    def test_a_success_begins_the_count_anew(self, health):
        """
        Failures with successes between them are no row.
        """
        for _ in range(5):
            health.failed(P, "status 503")
            health.failed(P, "status 503")
            health.succeeded([P])

        assert may_enter(health, P)
        assert health.is_clean

    def test_places_are_apart(self, health):
        """
        A key that cools takes neither its provider nor the other keys with it.
        """
        for _ in range(3):
            health.failed(K, "status 401")

        assert not may_enter(health, P, K)
        assert may_enter(health, P)
        assert may_enter(health, P, ("openai", "spare"))

    def test_may_cool_at_once(self, health):
        """
        A key that was refused is not tried twice more to be sure.
        """
        health.failed(K, "status 401", cools=True)

        assert not may_enter(health, K)
        assert health.waits_for([K], health.clock()) == 10.0


class TestRetryAfter:
    def test_cools_for_what_was_asked(self, health, clock):
        """
        A place that says when to come back is left alone until then, and no longer.
        """
        health.failed(K, "status 429", retry_after_s=2.0)

        clock.advance(1.9)
        assert not may_enter(health, K)
        clock.advance(0.2)
        assert may_enter(health, K)

    def test_a_rest_that_is_over_needs_no_probe(self, health, clock):
        """
        A rate limit is no illness: after it all may come back at once.
        """
        health.failed(K, "status 429", retry_after_s=2.0)
        clock.advance(2.0)

        assert [may_enter(health, K) for _ in range(5)] == [True] * 5
        assert health.is_clean

    def test_the_longer_deadline_stands(self, health, clock):
        """
        A short wait after a long one does not cut the long one.
        """
        health.failed(K, "status 429", retry_after_s=30.0)
        health.failed(K, "status 429", retry_after_s=1.0)
        for _ in range(3):
            health.failed(K, "status 503")

        clock.advance(29.0)
        assert not may_enter(health, K)
        clock.advance(1.0)
        assert may_enter(health, K)

    def test_is_bounded(self, health):
        """
        Nobody is left alone for a day because of one header.
        """
        health.failed(K, "status 429", retry_after_s=86_400.0)

        assert health.waits_for([K], health.clock()) == MAX_RETRY_AFTER_S

    def test_zero_asks_for_no_rest(self, health):
        """
        Who says that it may be asked at once is asked at once.
        """
        health.failed(K, "status 429", retry_after_s=0.0)

        assert may_enter(health, K)

    def test_a_success_from_before_lifts_no_deadline(self, health, clock):
        """
        An answer to what was sent before the limit does not end the rest.
        """
        health.failed(K, "status 429", retry_after_s=5.0)

        health.succeeded([K])

        assert not may_enter(health, K)


class TestHalfOpen:
    @pytest.fixture(autouse=True)
    def cooled(self, health, clock):
        for _ in range(3):
            health.failed(P, "did not connect")
        clock.advance(10.0)

    def test_one_probe_at_a_time(self, health):
        """
        After the cooldown one attempt goes through, and the others do not.
        """
        assert [may_enter(health, P) for _ in range(4)] == [True, False, False, False]

    def test_success_opens_the_place(self, health):
        """
        A probe that succeeds lets everybody back in.
        """
        may_enter(health, P)

        health.succeeded([P])

        assert health.is_clean
        assert may_enter(health, P)

    def test_failure_cools_for_twice_as_long(self, health, clock):
        """
        A probe that fails doubles the cooldown at once, without counting to three.
        """
        may_enter(health, P)

        health.failed(P, "did not connect")

        assert health.waits_for([P], clock.monotonic()) == 20.0

    def test_cooldowns_double_up_to_a_bound(self, health, clock):
        """
        A place that stays ill is probed ever less often, but never given up.
        """
        waits = []
        for _ in range(12):
            may_enter(health, P)
            health.failed(P, "did not connect")
            waits.append(health.waits_for([P], clock.monotonic()))
            clock.advance(waits[-1])

        assert waits[:3] == [20.0, 40.0, 80.0]
        assert waits[-1] == 640.0

    def test_a_probe_may_be_given_back(self, health):
        """
        An attempt that was never made lets another one probe.
        """
        probes = health.enter([P, K], health.clock())
        assert probes == (P,)

        health.released(probes)

        assert may_enter(health, P)

    def test_a_lost_probe_blocks_for_a_time_only(self, health, clock):
        """
        A probe whose caller left without a word does not close the place for ever.
        """
        may_enter(health, P)

        clock.advance(PROBE_LASTS_S)

        assert may_enter(health, P)

    def test_no_probe_is_taken_where_another_place_refuses(self, health):
        """
        Entering is all or nothing: a probe that leads nowhere is not used up.
        """
        health.failed(K, "status 401", cools=True)

        assert not may_enter(health, P, K)
        assert may_enter(health, P)


class TestBursts:
    def test_stragglers_do_not_prolong_the_cooldown(self, health, clock):
        """
        What was sent before a place began to cool fails without counting again.
        """
        for _ in range(50):
            health.failed(P, "did not connect")

        assert health.waits_for([P], clock.monotonic()) == 10.0

    def test_records_are_bounded(self, health):
        """
        Names that callers make up do not fill the memory, nor push out who is cooling.
        """
        health.failed(P, "did not connect", cools=True)

        for number in range(MAX_RECORDS + 100):
            health.failed(("openai", None, f"made-up-{number}"), "status 500")

        assert len(health._records) == MAX_RECORDS
        assert not may_enter(health, P)

    def test_zero_cooldown_switches_it_off(self, clock):
        """
        An operator who sets cooldown_s to 0 wants nobody left alone.
        """
        health = Health(clock=clock.monotonic, cooldown_s=0.0, failures_to_cool=1)

        health.failed(P, "did not connect")

        assert may_enter(health, P)


def may(health: Health, party: str, *places) -> bool:
    return health.enter(places, health.clock(), party) is not None


class TestParties:
    def test_one_alone_keeps_only_itself_away(self, health):
        """
        However often one party's requests fail, the others go on.
        """
        for _ in range(20):
            health.failed(M, "timed out", party="a")

        assert not may(health, "a", P, M)
        assert may(health, "b", P, M)
        assert health.waits_for([M], health.clock(), "b") == 0.0

    def test_a_second_one_keeps_everybody_away(self, health):
        """
        A provider that fails for two parties in a row is not well.
        """
        health.failed(M, "status 503", party="a")
        health.failed(M, "status 503", party="a")
        health.failed(M, "status 503", party="b")

        assert [may(health, party, M) for party in "abc"] == [False] * 3

    def test_a_success_of_another_begins_the_row_anew(self, health):
        """
        What two parties met is no row if it worked for one between; who cools goes on cooling.
        """
        for _ in range(3):
            health.failed(M, "timed out", party="a")
        health.succeeded([P, M])
        for _ in range(3):
            health.failed(M, "timed out", party="b")

        assert [may(health, party, M) for party in "abc"] == [False, False, True]

    def test_it_is_over_for_one_alone_as_for_all(self, health, clock):
        """
        After the cooldown one attempt of its own probes, and opens the place to it again.
        """
        for _ in range(3):
            health.failed(M, "timed out", party="a")
        clock.advance(10.0)

        assert [may(health, "a", M) for _ in range(2)] == [True, False]
        health.released([M], "a")
        assert may(health, "a", M)
        health.succeeded([M])
        assert [may(health, "a", M) for _ in range(2)] == [True, True]
        assert health.is_clean

    def test_who_breaks_a_probe_has_not_the_next_one(self, health, clock):
        """
        Nobody holds a place shut by breaking each probe of it.
        """
        for party in "aab":
            health.failed(M, "status 503", party=party)
        clock.advance(10.0)
        assert may(health, "a", M)
        health.failed(M, "status 503", party="a")
        clock.advance(20.0)

        assert [may(health, party, M) for party in "ab"] == [False, True]
        health.succeeded([M])
        assert [may(health, party, M) for party in "abc"] == [False, True, True]

    @pytest.mark.parametrize("told", [{"cools": True}, {"retry_after_s": 5.0}])
    def test_what_the_provider_says_goes_for_everybody(self, health, told):
        """
        A key that it refuses is refused to all, and a rest is a rest.
        """
        health.failed(K, "status 429", party="a", **told)

        assert [may(health, party, K) for party in "ab"] == [False, False]

    def test_a_rest_that_is_over_lets_nobody_back_in(self, health, clock):
        """
        Who is kept away alone stays away when the rest of all is over.
        """
        health.failed(K, "status 429", party="b", retry_after_s=2.0)
        for _ in range(3):
            health.failed(K, "status 403", party="a")
        clock.advance(2.0)

        assert [may(health, party, K) for party in "abb"] == [False, True, True]

    def test_is_listed(self, health):
        """
        An operator sees for whom a place is cooling.
        """
        for _ in range(3):
            health.failed(M, "timed out", party="team x")

        (row,) = health.listing()

        assert (row.place, row.state, row.party) == (M, "cooling", "team x")

    def test_parties_are_bounded(self, health):
        """
        As many as there may be, one place remembers so many.
        """
        for number in range(MAX_PARTIES + 5):
            health.failed(M, "timed out", party=str(number))

        assert len(health._records[M].alone) == MAX_PARTIES


def test_lists_who_is_not_well(health, clock):
    """
    An operator sees each place with its state, its time and the reason.
    """
    health.failed(M, "status 500")
    health.failed(K, "status 429", retry_after_s=4.0)
    health.failed(P, "did not connect", cools=True)
    clock.advance(3.0)

    found = {row.place: (row.state, row.left_s, row.why) for row in health.listing()}

    assert found == {
        M: ("counting", 0.0, "status 500"),
        K: ("cooling", 1.0, "status 429"),
        P: ("cooling", 7.0, "did not connect"),
    }


def test_lists_probes(health, clock):
    """
    Half open and probing are told apart.
    """
    health.failed(P, "did not connect", cools=True)
    clock.advance(10.0)
    states = [health.listing()[0].state]
    may_enter(health, P)
    states.append(health.listing()[0].state)

    assert states == ["half_open", "probing"]


def quarters(most: int) -> st.SearchStrategy[float]:
    """
    Make seconds whose sums are exact.
    """
    return st.integers(0, 4 * most).map(lambda number: number / 4)


class HealthMachine(RuleBasedStateMachine):
    """
    Random histories of one place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.health = Health(clock=lambda: self.time, cooldown_s=5.0)
        self.until = 0.0  # the longest deadline that a provider set

    @rule(seconds=quarters(20))
    def wait(self, seconds):
        self.time += seconds

    @rule(cools=st.booleans(), after=st.none() | quarters(2_000))
    def fail(self, cools, after):
        self.health.failed(P, "x", cools=cools, retry_after_s=after)
        if after is not None:
            self.until = max(self.until, self.time + min(after, MAX_RETRY_AFTER_S))

    @rule()
    def succeed(self):
        self.health.succeeded([P])

    @rule()
    def probe(self):
        waits = self.health.waits_for([P], self.time)
        entered = self.health.enter([P], self.time)
        assert (entered is not None) is (waits <= 0.0)
        if entered:
            assert self.health.enter([P], self.time) is None
            self.health.released(entered)

    @invariant()
    def a_deadline_is_kept(self):
        if self.time < self.until:
            assert self.health.waits_for([P], self.time) >= self.until - self.time

    @invariant()
    def nobody_is_given_up(self):
        longest = max(MAX_RETRY_AFTER_S, PROBE_LASTS_S)
        assert self.health.waits_for([P], self.time) <= longest


TestHistories = HealthMachine.TestCase


class TestTelling:
    @pytest.fixture
    def told(self, health) -> list[tuple]:
        """
        What is told from here on: place, state, party.
        """
        lines: list[tuple] = []
        health.tell = lambda one: lines.append((one.place, one.state, one.party))
        return lines

    def test_a_place_that_begins_to_cool_and_one_that_is_well_again(
        self, health, clock, told
    ):
        """
        Once each, however many failed at the same time.
        """
        for _ in range(6):
            health.failed(P, "status 503")
        assert told == [(P, "cooling", "")]
        clock.advance(11)
        health.enter([P], health.clock())

        health.succeeded([P])

        assert told == [(P, "cooling", ""), (P, "well", "")]

    def test_a_probe_that_fails_is_told_as_well(self, health, clock, told):
        """
        The place is left alone anew, and for longer.
        """
        for _ in range(3):
            health.failed(P, "status 503")
        clock.advance(11)
        health.enter([P], health.clock())

        health.failed(P, "status 503")

        assert told == [(P, "cooling", "")] * 2

    def test_a_place_that_one_party_leaves_alone_names_it(self, health, told):
        """
        The second party in the row makes it everybody's.
        """
        for party in ("team a", "team b"):
            for _ in range(3):
                health.failed(P, "status 503", party=party)

        assert told == [(P, "cooling", "team a"), (P, "cooling", "")]

    def test_failures_that_cool_nothing_are_not_told(self, health, told):
        """
        Neither that they are counted, nor that they are forgotten.
        """
        health.failed(P, "status 503")
        health.succeeded([P])

        assert told == []
