from __future__ import annotations

from collections import Counter
from timeit import repeat

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unavailable, UpstreamBusy, UpstreamError, UpstreamTimeout
from gateway.routing.plan import Plan
from gateway.routing.retries import Failure, Next, Report
from gateway.routing.targets import Target

OK = Report(status=200)
LIMITED = Report(status=429)
OVERLOADED = Report(status=503)
UNREACHABLE = Report(failure=Failure.CONNECT)

TWO = {"m": {"targets": ["a/x"], "fallbacks": ["c/y"]}}


def plan_of(router, model: str = "m") -> Plan:
    return router.plan(router.resolve(model, "generate", "openai_chat"))


def run(plan: Plan, *reports: Report) -> list[str]:
    """
    Drive *plan* as the relay does, with one report an attempt, the last one repeated.
    """
    asked = []
    while (target := plan.next()) is not None:
        asked.append(str(target))
        report = reports[min(len(asked), len(reports)) - 1]
        if plan.report(report).next is Next.NOWHERE:
            break
    plan.close()
    return asked


class TestFailover:
    def test_a_success_is_the_end(self, make_router):
        """
        The first target answers and nobody else is asked.
        """
        plan = plan_of(make_router(models=TWO))

        assert run(plan, OK) == ["a/x (only)"]
        assert plan.next() is None
        assert plan.lines == []

    @pytest.mark.parametrize(
        "report",
        [
            OVERLOADED,
            LIMITED,
            UNREACHABLE,
            Report(status=401),
            Report(status=404),
            Report(failure=Failure.STALL),
            Report(failure=Failure.BROKEN),
            Report(failure=Failure.UNREADABLE),
            Report(failure=Failure.BUSY),
            Report(failure=Failure.REFUSED),
        ],
        ids=str,
    )
    def test_the_next_target_is_tried_at_once(self, make_router, report):
        """
        Whatever keeps one target from answering, the next is asked without a wait.
        """
        plan = plan_of(make_router(models=TWO, retries=0))

        assert run(plan, report, OK) == ["a/x (only)", "c/y (only)"]
        assert plan.wait_s == 0.0

    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_what_concerns_the_request_is_final(self, make_router, status):
        """
        A request that one provider calls wrong is not sent to another.
        """
        plan = plan_of(make_router(models=TWO))

        assert run(plan, Report(status=status)) == ["a/x (only)"]

    def test_every_target_is_tried_without_any_retry(self, make_router):
        """
        Going through the list is no retry: neither number nor budget bounds it.
        """
        models = {
            "m": {"targets": ["a/1"], "fallbacks": [f"a/{n}" for n in range(2, 8)]}
        }
        router = make_router(models=models, retries=0, retry_budget=0)

        assert len(run(plan_of(router), OVERLOADED)) == 7

    def test_nobody_is_asked_after_the_caller_left(self, make_router):
        """
        An exchange that was abandoned asks nobody else.
        """
        plan = plan_of(make_router(models=TWO))

        assert run(plan, Report(failure=Failure.LEFT)) == ["a/x (only)"]

    def test_nobody_is_asked_after_the_answer_broke_off(self, make_router):
        """
        After the first byte a break is final, and counts against the target.
        """
        router = make_router(models=TWO, failures_to_cool=1)
        plan = plan_of(router)
        plan.next()
        plan.report(OK)

        plan.report(Report(failure=Failure.CUT))

        assert plan.next() is None
        assert [row.place for row in router.health.listing()] == [("a", None, "x")]

    def test_a_target_of_no_provider_is_passed_over(self, make_router):
        """
        What a plugin adds to the list must exist to be tried.
        """
        router = make_router(models=TWO)
        ghost = Target(provider="gone", model="x", dialect="openai_chat")
        plan = router.plan([ghost, *router.resolve("m", "generate", "openai_chat")])

        assert run(plan, OK) == ["a/x (only)"]
        assert plan.lines == ["gone/x: no such provider"]


