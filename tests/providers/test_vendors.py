from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from gateway.neutral import Losses
from gateway.providers.vendors import VENDORS
from gateway.settings.load import PROVIDERS_BY_VARIABLE

PROMISED = """
openai azure-openai groq mistral cerebras together fireworks deepseek xai openrouter
perplexity nebius nvidia huggingface ollama vllm sglang lmstudio openai-compatible
anthropic anthropic-compatible demo
""".split()

each = pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda row: row.name)


def test_has_every_vendor_that_is_promised():
    """
    The table has each vendor that the documentation names, by its own name.
    """
    assert sorted(VENDORS) == sorted(PROMISED)
    assert all(name == vendor.name for name, vendor in VENDORS.items())


def test_agrees_with_the_settings_on_environment_variables():
    """
    A key that switches a provider on belongs to that vendor, and each vendor has one.
    """
    rows = {
        vendor.key_env: name
        for name, vendor in VENDORS.items()
        if vendor.key_env and vendor.base_url
    }

    assert rows == dict(PROVIDERS_BY_VARIABLE)


@each
def test_speaks_dialects_of_the_core(vendor, dialects):
    """
    Each dialect of the table exists.
    """
    assert vendor.dialects
    assert set(vendor.dialects) <= set(dialects)


@each
def test_address_is_secure_or_local(vendor):
    """
    Prompts and keys go out encrypted, unless they do not leave the machine.
    """
    if vendor.base_url is None or vendor.in_process:
        return
    url = urlsplit(vendor.base_url)

    assert url.scheme == "https" or url.hostname == "127.0.0.1"
    assert not vendor.base_url.endswith("/")
    assert url.path == vendor.path or (vendor.prefix and not url.path)


@each
def test_lets_no_credential_of_the_caller_through(vendor):
    """
    No allow-list names a header that holds a credential or an identity.
    """
    forbidden = re.compile(r"auth|key$|cookie|organization|project|forwarded|host")

    assert [n for n in vendor.request_headers if forbidden.search(n)] == [
        n for n in vendor.request_headers if n == "idempotency-key"
    ]
    assert all(name == name.lower() for name in vendor.request_headers)


class TestQuirksOfVendors:
    @pytest.mark.parametrize(
        ("vendor", "asked", "sent"),
        [
            ("mistral", {"seed": 4}, {"random_seed": 4}),
            ("mistral", {"tool_choice": "required"}, {"tool_choice": "any"}),
            ("mistral", {"max_completion_tokens": 4}, {"max_tokens": 4}),
            ("mistral", {"store": True, "user": "u", "logit_bias": {}}, {}),
            ("mistral", {"stream": True, "stream_options": {}}, {"stream": True}),
            ("deepseek", {"max_completion_tokens": 4}, {"max_tokens": 4}),
            ("ollama", {"max_completion_tokens": 4}, {"max_tokens": 4}),
            ("groq", {"logprobs": True, "top_logprobs": 2}, {}),
            ("groq", {"max_completion_tokens": 4}, {"max_completion_tokens": 4}),
            ("cerebras", {"presence_penalty": 1, "seed": 4}, {"seed": 4}),
            ("openrouter", {"reasoning_effort": "max"}, {"reasoning_effort": "xhigh"}),
            ("perplexity", {"stream_options": {}}, {}),
        ],
    )
    def test_writes_what_the_vendor_reads(
        self, make_provider, chat, vendor, asked, sent
    ):
        """
        A request that OpenAI would take goes out in the words of the vendor.
        """
        request = chat(**asked)
        plain = chat().doc

        make_provider(vendor).adapt(request, Losses())

        assert request.doc == {**plain, **sent}

    @pytest.mark.parametrize("vendor", ["mistral", "fireworks"])
    def test_histories_lose_their_extensions(self, make_provider, chat, vendor):
        """
        Vendors that know no other field get messages with the fields of the API only.
        """
        message = {"role": "assistant", "content": "b"}
        extras = {"reasoning_content": "c", "thinking_blocks": [], "refusal": None}
        request = chat(messages=[{**message, **extras}])

        touched = make_provider(vendor).adapt(request, Losses())

        assert request.doc["messages"] == [message]
        assert len(touched) == 3

    @pytest.mark.parametrize("vendor", ["openai", "vllm", "anthropic"])
    def test_others_get_the_bytes_that_came(self, make_provider, chat, vendor):
        """
        A vendor without quirks gets fields that nobody has heard of, byte for byte.
        """
        more = {"base_url": "http://127.0.0.1:1"} if vendor == "vllm" else {}
        request = chat(seed=4, store=True, not_yet_invented={"a": [1]})
        before = request.encode()

        touched = make_provider(vendor, **more).adapt(request, Losses(is_strict=True))

        assert touched == ()
        assert request.encode() is before
