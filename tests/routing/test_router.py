from __future__ import annotations

import pytest

from gateway.errors import ConfigError, InvalidRequest
from gateway.routing.retries import Report

MODELS = {"fast": "a/gpt-5-mini"}


class TestCandidates:
    def test_are_those_of_the_request(self, make_router, make_request):
        """
        Model, operation and dialect of the request decide; its fallbacks follow.
        """
        router = make_router(models=MODELS)
        request = make_request(
            "openai_responses", model="fast", fallbacks=["c/claude-opus-4-5"]
        )

        targets = router.candidates(request).targets

        assert [(t.name, t.dialect) for t in targets] == [
            ("a/gpt-5-mini", "openai_responses"),
            ("c/claude-opus-4-5", "anthropic_messages"),
        ]
        assert "fallbacks" not in request.doc

    def test_a_model_that_nobody_has_leaves_the_fallbacks(
        self, make_router, make_request
    ):
        """
        The error is kept, for a plugin may know a target yet.
        """
        request = make_request(model="nobody-has-this", fallbacks=["fast"])

        found = make_router(models=MODELS).candidates(request)

        assert [target.is_fallback for target in found.targets] == [True]
        assert found.nobody.model == "nobody-has-this"

    def test_malformed_fallbacks_are_refused(self, make_router, make_request):
        """
        A mistake in the gateway's own field is told before anybody is asked.
        """
        request = make_request(model="fast", fallbacks="fast")

        with pytest.raises(InvalidRequest):
            make_router(models=MODELS).candidates(request)


class TestReload:
    def test_health_goes_on(self, make_router):
        """
        A provider that cools still cools after the settings were read again.
        """
        before = make_router(models=MODELS, retries=0)
        plan = before.plan(before.resolve("fast", "generate", "openai_chat"))
        plan.next()
        plan.report(Report(status=429, retry_after_s=60.0))

        after = make_router(models=MODELS, before=before)

        plan = after.plan(after.resolve("fast", "generate", "openai_chat"))
        assert plan.next() is None

    async def test_places_go_on(self, make_router):
        """
        Who holds a place at a provider holds it across a reload, under the new limit.
        """
        provider = {"type": "openai", "keys": {"k": "env.K"}}
        before = make_router({"a": {**provider, "max_parallel": 2}})
        async with before.admission("a"):
            after = make_router({"a": {**provider, "max_parallel": 1}}, before=before)

            assert after.admission("a") is before.admission("a")
            assert not after.admission("a").try_enter()
        assert after.admission("a").try_enter()

    def test_new_limits_hold_at_once(self, make_router):
        """
        Cooldown and retry budget are those of the last settings.
        """
        before = make_router(retry_budget=0.5, cooldown_s=7)

        after = make_router(before=before, retry_budget=0.2, failures_to_cool=9)

        assert after.budget("a") is before.budget("a")
        assert after.budget("a").share == 0.2
        assert (after.health.cooldown_s, after.health.failures_to_cool) == (10.0, 9)

    def test_a_bad_file_changes_nothing(self, make_router):
        """
        Settings that lead nowhere leave the running router as it was.
        """
        before = make_router(cooldown_s=7)

        with pytest.raises(ConfigError):
            make_router(
                {"a": {"type": "openai", "keys": {"k": "env.K"}, "models": ["x"]}},
                {"fast": "a/y"},
                before=before,
                cooldown_s=99,
            )

        assert before.health.cooldown_s == 7

    def test_exchanges_keep_the_snapshot_they_began_with(self, make_router):
        """
        A plan that is under way goes on with the providers it knows.
        """
        before = make_router(models={"m": {"targets": ["a/x"], "fallbacks": ["c/y"]}})
        plan = before.plan(before.resolve("m", "generate", "openai_chat"))
        plan.next()

        make_router({"z": {"type": "ollama"}}, before=before)
        plan.report(Report(status=503))

        assert plan.next().name == "c/y"


def test_each_provider_has_places_of_its_own(make_router):
    """
    A full provider leaves the others free.
    """
    provider = {"type": "openai", "keys": {"k": "env.K"}, "max_parallel": 1}
    router = make_router({"a": provider, "b": provider})

    assert router.admission("a").try_enter()
    assert not router.admission("a").try_enter()
    assert router.admission("b").try_enter()


def test_lists_names_with_their_providers(make_router):
    """
    What callers may name is told with who answers first.
    """
    names = dict(make_router(models=MODELS).names())

    assert names["fast"] == "a"
    assert names["c/claude-opus-4-5"] == "c"