class TestRetries:
    MODELS = {"m": "a/x"}

    @pytest.mark.parametrize("retries", [0, 1, 2, 5])
    def test_are_bounded(self, make_router, retries):
        """
        A failing target is tried once, and as often again as the settings say.
        """
        router = make_router(
            models=self.MODELS, retries=retries, retry_budget=1, failures_to_cool=99
        )

        assert len(run(plan_of(router), OVERLOADED)) == 1 + retries

    def test_wait_longer_each_time(self, make_router):
        """
        The waits before retries double, within their jitter.
        """
        router = make_router(models=self.MODELS, retries=3, retry_budget=1)
        plan = plan_of(router)
        waits = []
        while plan.next() is not None:
            waits.append(plan.wait_s)
            plan.report(UNREACHABLE)

        assert waits[0] == 0.0
        assert 0.25 <= waits[1] <= 0.5 <= waits[2] <= 1.0 <= waits[3] <= 2.0

    def test_go_round_the_targets(self, make_router):
        """
        After all targets failed the one that failed longest ago is tried again first.
        """
        router = make_router(models=TWO, retries=3, retry_budget=1)

        asked = run(plan_of(router), OVERLOADED)

        assert asked == ["a/x (only)", "c/y (only)"] * 2 + ["a/x (only)"]

    @pytest.mark.parametrize(
        "report",
        [Report(status=404), Report(status=401), Report(failure=Failure.REFUSED)],
        ids=str,
    )
    def test_some_failures_do_not_pass(self, make_router, report):
        """
        A target without the model, the only key or the permission is not tried again.
        """
        router = make_router(models=self.MODELS, retries=5, retry_budget=1)

        assert len(run(plan_of(router), report)) == 1

    def test_honour_retry_after(self, make_router, clock):
        """
        A provider that asks for two seconds gets them, and is tried then.
        """
        router = make_router(models=self.MODELS, retries=1)
        plan = plan_of(router)
        plan.next()
        plan.report(Report(status=429, retry_after_s=2.0))

        assert plan.next() is not None
        assert plan.wait_s == 2.0

    def test_a_long_rest_is_the_callers_to_wait_for(self, make_router):
        """
        Where the provider asks for longer than the longest wait the caller hears it.
        """
        router = make_router(models=self.MODELS, retries=5)
        plan = plan_of(router)
        plan.next()
        plan.report(Report(status=429, retry_after_s=30.0))

        assert plan.next() is None
        assert plan.failure().retry_after_s == 30.0

    def test_stay_within_the_budget(self, make_router):
        """
        Over many failing exchanges a provider gets a share of retries and no more.
        """
        router = make_router(
            models=self.MODELS, retries=2, retry_budget=0.1, failures_to_cool=10_000
        )

        asked = sum(len(run(plan_of(router), OVERLOADED)) for _ in range(200))

        assert 200 + 20 <= asked <= 200 + 20 + router.budget("a").free
        assert "retry budget" in " ".join(last_lines(router))

    def test_no_budget_is_no_retry(self, make_router):
        """
        With a share of 0 every exchange has one attempt a target.
        """
        router = make_router(models=self.MODELS, retries=5, retry_budget=0)

        assert len(run(plan_of(router), OVERLOADED)) == 1


def last_lines(router) -> list[str]:
    plan = plan_of(router)
    run(plan, OVERLOADED)
    return plan.lines


class TestDeadline:
    def test_ends_all_attempts(self, make_router, clock):
        """
        When the time for the exchange is over nobody else is asked.
        """
        router = make_router(models=TWO, total_s=10)
        plan = plan_of(router)
        plan.next()
        clock.advance(4.0)
        assert plan.left_s == 6.0
        clock.advance(6.0)
        plan.report(OVERLOADED)

        assert plan.next() is None
        assert "no time is left" in plan.lines[-1]
        assert isinstance(plan.failure(), UpstreamError)

    def test_a_wait_beyond_it_is_not_begun(self, make_router, clock):
        """
        Who could only be tried too late is not waited for.
        """
        router = make_router(models={"m": "a/x"}, total_s=10)
        plan = plan_of(router)
        plan.next()
        clock.advance(9.8)
        plan.report(OVERLOADED)

        assert plan.next() is None

    def test_before_the_first_attempt_it_is_a_timeout(self, make_router, clock):
        """
        An exchange whose time was used up by plugins has timed out.
        """
        router = make_router(models=TWO, total_s=10)
        plan = plan_of(router)
        clock.advance(10.0)

        assert plan.next() is None
        assert isinstance(plan.failure(), UpstreamTimeout)


