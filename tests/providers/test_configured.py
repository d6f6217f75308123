from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.providers.configured import make_providers
from gateway.providers.demo import DemoVendor
from gateway.providers.vendors import VENDORS, Vendor
from gateway.settings.load import settings_from_dict, settings_from_environment
from gateway.testing import make_request


def problems_of(dialects, providers: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        make_providers(settings_from_dict({"providers": providers}), dialects)
    return [str(problem) for problem in caught.value.problems]


class TestMakeProviders:
    def test_takes_over_the_settings(self, dialects):
        """
        A provider is what its table says, and the vendor's row where it says nothing.
        """
        settings = settings_from_dict(
            {
                "egress": {"proxy": "http://proxy:3128"},
                "providers": {
                    "eu": {
                        "type": "azure-openai",
                        "base_url": "https://eu.example",
                        "keys": {"a": {"secret": "env.A", "weight": 3}, "b": "env.B"},
                        "max_parallel": 7,
                        "timeouts": {"idle_s": 9},
                    }
                },
            }
        )

        (provider,) = make_providers(settings, dialects).values()

        assert provider.name == "eu"
        assert provider.vendor is VENDORS["azure-openai"]
        assert provider.base_url == "https://eu.example/openai/v1"
        assert [(key.name, key.weight) for key in provider.keys] == [("a", 3), ("b", 1)]
        assert (provider.auth, provider.max_parallel) == ("key", 7)
        assert provider.timeouts.idle_s == 9
        assert provider.proxy.url == "http://proxy:3128"

    def test_a_keyless_vendor_needs_no_setting(self, dialects):
        """
        A local server is named and that is all.
        """
        settings = settings_from_dict({"providers": {"ollama": {}}})

        provider = make_providers(settings, dialects)["ollama"]

        assert provider.auth == "none"
        assert provider.base_url == "http://127.0.0.1:11434/v1"

    def test_a_provider_says_what_it_speaks(self, dialects):
        """
        A server behind a base URL may speak less than its type, or something else.
        """
        house = {"type": "openai-compatible", "base_url": "http://h.example/v1"}
        settings = settings_from_dict(
            {
                "providers": {
                    "chat": {**house, "dialects": ["openai_chat"]},
                    "both": {
                        **house,
                        "dialects": ["anthropic_messages", "openai_chat"],
                    },
                    "usual": house,
                }
            }
        )

        made = make_providers(settings, dialects)

        assert made["chat"].speaks("embed") == ()
        assert made["both"].speaks("generate") == ("anthropic_messages", "openai_chat")
        assert made["both"].describe()["dialects"] == [
            "anthropic_messages",
            "openai_chat",
        ]
        url = made["both"].url("anthropic_messages", "generate", make_request())
        assert url == "http://h.example/v1/messages"
        assert "openai_embeddings" in made["usual"].spoken

    def test_plugins_add_vendors(self, dialects):
        """
        A row that a plugin registered is a type like any other.
        """
        settings = settings_from_dict({"providers": {"acme": {}}})
        row = Vendor(name="acme", base_url="https://acme.example/v1", needs_key=False)

        made = make_providers(settings, dialects, {**VENDORS, "acme": row})

        assert made["acme"].vendor is row

    def test_demo_is_there_for_whoever_names_it(self, dialects):
        """
        A target of the demo provider brings it in; otherwise only what is declared is.
        """
        with_demo = settings_from_dict({"models": {"fast": "demo/echo"}})
        without = settings_from_dict({"providers": {"ollama": {}}})

        assert list(make_providers(with_demo, dialects)) == ["demo"]
        assert list(make_providers(without, dialects)) == ["ollama"]

    def test_demo_answers_in_this_process(self, dialects):
        """
        The demo vendor is no server; each gateway has its own.
        """
        settings = settings_from_environment({})

        provider = make_providers(settings, dialects)["demo"]

        assert isinstance(provider.in_process, DemoVendor)
        assert provider.offers("echo")
        assert not provider.offers("gpt-5")

    def test_keys_in_the_environment_switch_vendors_on(self, dialects):
        """
        Without a file each vendor whose key is found can be asked.
        """
        settings = settings_from_environment(
            {
                "OPENAI_API_KEY": "a",
                "ANTHROPIC_API_KEY": "b",
                "HF_TOKEN": "",
                "AZURE_OPENAI_API_KEY": "d",
                "AZURE_OPENAI_ENDPOINT": "https://bank.openai.azure.com/",
            }
        )

        made = make_providers(settings, dialects)

        assert set(made) == {"demo", "openai", "anthropic", "azure-openai"}


class TestProblems:
    def test_an_unknown_type_is_told_with_the_nearest(self, dialects):
        """
        A slip in a vendor's name is answered with the name that was meant.
        """
        (problem,) = problems_of(dialects, {"eu": {"type": "azure-opena"}})

        assert problem.startswith("providers.eu.type: ")
        assert "did you mean azure-openai?" in problem

    def test_a_name_that_is_no_vendor_needs_a_type(self, dialects):
        """
        The table's own name is the type where none is given.
        """
        (problem,) = problems_of(dialects, {"frankfurt": {}})

        assert problem.startswith("providers.frankfurt: ")
        assert "openai-compatible" in problem

    def test_a_vendor_without_address_needs_one(self, dialects):
        """
        Where no default can be right the operator is asked for base_url.
        """
        (problem,) = problems_of(dialects, {"vllm": {}})

        assert "add base_url" in problem

    def test_a_vendor_that_asks_for_a_key_needs_one(self, dialects):
        """
        The remedy stands in the message, with the vendor's own variable.
        """
        (problem,) = problems_of(dialects, {"openai": {}})

        assert "env.OPENAI_API_KEY" in problem
        assert "auth: caller" in problem

    @pytest.mark.parametrize(
        ("kind", "why"),
        [
            ("ollama", "did you mean openai_chat?"),
            ("demo", "One of openai_chat openai_embeddings"),
        ],
    )
    def test_what_cannot_be_spoken_is_told_where_it_stands(self, dialects, kind, why):
        """
        A slip in a dialect's name, and a dialect of what answers in this process.
        """
        told = [
            "openai_chat",
            "openai_chet" if kind == "ollama" else "openai_responses",
        ]

        (problem,) = problems_of(dialects, {kind: {"dialects": told}})

        assert problem.startswith(f"providers.{kind}.dialects[1]: ")
        assert why in problem

    def test_a_pattern_has_one_star(self, dialects):
        """
        Patterns with two stars are told where they stand.
        """
        found = problems_of(
            dialects,
            {
                "ollama": {"models": ["a*b*"]},
                "openai": {"keys": {"k": {"secret": "env.K", "models": ["*x*"]}}},
            },
        )

        assert [problem.partition(":")[0] for problem in found] == [
            "providers.ollama.models",
            "providers.openai.keys.k.models",
        ]

    def test_all_problems_come_at_once(self, dialects):
        """
        An operator mends a file in one go.
        """
        found = problems_of(dialects, {"openai": {}, "vllm": {}, "nobody": {}})

        assert len(found) == 3
