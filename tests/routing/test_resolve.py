from __future__ import annotations

from collections import Counter
from random import Random
from timeit import repeat

import pytest

from gateway.catalog import Catalog, ModelFacts
from gateway.errors import ModelNotFound, UnsupportedOperation
from gateway.routing import resolve as module
from gateway.routing.targets import Target

GEN = ("generate", "openai_chat")


def names(targets: tuple[Target, ...]) -> list[str]:
    return [target.name for target in targets]


class TestNames:
    def test_an_alias_leads_to_its_target(self, make_router):
        """
        A plain name leads where the settings say.
        """
        router = make_router(models={"fast": "a/gpt-5-mini"})

        (target,) = router.resolve("fast", *GEN)

        assert target == Target(
            provider="a",
            model="gpt-5-mini",
            dialect="openai_chat",
            key="only",
            source="models.fast.targets[0]",
            asked="fast",
        )

    def test_a_star_carries_what_it_matched(self, make_router):
        """
        One line serves a whole family of names.
        """
        router = make_router(models={"claude-*": "c/claude-*", "x-*": "a/gpt-5"})

        assert names(router.resolve("claude-opus-4-5", *GEN)) == ["c/claude-opus-4-5"]
        assert names(router.resolve("x-anything", *GEN)) == ["a/gpt-5"]

    def test_a_star_may_catch_nothing(self, make_router):
        """
        A star that matched nothing leaves the rest of the target's name.
        """
        router = make_router(models={"gpt*": "a/gpt*", "*": "c/*"})

        assert names(router.resolve("gpt", *GEN)) == ["a/gpt"]

    def test_an_empty_model_is_none(self, make_router):
        """
        A target whose name would be empty is no target.
        """
        router = make_router(models={"c-*": "c/*"})

        with pytest.raises(ModelNotFound):
            router.resolve("c-", *GEN)

    @pytest.mark.parametrize("end", ["\0", "\r\nx: y", " ", "\t", "\u00a0", "\ud800"])
    def test_what_no_header_can_carry_is_no_name(self, make_router, end):
        """
        Nor what a vendor may cut off: a list that blocks a model would not know it again.
        """
        router = make_router(models={"gpt-*": "a/gpt-*", "c-*": "c/*"})

        for name in (f"gpt-5{end}", f"a/gpt-5{end}", f"c-x{end}"):
            with pytest.raises(ModelNotFound):
                router.resolve(name, *GEN)
        assert router.offers(f"gpt-5{end}", *GEN) == ()

    def test_settings_outweigh_providers(self, make_router):
        """
        A name of the settings that looks like provider/model is the settings' name.
        """
        router = make_router(models={"a/gpt-5": "c/claude-opus-4-5"})

        assert names(router.resolve("a/gpt-5", *GEN)) == ["c/claude-opus-4-5"]

    def test_provider_and_model_may_be_asked_for(self, make_router):
        """
        What stands before the first slash is the provider, the rest is the model.
        """
        router = make_router()

        (target,) = router.resolve("a/org/some-model", *GEN)

        assert (target.provider, target.model) == ("a", "org/some-model")
        assert target.source == "asked"

    def test_a_provider_may_offer_some_models_only(self, make_router):
        """
        What the settings do not list for a provider cannot be had by any name.
        """
        router = make_router(
            {"a": {"type": "openai", "keys": {"k": "env.K"}, "models": ["gpt-5*"]}},
            {"any-*": "a/*"},
        )

        assert names(router.resolve("a/gpt-5-mini", *GEN)) == ["a/gpt-5-mini"]
        assert names(router.resolve("any-gpt-5", *GEN)) == ["a/gpt-5"]
        for asked in ("a/gpt-4o", "any-gpt-4o"):
            with pytest.raises(ModelNotFound):
                router.resolve(asked, *GEN)