class TestKeys:
    MODELS = {"m": "b/x"}

    def test_are_chosen_by_weight(self, make_router):
        """
        Keys share the requests as their weights say.
        """
        router = make_router(models=self.MODELS, seed=9)

        chosen = Counter(plan_of(router).next().key for _ in range(4_000))

        assert chosen["one"] == pytest.approx(3_000, rel=0.05)

    @pytest.mark.parametrize("status", [401, 402, 403, 429])
    def test_another_is_tried_at_once(self, make_router, status):
        """
        A key that was refused or limited is changed without a wait.
        """
        router = make_router(models=self.MODELS, seed=2)
        plan = plan_of(router)
        first = plan.next()
        plan.report(Report(status=status))

        second = plan.next()

        assert {first.key, second.key} == {"one", "two"}
        assert plan.wait_s == 0.0

    def test_no_key_is_tried_twice_before_the_others(self, make_router):
        """
        When all keys were refused the exchange goes elsewhere, or ends.
        """
        router = make_router(models=self.MODELS, retries=5, retry_budget=1)

        asked = run(plan_of(router), Report(status=401))

        assert sorted(asked) == ["b/x (one)", "b/x (two)"]

    def test_limited_keys_are_tried_again_after_a_wait(self, make_router):
        """
        Where every key is limited the round begins again after the backoff.
        """
        router = make_router(models=self.MODELS, retries=3, retry_budget=1)
        plan = plan_of(router)
        keys, waits = [], []
        while (target := plan.next()) is not None:
            keys.append(target.key)
            waits.append(plan.wait_s > 0)
            plan.report(LIMITED)

        assert waits == [False, False, True, False]
        assert len(set(keys[:2])) == len(set(keys[2:])) == 2

    def test_a_server_error_keeps_the_choice_open(self, make_router):
        """
        A failure that is not the key's says nothing against the key.
        """
        router = make_router(models=self.MODELS)
        plan_of_one = plan_of(router)
        plan_of_one.next()
        plan_of_one.report(OVERLOADED)

        places = [row.place for row in router.health.listing()]

        assert places == [("b", None, "x")]

    def test_models_of_keys_are_honoured(self, make_router):
        """
        A key is used for the models of its list; where none is left nobody is asked.
        """
        providers = {
            "b": {
                "type": "openai",
                "keys": {
                    "one": {"secret": "env.A", "models": ["gpt-*"]},
                    "two": {"secret": "env.B", "models": ["gpt-5", "o*"]},
                },
            }
        }
        router = make_router(providers)

        assert run(plan_of(router, "b/o3"), LIMITED)[0] == "b/o3 (two)"
        assert run(plan_of(router, "b/gpt-4o"), LIMITED)[0] == "b/gpt-4o (one)"
        plan = plan_of(router, "b/llama")
        assert plan.next() is None
        assert isinstance(plan.failure(), Unavailable)
        assert "no credential" in str(plan.failure())

    def test_a_pinned_key_is_kept(self, make_router):
        """
        A plugin that pins a target to a key gets that key or none.
        """
        router = make_router(models=self.MODELS, retries=3, retry_budget=1)
        (target,) = router.resolve("m", "generate", "openai_chat")
        pinned = attrs.evolve(target, key="two")

        asked = run(router.plan([pinned]), Report(status=401))

        assert asked == ["b/x (two)"]
        assert run(router.plan([attrs.evolve(target, key="gone")]), OK) == []

    def test_callers_credentials_are_the_callers_affair(self, make_router):
        """
        With auth: caller a refused or limited credential is no one's fault here.
        """
        router = make_router({"a": {"type": "openai", "auth": "caller"}}, {"m": "a/x"})

        for status in (401, 402, 403, 429):
            plan = plan_of(router)
            assert run(plan, Report(status=status, retry_after_s=60.0)) == ["a/x"]
        assert router.health.is_clean


