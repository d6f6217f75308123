from __future__ import annotations

import attrs
import pytest

from gateway import ModelListing, NotAllowed, Target
from gateway_governance.access import MAX_DECISIONS, Access, AccessTable, Permit
from gateway_governance.entities import ProviderConfig, Team, VirtualKey


def target(name: str, asked: str | None = None, **more) -> Target:
    provider, _, model = name.partition("/")
    return Target(
        provider=provider,
        model=model,
        dialect="openai_chat",
        asked=name if asked is None else asked,
        **more,
    )


#: What the router knows here: a name of the settings, and models by provider.
ROUTES = {
    "smart": [
        target("anthropic/opus", "smart", source="models.smart.targets[0]"),
        target("azure/gpt", "smart", source="models.smart.fallbacks[0]"),
    ],
    "gpt": [target("openai/gpt", "gpt", source="catalog")],
    "hidden": [target("azure/gpt", "hidden", source="models.hidden.targets[0]")],
}


def resolve(name: str):
    if name in ROUTES:
        return ROUTES[name]
    return [target(name, source="asked")] if "/" in name else []


def key(*configs: ProviderConfig, **more) -> VirtualKey:
    return VirtualKey(id="vk_1", name="me", provider_configs=configs or None, **more)


def config(provider: str, *allowed: str, **more) -> ProviderConfig:
    return ProviderConfig(
        id=f"pc_{provider}", provider=provider, allowed_models=allowed, **more
    )


def verdict(access: Access, *asked: Target) -> str:
    try:
        for each in asked:
            access.permit(each, resolve)
    except NotAllowed as error:
        return f"{error.status} {error.code}"
    return "allowed"


OPUS, FALLBACK = ROUTES["smart"]
GPT = target("openai/gpt")


class TestProviderConfigs:
    @pytest.mark.parametrize(
        ("configs", "expected"),
        [
            (None, "allowed"),
            ((), "403 provider_blocked"),
            ((config("openai"),), "403 model_blocked"),
            ((config("openai", "*"),), "allowed"),
            ((config("openai", "gpt"),), "allowed"),
            ((config("openai", "g*"),), "allowed"),
            ((config("openai", "GPT"),), "403 model_blocked"),
            ((config("openai", "other"),), "403 model_blocked"),
            ((config("azure", "*"),), "403 provider_blocked"),
            ((config("openai", "*", blocked_models=("gpt",)),), "403 model_blocked"),
            ((config("openai", "gpt", blocked_models=("G*",)),), "403 model_blocked"),
            ((config("openai", "x"), config("openai", "gpt")), "allowed"),
            (
                (
                    config("openai", "gpt"),
                    config("openai", blocked_models=("gpt",)),
                ),
                "403 model_blocked",
            ),
        ],
        ids=[
            "no configs: any provider",
            "empty: none",
            "no models: none",
            "all",
            "named",
            "pattern",
            "other case",
            "not named",
            "other provider",
            "blocked outweighs all",
            "blocked outweighs named",
            "one of two allows",
            "one of two blocks",
        ],
    )
    def test_lists_allow_what_they_name(self, configs, expected):
        """
        Nothing allows nothing, a star everything, and what is blocked stays blocked.
        """
        owner = VirtualKey(id="vk_1", name="me", provider_configs=configs)

        assert verdict(Access(owner, None), GPT) == expected

    def test_an_allowed_name_of_the_settings_allows_its_targets(self):
        """
        A config may name an alias instead of the model behind it.
        """
        access = Access(key(config("anthropic", "smart")), None)

        assert verdict(access, OPUS) == "allowed"
        assert verdict(access, target("anthropic/opus")) == "403 model_blocked"

    def test_the_provider_behind_a_name_is_not_told(self):
        """
        The message names what was asked, and a provider only where that names it.
        """
        access = Access(key(config("openai", "*")), None)

        for asked, shown in ((OPUS, False), (target("anthropic/opus"), True)):
            with pytest.raises(NotAllowed) as caught:
                access.permit(asked, resolve)
            assert asked.asked.partition("/")[0] in str(caught.value)
            assert ('"anthropic"' in str(caught.value)) is shown