class TestBareNames:
    OPENAI = {"type": "openai", "keys": {"k": "env.K"}}
    ANTHROPIC = {"type": "anthropic", "keys": {"k": "env.K"}}

    def test_the_catalog_knows_who_has_it(self, make_router):
        """
        A name that one vendor has, among the configured ones, needs no provider.
        """
        router = make_router({"one": self.OPENAI, "two": self.ANTHROPIC})

        (target,) = router.resolve("claude-sonnet-4-5-20250929", *GEN)

        assert target.name == "two/claude-sonnet-4-5-20250929"
        assert target.source == "catalog"

    def test_who_names_it_is_preferred(self, make_router):
        """
        A provider whose settings list the name has it, whatever the catalog says.
        """
        router = make_router(
            {"one": self.OPENAI, "two": {**self.OPENAI, "models": ["gpt-5", "*"]}}
        )

        (target,) = router.resolve("gpt-5", *GEN)

        assert (target.provider, target.source) == ("two", "providers")

    def test_two_are_one_too_many(self, make_router):
        """
        Where two providers have it the caller is told how to ask for either.
        """
        router = make_router({"one": self.OPENAI, "two": self.OPENAI})

        with pytest.raises(ModelNotFound, match='"one/gpt-5", "two/gpt-5"'):
            router.resolve("gpt-5", *GEN)

    def test_nobody_else_is_guessed(self, make_router):
        """
        A model that the catalog knows at a vendor who is not configured is not here.
        """
        router = make_router({"two": self.ANTHROPIC})

        with pytest.raises(ModelNotFound):
            router.resolve("gpt-5", *GEN)

    def test_a_prefix_that_is_no_provider_is_part_of_the_name(self, make_router):
        """
        Names of open models have slashes of their own.
        """
        groq = {"type": "groq", "keys": {"k": "env.K"}}
        router = make_router({"fast": groq})

        (target,) = router.resolve("openai/gpt-oss-120b", *GEN)

        assert (target.provider, target.model) == ("fast", "openai/gpt-oss-120b")


class TestChecking:
    """
    Whether a name can be asked, for who names it long before.
    """

    @pytest.mark.parametrize("name", ["fast", "a/gpt-5", "a/unheard", "shared"])
    def test_what_somebody_has_is_fine(self, make_router, name):
        """
        A name of the settings, a provider's, and one of which a plugin may choose who has it.
        """
        router = make_router(
            models={"fast": "a/gpt-5"},
            providers={
                name: {"type": "openai", "auth": "none", "models": models}
                for name, models in {
                    "a": ["gpt-5", "unheard", "shared"],
                    "b": ["shared"],
                }.items()
            },
        )

        router.check_model(name)

    def test_what_nobody_has_is_told(self, make_router):
        """
        As who asks for it is told.
        """
        with pytest.raises(ModelNotFound, match="Did you mean"):
            make_router(models={"guard": "a/gpt-5"}).check_model("guarrd")


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("asked", "near"),
        [("fsat", '"fast"'), ("gpt-5-mni", '"gpt-5-mini"'), ("a/gpt5", '"a/gpt-5"')],
    )
    def test_near_names_are_told(self, make_router, asked, near):
        """
        A slip is answered with the names that were probably meant.
        """
        router = make_router(
            {
                "a": {
                    "type": "openai",
                    "keys": {"k": "env.K"},
                    "models": ["gpt-5", "gpt-5-mini"],
                }
            },
            {"fast": "a/gpt-5"},
        )

        with pytest.raises(ModelNotFound, match=near) as caught:
            router.resolve(asked, *GEN)

        assert caught.value.status == 404
        assert caught.value.model == asked

    def test_a_name_like_no_other_has_no_hint(self, make_router):
        """
        Where nothing is near nothing is suggested.
        """
        with pytest.raises(ModelNotFound) as caught:
            make_router().resolve("qqqqqqqqqqqq", *GEN)

        assert "Did you mean" not in str(caught.value)

    def test_long_names_are_cut(self, make_router):
        """
        An error is no mirror for whatever a caller sends.
        """
        with pytest.raises(ModelNotFound) as caught:
            make_router().resolve("x" * 512, *GEN)

        assert len(str(caught.value)) < 300


class TestOperations:
    def test_the_callers_dialect_is_spoken_where_it_can_be(self, make_router):
        """
        A provider that speaks the caller's dialect is spoken with in it.
        """
        router = make_router(models={"m": "a/gpt-5"})

        spoken = [
            router.resolve("m", "generate", dialect)[0].dialect
            for dialect in ("openai_chat", "openai_responses", "anthropic_messages")
        ]

        assert spoken == ["openai_chat", "openai_responses", "openai_chat"]

    def test_a_model_may_be_had_in_one_dialect_only(self, make_router):
        """
        What a vendor serves by one of its dialects alone is asked for in that one.
        """
        router = make_router(models={"m": "a/gpt-5-pro"})

        (target,) = router.resolve("m", *GEN)

        assert target.dialect == "openai_responses"

    def test_targets_that_lack_the_operation_are_left_out(self, make_router):
        """
        Of several targets those are tried that offer what is asked.
        """
        router = make_router(
            models={"m": {"targets": ["c/claude"], "fallbacks": ["a/text-embedding"]}}
        )

        targets = router.resolve("m", "embed", "openai_embeddings")

        assert names(targets) == ["a/text-embedding"]

    @pytest.mark.parametrize(
        ("model", "operation", "dialect"),
        [
            ("c/claude-opus-4-5", "embed", "openai_embeddings"),
            ("a/gpt-5", "count_tokens", "anthropic_messages"),
            ("a/text-embedding-3-small", "generate", "openai_chat"),
        ],
    )
    def test_an_operation_that_nobody_offers_is_told(
        self, make_router, model, operation, dialect
    ):
        """
        A model that is here, but not for this, is 501 and not 404.
        """
        with pytest.raises(UnsupportedOperation) as caught:
            make_router().resolve(model, operation, dialect)

        assert caught.value.status == 501


