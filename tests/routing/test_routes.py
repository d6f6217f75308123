from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.routing.patterns import NamePattern
from gateway.routing.routes import Route, RouteTable, read_routes
from gateway.settings import ModelSettings, TargetSettings


def table(*names: str) -> RouteTable:
    return RouteTable(Route(NamePattern.parse(name), ()) for name in names)


def models(**targets: str) -> dict[str, ModelSettings]:
    return {name: ModelSettings.short_form(target) for name, target in targets.items()}


@pytest.fixture
def providers(make_router):
    router = make_router(
        {
            "openai": {"keys": {"k": "env.K"}, "models": ["gpt-5*"]},
            "groq": {"keys": {"k": "env.K"}},
        }
    )
    return router.providers


def problems_of(declared, providers) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_routes(declared, providers)
    return [str(problem) for problem in caught.value.problems]


class TestRouteTable:
    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("gpt-5", "gpt-5"),
            ("gpt-5-max", "gpt-5-*"),
            ("gpt-4o", "gpt-*"),
            ("gpt-4-mini", "gpt-*-mini"),
            ("o3", "*"),
            ("", "*"),
        ],
    )
    def test_finds_the_most_precise(self, name, found):
        """
        An exact name outweighs every pattern, and a longer pattern a shorter one.
        """
        names = table("*", "gpt-*", "gpt-5-*", "gpt-*-mini", "gpt-5")

        assert str(names.find(name).name) == found

    def test_finds_nothing_where_nothing_matches(self):
        """
        A name that no route is for has none.
        """
        assert table("fast", "gpt-*").find("claude") is None

    def test_lists_names_without_a_star(self):
        """
        Patterns are no names that a caller could be told.
        """
        assert [name for name, _ in table("b", "x-*", "a").exact()] == ["b", "a"]


class TestReadRoutes:
    def test_keeps_what_was_declared(self, providers):
        """
        Targets and fallbacks become branches in their order, each with its path.
        """
        declared = {
            "smart": ModelSettings(
                targets=(
                    TargetSettings(model="groq/openai/gpt-oss", weight=4),
                    TargetSettings(model="openai/gpt-5"),
                ),
                fallbacks=("openai/gpt-5-mini",),
            )
        }

        branches = read_routes(declared, providers).find("smart").branches

        assert [
            (b.provider, str(b.model), b.weight, b.is_fallback) for b in branches
        ] == [
            ("groq", "openai/gpt-oss", 4, False),
            ("openai", "gpt-5", 1, False),
            ("openai", "gpt-5-mini", 0, True),
        ]
        assert [b.source for b in branches] == [
            "models.smart.targets[0]",
            "models.smart.targets[1]",
            "models.smart.fallbacks[0]",
        ]

    @pytest.mark.parametrize(
        ("name", "target", "said"),
        [
            ("fast", "gpt-5", "is not provider/model"),
            ("fast", "openai/", "is not provider/model"),
            ("fast", "opnai/gpt-5", "did you mean openai?"),
            ("fast", "acme/x", "add it under providers"),
            ("fast", "groq/llama-*", r"one \* may stand"),
            ("l-*", "groq/*-*", r"one \* may stand"),
            ("fast", "openai/gpt-4", "providers.openai.models"),
        ],
    )
    def test_refuses_targets_that_lead_nowhere(self, providers, name, target, said):
        """
        A target that can never be reached is found at start, with its path.
        """
        declared = {name: ModelSettings.short_form(target)}

        with pytest.raises(ConfigError, match=said) as caught:
            read_routes(declared, providers)

        (problem,) = caught.value.problems
        assert problem.path == f"models.{name}.targets[0]"

    def test_names_lead_to_no_names(self, providers):
        """
        An alias of an alias is refused, so no chain of them can go round.
        """
        found = problems_of(models(a="b", b="a"), providers)

        assert len(found) == 2

    def test_a_name_has_one_star(self, providers):
        """
        Two stars in a name are refused where they stand.
        """
        (problem,) = problems_of(
            {"a*b*": ModelSettings.short_form("groq/x")}, providers
        )

        assert problem.startswith("models.a*b*: ")

    def test_all_problems_come_at_once(self, providers):
        """
        An operator mends a file in one go, fallbacks included.
        """
        declared = {
            "x": ModelSettings(
                targets=(TargetSettings(model="acme/m"),), fallbacks=("acme/n", "p")
            )
        }

        assert len(problems_of(declared, providers)) == 3