class TestHealth:
    def test_a_target_that_cools_is_passed_over(self, make_router):
        """
        After failures in a row the next exchange goes straight to the fallback.
        """
        router = make_router(models=TWO, retries=0, failures_to_cool=3)
        for _ in range(3):
            run(plan_of(router), UNREACHABLE, OK)

        plan = plan_of(router)

        assert run(plan, OK) == ["c/y (only)"]
        assert plan.lines == ["a/x: is cooling down"]

    def test_one_exchange_alone_makes_nobody_cool(self, make_router):
        """
        A prompt that breaks a model counts once, however often it is retried.
        """
        router = make_router(
            models={"m": "a/x"}, retries=5, retry_budget=1, failures_to_cool=3
        )

        run(plan_of(router), OVERLOADED)

        assert [row.state for row in router.health.listing()] == ["counting"]

    def test_a_probe_brings_the_target_back(self, make_router, clock):
        """
        After the cooldown one exchange tries the target; its success opens it for all.
        """
        router = make_router(models=TWO, retries=0, failures_to_cool=1, cooldown_s=10)
        run(plan_of(router), UNREACHABLE, OK)
        clock.advance(10.0)

        probing = plan_of(router)
        assert probing.next().name == "a/x"
        assert plan_of(router).next().name == "c/y"
        probing.report(OK)

        assert plan_of(router).next().name == "a/x"

    def test_a_probe_that_fails_goes_on_to_the_fallback(self, make_router, clock):
        """
        The exchange that probed in vain is answered all the same.
        """
        router = make_router(models=TWO, retries=0, failures_to_cool=1, cooldown_s=10)
        run(plan_of(router), UNREACHABLE, OK)
        clock.advance(10.0)

        assert run(plan_of(router), UNREACHABLE, OK) == ["a/x (only)", "c/y (only)"]
        clock.advance(10.0)
        assert run(plan_of(router), OK) == ["c/y (only)"]

    @pytest.mark.parametrize("ends", ["close", "next"])
    def test_a_probe_without_report_is_given_back(self, make_router, clock, ends):
        """
        An exchange that ends before its attempt lets another one probe.
        """
        router = make_router(models=TWO, retries=0, failures_to_cool=1, cooldown_s=10)
        run(plan_of(router), UNREACHABLE, OK)
        clock.advance(10.0)
        plan = plan_of(router)
        plan.next()

        getattr(plan, ends)()

        assert plan_of(router).next().name == "a/x"

    def test_a_refused_probe_is_given_back(self, make_router, clock):
        """
        A plugin that refuses the target says nothing of its health.
        """
        router = make_router(models=TWO, retries=0, failures_to_cool=1, cooldown_s=10)
        run(plan_of(router), UNREACHABLE, OK)
        clock.advance(10.0)

        run(plan_of(router), Report(failure=Failure.REFUSED), OK)

        assert plan_of(router).next().name == "a/x"

    def test_a_limited_model_leaves_the_others_alone(self, make_router):
        """
        A rate limit of one model with one key is not one of all its models.
        """
        router = make_router(retries=0)

        run(plan_of(router, "a/x"), Report(status=429, retry_after_s=60.0))

        assert run(plan_of(router, "a/x"), OK) == []
        assert run(plan_of(router, "a/z"), OK) == ["a/z (only)"]

    def test_a_refused_key_rests_for_all_models(self, make_router):
        """
        A key that the provider does not know is no better for another model.
        """
        router = make_router(retries=0)

        run(plan_of(router, "a/x"), Report(status=401))

        assert run(plan_of(router, "a/z"), OK) == []

    @pytest.mark.parametrize("status", [400, 403, 429])
    def test_any_answer_shows_that_the_provider_is_there(self, make_router, status):
        """
        Connections that fail now and then, with answers between them, are no row.
        """
        router = make_router(models={"m": "a/x"}, retries=0, failures_to_cool=3)

        for _ in range(4):
            run(plan_of(router), UNREACHABLE)
            run(plan_of(router), UNREACHABLE)
            run(plan_of(router), Report(status=status))
            router.health.succeeded([("a", "only"), ("a", "only", "x")])

        assert run(plan_of(router), OK) == ["a/x (only)"]

    def test_a_server_error_does_not_show_it(self, make_router):
        """
        A proxy that answers 502 for a provider that is gone proves nothing.
        """
        router = make_router(models={"m": "a/x"}, retries=0, failures_to_cool=3)
        for report in (UNREACHABLE, UNREACHABLE, Report(status=502), UNREACHABLE):
            run(plan_of(router), report)

        assert run(plan_of(router), OK) == []

    def test_the_last_moment_of_a_rest_is_kept(self, make_router, clock):
        """
        A target is passed over until the very end of its cooldown.
        """
        router = make_router(models=TWO, retries=0, failures_to_cool=1, cooldown_s=10)
        run(plan_of(router), UNREACHABLE, OK)

        clock.advance(9.5)

        assert run(plan_of(router), OK) == ["c/y (only)"]

    def test_nobody_healthy_is_told_with_a_time(self, make_router, clock):
        """
        Where every target cools the caller hears 503, and when to come back.
        """
        router = make_router(models=TWO, retries=0)
        run(
            plan_of(router),
            Report(status=429, retry_after_s=9.0),
            Report(status=429, retry_after_s=20.0),
        )
        plan = plan_of(router)

        assert plan.next() is None
        error = plan.failure()
        assert isinstance(error, UpstreamBusy)
        assert error.retry_after_s == 9.0
        assert error.attempts == ("a/x: is cooling down", "c/y: is cooling down")


