from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.dialects import Dialect
from gateway.errors import InvalidRequest, NotAuthenticated
from gateway.providers.provider import Provider, root_of
from gateway.providers.vendors import VENDORS, Vendor
from gateway.views import Request


def came(**headers: str) -> CIMultiDictProxy[str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return CIMultiDictProxy(CIMultiDict(named))


class TestSpeaks:
    def test_names_dialects_in_the_vendors_order(self, make_provider):
        """
        The first dialect is the one that is spoken with callers of another.
        """
        spoken = make_provider("openai").speaks("generate")

        assert spoken == ("openai_chat", "openai_responses")

    @pytest.mark.parametrize(
        ("vendor", "operation", "spoken"),
        [
            ("openai", "embed", ("openai_embeddings",)),
            ("openai", "complete", ("openai_completions",)),
            ("openai", "count_tokens", ()),
            ("anthropic", "generate", ("anthropic_messages",)),
            ("anthropic", "count_tokens", ("anthropic_messages",)),
            ("anthropic", "embed", ()),
            ("demo", "embed", ("openai_embeddings",)),
        ],
    )
    def test_knows_what_is_offered(self, make_provider, vendor, operation, spoken):
        """
        An operation is offered in the dialects that have it, or not at all.
        """
        assert make_provider(vendor).speaks(operation) == spoken

    def test_a_dialect_that_is_not_there_is_not_spoken(self, dialects):
        """
        A plugin's vendor may name a dialect whose plugin is not installed.
        """
        vendor = Vendor(
            name="v", dialects=("gemini", "openai_chat"), base_url="http://h"
        )
        provider = Provider(
            name="v", vendor=vendor, base_url="http://h/v1", dialects=dialects
        )

        assert provider.speaks("generate") == ("openai_chat",)


class TestUrl:
    @pytest.mark.parametrize(
        ("vendor", "base_url", "dialect", "operation", "url"),
        [
            (
                "openai",
                None,
                "openai_chat",
                "generate",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "openai",
                "http://127.0.0.1:9/",
                "openai_responses",
                "generate",
                "http://127.0.0.1:9/v1/responses",
            ),
            (
                "openai",
                "http://127.0.0.1:9/proxy/",
                "openai_embeddings",
                "embed",
                "http://127.0.0.1:9/proxy/embeddings",
            ),
            (
                "azure-openai",
                "https://bank-eu.openai.azure.com",
                "openai_chat",
                "generate",
                "https://bank-eu.openai.azure.com/openai/v1/chat/completions",
            ),
            (
                "anthropic",
                None,
                "anthropic_messages",
                "generate",
                "https://api.anthropic.com/v1/messages",
            ),
            (
                "anthropic",
                "https://h.example/v1",
                "anthropic_messages",
                "count_tokens",
                "https://h.example/v1/messages/count_tokens",
            ),
            (
                "anthropic-compatible",
                "https://h.example/anthropic/",
                "anthropic_messages",
                "generate",
                "https://h.example/anthropic/v1/messages",
            ),
            (
                "perplexity",
                None,
                "openai_chat",
                "generate",
                "https://api.perplexity.ai/chat/completions",
            ),
            (
                "groq",
                "http://127.0.0.1:9",
                "openai_chat",
                "generate",
                "http://127.0.0.1:9/openai/v1/chat/completions",
            ),
        ],
    )
    def test_is_where_the_vendor_answers(
        self, make_provider, chat, vendor, base_url, dialect, operation, url
    ):
        """
        Base URLs with and without path, version and slash lead to the same place.
        """
        provider = make_provider(vendor, **({"base_url": base_url} if base_url else {}))

        assert provider.url(dialect, operation, chat()) == url

    @pytest.mark.parametrize(
        ("model", "segment"),
        [
            ("m-1.5", "m-1.5"),
            ("a/../b", "a%2F..%2Fb"),
            ("a?b#c", "a%3Fb%23c"),
            ("a%2Fb", "a%252Fb"),
            ("\u00fc", "%C3%BC"),
        ],
    )
    def test_a_model_in_the_path_is_one_segment(self, path_provider, model, segment):
        """
        A name of a model cannot lead elsewhere on the vendor's host.
        """
        provider, request = path_provider(model)

        url = provider.url("in_path", "generate", request)

        assert url == f"http://h/models/{segment}:go"

    @pytest.mark.parametrize("model", [".", ".."])
    def test_dots_are_no_model(self, path_provider, model):
        """
        What a URL parser would take for a step up is refused.
        """
        provider, request = path_provider(model)

        with pytest.raises(InvalidRequest):
            provider.url("in_path", "generate", request)

    @pytest.fixture
    def path_provider(self, dialects):
        base: type[Dialect] = type(dialects["openai_chat"])

        class InPath(base):  # as Gemini's: the model stands in the path
            name = "in_path"
            operations = ("generate",)
            path = {"generate": "/models/{model}:go"}

        def make(model: str) -> tuple[Provider, Request]:
            dialect = InPath()
            vendor = Vendor(name="v", dialects=("in_path",), path="")
            provider = Provider(
                name="v",
                vendor=vendor,
                base_url="http://h",
                dialects={"in_path": dialect},
            )
            return provider, Request(dialect, doc={"model": model})

        return make

    def test_knows_when_nobody_said_where(self):
        """
        A vendor without an address of its own has none unless the settings give it.
        """
        assert root_of(VENDORS["vllm"], None) is None
        assert root_of(VENDORS["vllm"], "http://h:8000") == "http://h:8000/v1"


class TestHeaders:
    def test_sends_the_credential_and_what_is_allowed(self, make_provider):
        """
        Of the caller's headers only the vendor's own words go upstream.
        """
        headers = make_provider("openai").headers(
            "sk-x",
            came(
                authorization="Bearer sk-gw-1",
                x_api_key="sk-gw-1",
                cookie="c=1",
                x_forwarded_for="::1",
                x_stainless_lang="python",
                openai_organization="org-of-the-caller",
                openai_project="proj",
                user_agent="curl",
                openai_beta="assistants=v2",
                idempotency_key="i-1",
            ),
        )

        assert headers == {
            "content-type": "application/json",
            "authorization": "Bearer sk-x",
            "openai-beta": "assistants=v2",
            "idempotency-key": "i-1",
        }

    def test_anthropic_gets_a_version_where_none_came(self, make_provider):
        """
        Anthropic refuses requests without a version.
        """
        headers = make_provider("anthropic").headers("k", came())

        assert headers["anthropic-version"] == "2023-06-01"
        assert headers["x-api-key"] == "k"

    def test_anthropic_gets_version_and_betas_as_they_came(self, make_provider):
        """
        What a coding agent asks for by version and beta goes on verbatim.
        """
        betas = "claude-code-20250219,context-1m-2025-08-07"

        headers = make_provider("anthropic").headers(
            "k", came(anthropic_version="2026-10-21", anthropic_beta=betas)
        )

        assert headers["anthropic-version"] == "2026-10-21"
        assert headers["anthropic-beta"] == betas
        assert headers["authorization"] == "Bearer k"
        assert "x-api-key" not in headers

    def test_the_operators_headers_come_last(self, make_provider):
        """
        What the settings say for a provider outweighs the caller; betas are added.
        """
        provider = make_provider(
            "anthropic", headers={"Anthropic-Beta": "b", "X-Route": "eu"}
        )

        headers = provider.headers("k", came(anthropic_beta="a", x_route="us"))

        assert headers["anthropic-beta"] == "a,b"
        assert headers["x-route"] == "eu"

    def test_the_operators_betas_stand_alone_where_none_came(self, make_provider):
        """
        Betas of the settings go out whether or not the caller asks for any.
        """
        provider = make_provider("anthropic", headers={"anthropic-beta": "b"})

        assert provider.headers("k", came())["anthropic-beta"] == "b"

    def test_the_callers_betas_stand_alone_beside_other_headers(self, make_provider):
        """
        Another header of the settings leaves the caller's betas as they came.
        """
        provider = make_provider("anthropic", headers={"x-route": "eu"})

        assert provider.headers("k", came(anthropic_beta="a"))["anthropic-beta"] == "a"

    def test_no_credential_is_sent_where_none_is_asked(self, make_provider):
        """
        A local server without keys gets no credential, least of all the caller's.
        """
        headers = make_provider("ollama").headers(None, came(authorization="Bearer x"))

        assert headers == {"content-type": "application/json"}

    def test_the_callers_own_credential_passes(self, make_provider):
        """
        With auth: caller the caller's credential goes up in the vendor's spelling.
        """
        provider = make_provider("azure-openai", base_url="https://h", auth="caller")

        headers = provider.headers(None, came(authorization="Bearer own"))

        assert headers["api-key"] == "own"
        assert "authorization" not in headers

    def test_a_caller_without_a_credential_is_refused(self, make_provider):
        """
        With auth: caller nothing of ours is sent instead.
        """
        provider = make_provider("anthropic", auth="caller")

        with pytest.raises(NotAuthenticated):
            provider.headers(None, came(authorization="Bearer sk-gw-1"))

    def test_each_request_has_headers_of_its_own(self, make_provider):
        """
        What one attempt adds to its headers is not in the next one's.
        """
        provider = make_provider("openai")
        provider.headers("a", came())["x-added"] = "1"

        assert "x-added" not in provider.headers("a", came())


class TestAnswerHeaders:
    @pytest.mark.parametrize(("auth", "told"), [("caller", True), ("none", False)])
    def test_limits_are_told_to_whom_they_belong(self, make_provider, auth, told):
        """
        Rate limits of the house's credential are not the caller's business.
        """
        provider = make_provider("openai", auth=auth)

        headers = provider.answer_headers(came(x_ratelimit_limit_tokens="5"))

        assert ("x-ratelimit-limit-tokens" in headers) is told


class TestModels:
    def test_everything_is_offered_unless_the_settings_say(self, make_provider):
        """
        Without a list any name may be asked for; with one, what matches.
        """
        assert make_provider("openai").offers("anything")
        provider = make_provider("openai", models=["gpt-5*", "o3"])
        names = ["gpt-5", "gpt-5-mini", "o3", "o3-mini", "gpt-4"]

        assert [provider.offers(name) for name in names] == [
            True,
            True,
            True,
            False,
            False,
        ]

    def test_only_names_are_a_listing(self, make_provider):
        """
        A bare star offers everything and names nothing.
        """
        assert not make_provider("openai", models=["*"]).lists("gpt-5")
        assert not make_provider("openai").lists("gpt-5")
        assert make_provider("openai", models=["*", "gpt-*"]).lists("gpt-5")


class TestKeys:
    def test_keys_are_found_by_name(self, make_provider):
        """
        The name that a target carries leads to the reference of its secret.
        """
        provider = make_provider(
            "openai", auth="key", keys={"main": "env.K", "b": "env.L"}
        )

        assert str(provider.key("b").secret) == "env.L"
        assert provider.key_names == {"main", "b"}
        with pytest.raises(KeyError):
            provider.key("c")

    def test_describes_itself_without_secrets(self, make_provider):
        """
        What an operator sees of a provider names its keys and not where they are.
        """
        provider = make_provider(
            "openai", auth="key", keys={"main": "env.SECRET_PLACE"}, models=["gpt-*"]
        )

        told = provider.describe()

        assert told["keys"] == ["main"]
        assert told["models"] == ["gpt-*"]
        assert "SECRET_PLACE" not in str(told)