class TestOrder:
    MODELS = {
        "smart": {
            "targets": [
                {"model": "a/one", "weight": 1},
                {"model": "a/six", "weight": 6},
                {"model": "a/none", "weight": 0},
                {"model": "a/three", "weight": 3},
            ],
            "fallbacks": ["c/first", "a/second"],
        }
    }

    def test_weights_pick_the_first(self, make_router):
        """
        Over many requests each target is first as often as its weight says.
        """
        router = make_router(models=self.MODELS, seed=42)

        first = Counter(router.resolve("smart", *GEN)[0].model for _ in range(10_000))

        assert set(first) == {"one", "six", "three"}
        assert first["one"] == pytest.approx(1_000, rel=0.1)
        assert first["six"] == pytest.approx(6_000, rel=0.05)
        assert first["three"] == pytest.approx(3_000, rel=0.1)

    def test_the_rest_follows_by_weight_and_then_the_fallbacks(self, make_router):
        """
        Behind the first come the others by weight, 0 last, then the fallbacks.
        """
        router = make_router(models=self.MODELS)
        by_weight = ["six", "three", "one", "none"]

        for _ in range(50):
            first, *rest = [target.model for target in router.resolve("smart", *GEN)]
            by_chance = [model for model in by_weight if model != first]
            assert rest == [*by_chance, "first", "second"]

    def test_the_same_seed_chooses_the_same(self, make_router):
        """
        A test that seeds the router sees the same order again.
        """
        orders = [
            [
                names(make_router(models=self.MODELS, seed=5).resolve("smart", *GEN))
                for _ in range(3)
            ]
            for _ in range(2)
        ]

        assert orders[0] == orders[1]

    def test_without_weights_the_file_decides(self, make_router):
        """
        Where every weight is 0 the targets are tried in the order of the file.
        """
        router = make_router(
            models={
                "m": {
                    "targets": [
                        {"model": "a/x", "weight": 0},
                        {"model": "a/y", "weight": 0},
                    ],
                    "fallbacks": ["a/z"],
                }
            }
        )

        orders = {tuple(names(router.resolve("m", *GEN))) for _ in range(20)}

        assert orders == {("a/x", "a/y", "a/z")}

    def test_fallbacks_say_that_they_are(self, make_router):
        """
        Plugins can tell a declared fallback from a first choice.
        """
        targets = make_router(models=self.MODELS).resolve("smart", *GEN)

        assert [t.is_fallback for t in targets] == [False] * 4 + [True] * 2
        assert targets[-1].source == "models.smart.fallbacks[1]"


class TestRequestFallbacks:
    MODELS = {
        "fast": "a/gpt-5-mini",
        "smart": {"targets": ["c/claude"], "fallbacks": ["b/gpt-5"]},
    }

    def test_come_last_in_their_order(self, make_router):
        """
        The request's own fallbacks follow those of the settings; names lead to targets.
        """
        router = make_router(models=self.MODELS)

        targets = router.resolve("smart", *GEN, fallbacks=["a/x", "fast"])

        assert names(targets) == ["c/claude", "b/gpt-5", "a/x", "a/gpt-5-mini"]
        assert [t.source for t in targets[2:]] == [
            "request.fallbacks[0]",
            "request.fallbacks[1]",
        ]
        assert all(t.is_fallback and t.weight == 0 for t in targets[2:])

    def test_no_target_comes_twice(self, make_router):
        """
        A fallback that is a target already is not tried again.
        """
        router = make_router(models=self.MODELS)

        targets = router.resolve(
            "smart", *GEN, fallbacks=["smart", "c/claude", "b/gpt-5", "a/x", "a/x"]
        )

        assert names(targets) == ["c/claude", "b/gpt-5", "a/x"]

    def test_an_unknown_one_is_told(self, make_router):
        """
        A typing error in a fallback is not found on the day when it is needed.
        """
        with pytest.raises(ModelNotFound, match="nowhere"):
            make_router(models=self.MODELS).resolve("fast", *GEN, fallbacks=["nowhere"])

    def test_leave_no_trace(self, make_router):
        """
        What one request asks for changes nothing for the next.
        """
        router = make_router(models=self.MODELS)
        router.resolve("fast", *GEN, fallbacks=["a/x"])

        assert names(router.resolve("fast", *GEN)) == ["a/gpt-5-mini"]