class TestFailure:
    def test_lists_the_attempts_without_keys(self, make_router):
        """
        The caller sees who was asked and what came of it, and no name of a credential.
        """
        plan = plan_of(make_router(models=TWO, retries=0))
        run(plan, Report(status=401), UNREACHABLE)

        error = plan.failure()

        assert error.attempts == ("a/x: status 401", "c/y: did not connect")
        assert "only" not in str(error)

    def test_tells_of_upstream_rather_than_of_us(self, make_router):
        """
        A failure upstream outweighs a refusal and a full queue that came after it.
        """
        models = {"m": {"targets": ["a/1"], "fallbacks": ["a/2", "a/3"]}}
        plan = plan_of(make_router(models=models, retries=0))
        run(
            plan,
            OVERLOADED,
            Report(failure=Failure.BUSY),
            Report(failure=Failure.REFUSED),
        )

        assert plan.failure().upstream_status == 503

    @pytest.mark.parametrize(
        ("report", "kind"),
        [
            (Report(failure=Failure.STALL), UpstreamTimeout),
            (Report(failure=Failure.BUSY), UpstreamBusy),
            (OVERLOADED, UpstreamError),
        ],
        ids=["stall", "busy", "status"],
    )
    def test_has_the_kind_of_its_cause(self, make_router, report, kind):
        """
        Timeouts, full queues and failures have statuses of their own.
        """
        plan = plan_of(make_router(models={"m": "a/x"}, retries=0))
        run(plan, report)

        assert type(plan.failure()) is kind

    def test_an_empty_list_is_unavailable(self, make_router):
        """
        A plugin that took every target away leaves 503.
        """
        plan = make_router().plan([])

        assert plan.next() is None
        assert isinstance(plan.failure(), Unavailable)

    def test_a_report_needs_an_attempt(self, make_router):
        """
        Reporting before asking is a mistake of the caller's code.
        """
        with pytest.raises(RuntimeError, match="next"):
            plan_of(make_router(models=TWO)).report(OK)