class TestNames:
    @pytest.mark.parametrize(
        ("models", "team_models", "asked", "expected"),
        [
            (None, None, OPUS, "allowed"),
            (("smart",), None, OPUS, "allowed"),
            (("smart",), None, FALLBACK, "allowed"),
            (("sm*",), None, OPUS, "allowed"),
            (("smart",), None, target("anthropic/opus"), "403 model_blocked"),
            (("smart",), None, target("openai/gpt", "gpt"), "403 model_blocked"),
            (("anthropic/*",), None, OPUS, "403 model_blocked"),
            (("anthropic/*",), None, target("anthropic/opus"), "allowed"),
            (("gpt",), None, target("openai/gpt", "gpt"), "allowed"),
            ((), None, OPUS, "403 model_blocked"),
            (("*",), ("gpt",), OPUS, "403 model_blocked"),
            (("gpt",), ("*",), OPUS, "403 model_blocked"),
            (None, ("smart",), OPUS, "allowed"),
            (("*",), (), OPUS, "403 model_blocked"),
        ],
    )
    def test_key_and_team_must_both_allow_the_name(
        self, models, team_models, asked, expected
    ):
        """
        A name allows what it leads to and nothing else; None leaves it to the other list.
        """
        team = Team(id="tm_1", name="t", models=team_models)

        assert verdict(Access(key(models=models), team), asked) == expected

    @pytest.mark.parametrize(
        "forged",
        [
            target("openai/gpt", "smart"),
            target("openai/hidden", "hidden"),
            target("azure/other", "gpt"),
            target("openai/gpt", "nobody-has-this"),
        ],
        ids=["another target", "same word", "another model", "unknown name"],
    )
    def test_that_a_name_leads_there_is_asked_again(self, forged):
        """
        A target that says it came by an allowed name is believed only if the router agrees.
        """
        access = Access(key(models=("*",)), None)

        assert verdict(access, forged) == "403 model_blocked"

    def test_a_models_own_name_is_allowed_at_every_provider_that_has_it(self):
        """
        A weighted provider serves a plain name that the router would have sent elsewhere.
        """
        access = Access(key(models=("gpt",)), None)

        assert verdict(access, target("azure/gpt", "gpt")) == "allowed"

    def test_lists_do_not_stand_in_for_provider_configs(self):
        """
        An allowed name leads to no provider that the key may not use.
        """
        access = Access(key(config("azure", "*"), models=("smart",)), None)

        assert verdict(access, FALLBACK) == "allowed"
        assert verdict(access, OPUS) == "403 provider_blocked"


class TestKeys:
    pinned = config("openai", "*", provider_keys=("one", "two"))

    def test_the_choice_is_kept_to_the_allowed_keys(self):
        """
        Where the router has yet to choose, it chooses among the allowed ones.
        """
        allowed, denial = Access(key(self.pinned), None).narrow([GPT], resolve)

        assert [each.keys for each in allowed] == [("one", "two")]
        assert denial is None

    @pytest.mark.parametrize(
        ("chosen", "expected"),
        [
            ("one", "allowed"),
            ("three", "403 provider_blocked"),
            (None, "403 provider_blocked"),
        ],
    )
    def test_an_attempt_without_an_allowed_key_is_refused(self, chosen, expected):
        """
        Also where the provider takes the caller's own credential: then none is pinned.
        """
        access = Access(key(self.pinned), None)

        assert verdict(access, attrs.evolve(GPT, key=chosen)) == expected

    def test_where_no_key_is_allowed_nothing_is(self):
        """
        It is a denial, not an outage that clients try again, and its models are not listed.
        """
        access = Access(key(config("openai", "*", provider_keys=())), None)

        allowed, denial = access.narrow([GPT], resolve)

        assert (allowed, denial.code) == ((), "provider_blocked")
        assert access.visible([listing("openai/gpt", "openai/gpt")]) == []

    def test_a_target_whose_only_key_is_not_allowed_is_dropped(self):
        """
        The router names a key where there is only one.
        """
        only = attrs.evolve(GPT, key="three")

        allowed, denial = Access(key(self.pinned), None).narrow([only], resolve)

        assert (allowed, denial.code) == ((), "provider_blocked")