class TestKeys:
    @pytest.mark.parametrize(
        ("asked", "key"),
        [("a/x", "only"), ("b/x", None), ("d/x", None), ("e/gpt-5", "k2")],
    )
    def test_the_only_key_is_known_at_once(self, make_router, asked, key):
        """
        A target has its key where there is no choice, and none while there is one.
        """
        providers = {
            "a": {"type": "openai", "keys": {"only": "env.A"}},
            "b": {"type": "openai", "keys": {"one": "env.A", "two": "env.B"}},
            "d": {"type": "openai", "auth": "caller"},
            "e": {
                "type": "openai",
                "keys": {
                    "k1": {"secret": "env.A", "models": ["o3"]},
                    "k2": {"secret": "env.B", "models": ["gpt-*"]},
                    "k3": {"secret": "env.C", "weight": 0},
                },
            },
        }

        (target,) = make_router(providers).resolve(asked, *GEN)

        assert target.key == key


class TestMemory:
    def test_names_that_callers_make_up_are_bounded(self, make_router, monkeypatch):
        """
        What is remembered of names does not grow without end.
        """
        monkeypatch.setattr(module, "MAX_REMEMBERED", 10)
        router = make_router()

        for number in range(100):
            router.resolve(f"a/model-{number}", *GEN)

        assert len(router._resolver._remembered) <= 10

    def test_names_that_are_not_there_are_not_remembered(self, make_router):
        """
        An unknown name leaves nothing behind.
        """
        router = make_router()

        with pytest.raises(ModelNotFound):
            router.resolve("nobody-has-this", *GEN)

        assert not router._resolver._remembered


class TestListing:
    def test_lists_what_callers_may_be_told(self, make_router):
        """
        Names of the settings, listed models, and what the catalog knows of a vendor.
        """
        catalog = Catalog(
            [
                ModelFacts(provider="anthropic", model="claude-x"),
                ModelFacts(provider="openai", model="gpt-x"),
            ]
        )
        router = make_router(
            {
                "a": {
                    "type": "openai",
                    "keys": {"k": "env.K"},
                    "models": ["gpt-5", "o*"],
                },
                "c": {"type": "anthropic", "keys": {"k": "env.K"}},
            },
            {"fast": "a/gpt-5", "claude-*": "c/claude-*"},
            catalog=catalog,
        )

        assert list(router.names()) == [
            ("fast", "a"),
            ("claude-x", "c"),
            ("a/gpt-5", "a"),
            ("c/claude-x", "c"),
        ]

    def test_fills_names_with_a_star(self, make_router):
        """
        A pattern is listed by what its providers are known to have, once, where no other name
        takes it.
        """
        router = make_router(
            {
                name: {"type": "openai", "keys": {"k": "env.K"}, "models": models}
                for name, models in (("a", ["gpt-5", "gpt-4"]), ("b", ["gpt-5", "o3"]))
            },
            {
                "our-*": {"targets": ["a/*", "b/*"]},
                "our-gpt-4": "a/gpt-4",
                "any-*": "a/gpt-5",
            },
        )

        ours = [(name, one) for name, one in router.names() if "our" in name]

        assert ours == [("our-gpt-4", "a"), ("our-gpt-5", "a"), ("our-o3", "b")]
        assert "any-" not in dict(router.names())
        assert router.leads_to("our-gpt-5") == ("a/gpt-5", "b/gpt-5")
        assert router.leads_to("our-o3") == ("b/o3",)

    @pytest.mark.parametrize(
        ("asked", "covered"),
        [
            ("claude-new", ("claude-new", "c")),
            ("our-gpt-5", ("our-gpt-5", "a")),
            ("our-unheard", None),
            ("a/o9", ("a/o9", "a")),
            ("o9", ("a/o9", "a")),
            ("gpt-5", None),
            ("a/unheard", None),
            ("c/unheard", None),
            ("unheard", None),
            ("a/", None),
        ],
    )
    def test_finds_what_a_star_covers(self, make_router, asked, covered):
        """
        What a request would be routed by, though no list holds it; nothing that is guessed.
        """
        router = make_router(
            {
                "a": {
                    "type": "openai",
                    "keys": {"k": "env.K"},
                    "models": ["gpt-5", "o*"],
                },
                "b": {"type": "openai", "keys": {"k": "env.K"}, "models": ["gpt-5"]},
                "c": {"type": "anthropic", "keys": {"k": "env.K"}},
            },
            {"our-*": "a/*", "claude-*": "c/claude-*"},
        )

        assert router.covered(asked) == covered

    @pytest.mark.parametrize(
        ("provider", "model", "name"),
        [
            ("a", "gpt-5", "gpt-5"),
            ("a", "o3", None),
            ("b", "target", "target"),
            ("b", "backup", "backup"),
            ("a", "target", None),
            ("c", "claude-x", "claude-x"),
            ("c", "claude-x-20301231", "claude-x"),
            ("c", "claude-y", None),
            ("z", "gpt-5", None),
        ],
    )
    def test_knows_a_model_by_name(self, make_router, provider, model, name):
        """
        What settings spell out and what the catalog has; a star makes nothing known.
        """
        keyed = {"type": "openai", "keys": {"k": "env.K"}}
        router = make_router(
            {
                "a": {**keyed, "models": ["gpt-5", "o*"]},
                "b": keyed,
                "c": {**keyed, "type": "anthropic"},
            },
            {
                "fast": {"targets": ["b/target"], "fallbacks": ["b/backup"]},
                "claude-*": "c/claude-*",
            },
            catalog=Catalog([ModelFacts(provider="anthropic", model="claude-x")]),
        )

        assert router.model_name(provider, model) == name

    def test_tells_what_a_listed_name_leads_to(self, make_router):
        """
        Who filters the list sees behind names of the settings, fallbacks too.
        """
        router = make_router(
            models={
                "fast": "a/gpt-5",
                "smart": {"targets": ["c/x"], "fallbacks": ["b/y"]},
            }
        )

        led = [router.leads_to(name) for name in ("fast", "smart", "a/gpt-5")]

        assert led == [("a/gpt-5",), ("c/x", "b/y"), ("a/gpt-5",)]