class TestPreview:
    def test_shows_every_target_and_counts_nothing(self, make_router, clock):
        """
        A dry run sees keys and health, and leaves both as they were.
        """
        router = make_router(models=TWO, failures_to_cool=1, cooldown_s=10, retries=0)
        run(plan_of(router), UNREACHABLE, OK)
        clock.advance(4.0)

        shown = [(str(t), said) for t, said in plan_of(router).preview()]
        clock.advance(6.0)
        for _ in range(2):
            plan_of(router).preview()

        assert shown == [
            ("a/x (only)", "cooling down 6 s"),
            ("c/y (only)", "healthy"),
        ]
        assert plan_of(router).next().name == "a/x"  # the probe is still to be had


REPORTS = st.one_of(
    st.builds(
        Report,
        status=st.sampled_from([200, 400, 401, 402, 403, 404, 408, 429, 500, 503, 529]),
        retry_after_s=st.none() | st.floats(0.0, 40.0),
        code=st.none() | st.just("insufficient_quota"),
    ),
    st.builds(Report, failure=st.sampled_from(list(Failure))),
)


@given(
    script=st.lists(st.lists(REPORTS, max_size=12), max_size=15),
    pauses=st.lists(st.floats(0.0, 15.0), min_size=15, max_size=15),
    retries=st.integers(0, 4),
)
def test_whatever_happens_attempts_are_bounded(script, pauses, retries):
    """
    Over random histories attempts and waits stay in their bounds, and no probe is lost.
    """
    router, clock = fresh(retries)
    for reports, pause in zip(script, pauses, strict=False):
        clock.advance(pause)
        plan = plan_of(router)
        attempts = 0
        for report in reports:
            target = plan.next()
            if target is None:
                break
            attempts += 1
            assert 0.0 <= plan.wait_s <= router.settings.backoff_max_s
            assert clock.monotonic() + plan.wait_s < plan.deadline
            assert target.key in router.providers[target.provider].key_names
            clock.advance(plan.wait_s)
            plan.report(report)
        plan.close()
        assert attempts <= 3 + retries
        assert plan.retries <= retries
        assert not any(row.state == "probing" for row in router.health.listing())
        assert not plan.failure().message.startswith("Traceback")


def fresh(retries: int):
    """
    Make a router and its clock, outside fixtures, which Hypothesis does not renew.
    """
    from random import Random

    from gateway.catalog import Catalog
    from gateway.dialects import core_dialects
    from gateway.providers.configured import make_providers
    from gateway.routing.router import Router
    from gateway.settings.load import settings_from_dict

    class Clock:
        time = 0.0

        def monotonic(self) -> float:
            return self.time

        def now(self) -> float:
            return self.time

        def advance(self, seconds: float) -> None:
            self.time += seconds

    keys = {"one": "env.A", "two": "env.B"}
    settings = settings_from_dict(
        {
            "providers": {
                "a": {"type": "openai", "keys": keys},
                "c": {"type": "anthropic", "keys": {"only": "env.C"}},
            },
            "models": {"m": {"targets": ["a/x", "a/y"], "fallbacks": ["c/z"]}},
            "routing": {"retries": retries, "retry_budget": 1, "total_s": 30},
        }
    )
    clock = Clock()
    dialects = {dialect.name: dialect for dialect in core_dialects()}
    router = Router(
        settings,
        make_providers(settings, dialects),
        Catalog(),
        clock=clock,
        random=Random(4),
    )
    return router, clock


@pytest.mark.deep
def test_a_plan_costs_little(make_router):
    """
    From an alias to its one target, and the report of its success: below 30 us.
    """
    router = make_router(models={"m": "a/x"})

    def exchange() -> None:
        plan = plan_of(router)
        plan.next()
        plan.report(OK)
        plan.close()

    assert min(repeat(exchange, number=1_000, repeat=5)) / 1_000 < 30e-6