class TestNarrow:
    def test_keeps_order_and_tells_the_first_reason(self):
        """
        What may not be used falls out; why is told if nothing is left.
        """
        access = Access(key(config("azure", "*")), None)

        allowed, denial = access.narrow([OPUS, FALLBACK, GPT], resolve)

        assert allowed == (FALLBACK,)
        assert '"smart"' in denial.message

    def test_an_open_key_touches_nothing(self):
        """
        Without lists the targets pass as they are.
        """
        targets = [OPUS, GPT]

        allowed, denial = Access(key(), None).narrow(targets, resolve)

        assert (allowed, denial) == (targets, None)


def listing(name, *leads_to):
    return ModelListing(id=name, provider="any", leads_to=leads_to)


class TestVisible:
    listed = (
        listing("smart", "anthropic/opus", "azure/gpt"),
        listing("azure/gpt", "azure/gpt"),
        listing("openai/gpt", "openai/gpt"),
    )

    @pytest.mark.parametrize(
        ("owner", "seen"),
        [
            (key(), ["smart", "azure/gpt", "openai/gpt"]),
            (key(models=("smart",)), ["smart"]),
            (key(config("azure", "*")), ["smart", "azure/gpt"]),
            (key(config("openai", "gpt"), models=("*gpt",)), ["openai/gpt"]),
            (key(models=()), []),
        ],
        ids=["open", "by name", "by provider", "by both", "none"],
    )
    def test_lists_what_the_key_may_use(self, owner, seen):
        """
        A name is shown if something that it leads to may be used.
        """
        shown = Access(owner, None).visible(self.listed)

        assert [model.id for model in shown] == seen

    def test_shows_a_model_by_the_name_that_the_key_may_use(self):
        """
        Who may ask for a model without its provider sees it so, once, and not what its provider
        config forbids or what another thing is called.
        """
        listed = (*self.listed, listing("azure/smart", "azure/smart"))

        by_name = Access(key(models=("gpt", "smart")), None).visible(listed)
        by_config = Access(key(config("openai", "gpt"), models=("gp*",)), None).visible(
            listed
        )

        assert [model.id for model in by_name] == ["smart", "gpt"]
        assert [(model.id, model.leads_to) for model in by_config] == [
            ("gpt", ("openai/gpt",))
        ]


class TestRemembering:
    def test_a_decision_is_made_once(self):
        """
        The router is not asked again for a name that was decided on.
        """
        asked = []

        def counted(name):
            asked.append(name)
            return resolve(name)

        access = Access(key(models=("smart",)), None)
        permits = [access.permit(OPUS, counted) for _ in range(3)]

        assert permits == [Permit()] * 3
        assert asked == ["smart"]

    def test_what_is_remembered_is_bounded(self):
        """
        Callers choose names; they cannot fill the memory with them.
        """
        access = Access(key(config("openai", "*")), None)

        for number in range(3 * MAX_DECISIONS):
            verdict(access, target(f"openai/m{number}"))

        assert len(access._decisions) <= MAX_DECISIONS

    def test_a_changed_key_or_team_begins_anew(self):
        """
        A snapshot that leaves a key alone keeps its decisions; another key object does not.
        """
        table = AccessTable()
        owner, team = key(models=("smart",)), Team(id="tm_1", name="t")
        first = table.of(owner, team, "digest")

        assert table.of(owner, team, "digest") is first
        assert table.of(attrs.evolve(owner, models=()), team, "digest") is not first
        assert table.of(owner, attrs.evolve(team, models=()), "digest") is not first
        assert table.of(owner, team, "other settings") is not first

    def test_callers_without_a_key_are_free(self):
        """
        Whether they may call at all is not decided here.
        """
        assert AccessTable().of(None, None, "digest").is_open