class TestOffers:
    def test_every_provider_that_has_the_model_is_a_target(self, make_router):
        """
        What several providers have is no error here, whatever the settings call it.
        """
        catalog = Catalog([ModelFacts(provider="openai", model="gpt-x")])
        router = make_router(
            {
                "a": {"type": "openai", "keys": {"k": "env.K"}},
                "b": {"type": "openai", "keys": {"k": "env.K"}, "models": ["gpt-x"]},
                "c": {"type": "openai", "keys": {"k": "env.K"}, "models": ["other"]},
            },
            {"gpt-x": "c/other"},
            catalog=catalog,
        )

        found = router.offers("gpt-x", *GEN)

        assert [(target.name, target.source) for target in found] == [
            ("a/gpt-x", "catalog"),
            ("b/gpt-x", "providers"),
        ]
        assert {target.asked for target in found} == {"gpt-x"}

    def test_where_nobody_has_it_nothing_is_offered(self, make_router):
        """
        A list may be empty; an error is for `resolve`.
        """
        router = make_router()

        assert router.offers("nobody-has-this", *GEN) == ()
        assert not router._resolver._offered


class TestAsked:
    def test_a_target_says_which_name_led_to_it(self, make_router):
        """
        Who authorises a target needs the name that was written, also for fallbacks.
        """
        router = make_router(
            models={
                "smart": {"targets": ["c/x"], "fallbacks": ["b/y"]},
                "my-*": "a/gpt-*",
            }
        )

        found = router.resolve("smart", *GEN, fallbacks=["my-5", "a/z"])

        assert [(target.name, target.asked) for target in found] == [
            ("c/x", "smart"),
            ("b/y", "smart"),
            ("a/gpt-5", "my-5"),
            ("a/z", "a/z"),
        ]


@pytest.mark.deep
def test_an_alias_costs_little(make_router):
    """
    Resolving an alias takes well below ten microseconds.
    """
    router = make_router(models={"fast": "a/gpt-5-mini"})

    def resolve() -> None:
        router.resolve("fast", *GEN)

    assert min(repeat(resolve, number=1_000, repeat=5)) / 1_000 < 10e-6


def test_random_is_the_routers_own(make_router):
    """
    The module's shared generator is not touched.
    """
    router = make_router()

    assert isinstance(router.random, Random)
