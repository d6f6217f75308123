"""
The table of vendors: where each answers, how it is spoken with, and its quirks.

Sources: the vendors' own API pages, and for quirks what was seen in production by other
gateways.  A plugin adds rows by `register_providers`; an operator who needs none of
this writes ``type: openai-compatible`` with a ``base_url``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

import attrs

from gateway.providers.credentials import Spelling
from gateway.providers.demo import DemoVendor
from gateway.providers.headers import ANTHROPIC_REQUEST, OPENAI_REQUEST
from gateway.providers.quirks import (
    Quirk,
    drops,
    drops_in_messages,
    drops_quietly,
    refuses,
    renames,
    respells,
)

CHAT: Final = "openai_chat"
RESPONSES: Final = "openai_responses"
EMBEDDINGS: Final = "openai_embeddings"
COMPLETIONS: Final = "openai_completions"
MESSAGES: Final = "anthropic_messages"


class InProcess(Protocol):
    """
    A vendor that answers in this process, where others are reached by HTTP.
    """

    async def answer(
        self, operation: str, body: bytes
    ) -> tuple[int, dict[str, str], AsyncIterator[bytes]]:
        """
        Answer one request, in one of the vendor's dialects.

        Returns:
            Status, headers, and the body in the pieces in which it is written.
        """


@attrs.frozen(kw_only=True)
class Vendor:
    """
    One row of the table.

    Attributes:
        name: What ``providers.<name>.type`` calls it.
        dialects: Names of the dialects that it speaks, the preferred one first.
        base_url: Where it answers; None where the operator must say.
        path: Added to a base URL that has no path of its own.
        prefix: Stands between base URL and the dialect's path, where base URLs are
            given without it.
        spelling: How a credential is sent.
        needs_key: Whether it refuses requests without a credential.
        key_env: The environment variable in which its credential is usually found.
        request_headers: What of a caller's headers goes to it.
        defaults: Headers that it gets where the caller sent none.
        quirks: Edits on requests, in this order.
        models: The models that it has, where they are known for certain.
        in_process: Makes the vendor that answers in this process; None speaks HTTP.
    """

    name: str
    dialects: tuple[str, ...] = (CHAT,)
    base_url: str | None = None
    path: str = "/v1"
    prefix: str = ""
    spelling: Spelling = "bearer"
    needs_key: bool = True
    key_env: str | None = None
    request_headers: tuple[str, ...] = OPENAI_REQUEST
    defaults: tuple[tuple[str, str], ...] = ()
    quirks: tuple[Quirk, ...] = ()
    models: tuple[str, ...] | None = None
    in_process: Callable[[], InProcess] | None = None


_PLAIN: Final = (CHAT, EMBEDDINGS, COMPLETIONS)
_WHOLE: Final = (CHAT, RESPONSES, EMBEDDINGS, COMPLETIONS)

# The word before OpenAI's reasoning models; these vendors know no other.
_OLD_CAP: Final = renames("max_completion_tokens", "max_tokens")

# What gateways and newer models add to the messages of a history.
_EXTRAS: Final = (
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "thinking_blocks",
    "refusal",
    "annotations",
    "audio",
    "function_call",
)

_MISTRAL: Final = (
    _OLD_CAP,
    renames("seed", "random_seed"),
    respells("tool_choice", {"required": "any"}),
    drops_quietly("stream_options"),  # usage is in the last chunk, asked for or not
    # It answers 422 to any field that it does not know.
    drops(
        "audio",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    ),
    drops_in_messages(*_EXTRAS),
    drops_in_messages("name", roles=("system", "developer", "user", "assistant")),
)

_ANTHROPIC = Vendor(
    name="anthropic",
    dialects=(MESSAGES,),
    base_url="https://api.anthropic.com",
    path="",
    prefix="/v1",
    spelling="anthropic",
    key_env="ANTHROPIC_API_KEY",
    request_headers=ANTHROPIC_REQUEST,
    defaults=(("anthropic-version", "2023-06-01"),),
)

_ROWS: Final = (
    Vendor(
        name="openai",
        dialects=_WHOLE,
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
    ),
    Vendor(
        name="azure-openai",  # the v1 API; models are names of deployments
        dialects=_WHOLE,
        path="/openai/v1",
        spelling="azure",
        key_env="AZURE_OPENAI_API_KEY",
    ),
    _ANTHROPIC,
    attrs.evolve(
        _ANTHROPIC,
        name="anthropic-compatible",
        base_url=None,
        needs_key=False,
        key_env=None,
    ),
    Vendor(
        name="groq",
        dialects=(CHAT, RESPONSES),
        base_url="https://api.groq.com/openai/v1",
        path="/openai/v1",
        key_env="GROQ_API_KEY",
        quirks=(
            drops("logit_bias", "logprobs", "top_logprobs"),
            drops_in_messages("name"),
        ),
    ),
    Vendor(
        name="mistral",
        dialects=(CHAT, EMBEDDINGS),
        base_url="https://api.mistral.ai/v1",
        key_env="MISTRAL_API_KEY",
        quirks=_MISTRAL,
    ),
    Vendor(
        name="cerebras",
        dialects=(CHAT, COMPLETIONS),
        base_url="https://api.cerebras.ai/v1",
        key_env="CEREBRAS_API_KEY",
        quirks=(drops("frequency_penalty", "presence_penalty", "logit_bias"),),
    ),
    Vendor(
        name="together",
        dialects=_PLAIN,
        base_url="https://api.together.xyz/v1",
        key_env="TOGETHER_API_KEY",
        quirks=(_OLD_CAP,),
    ),
    Vendor(
        name="fireworks",
        dialects=_PLAIN,
        base_url="https://api.fireworks.ai/inference/v1",
        path="/inference/v1",
        key_env="FIREWORKS_API_KEY",
        quirks=(_OLD_CAP, drops_in_messages(*_EXTRAS)),
    ),
    Vendor(
        name="deepseek",
        base_url="https://api.deepseek.com/v1",
        key_env="DEEPSEEK_API_KEY",
        quirks=(_OLD_CAP,),
    ),
    Vendor(
        name="xai",
        dialects=(CHAT, RESPONSES),
        base_url="https://api.x.ai/v1",
        key_env="XAI_API_KEY",
        quirks=(
            drops_in_messages(
                "name", roles=("system", "developer", "assistant", "tool")
            ),
        ),
    ),
    Vendor(
        name="openrouter",
        dialects=_PLAIN,
        base_url="https://openrouter.ai/api/v1",
        path="/api/v1",
        key_env="OPENROUTER_API_KEY",
        quirks=(respells("reasoning_effort", {"max": "xhigh"}),),
    ),
    Vendor(
        name="perplexity",
        base_url="https://api.perplexity.ai",
        path="",
        key_env="PERPLEXITY_API_KEY",
        quirks=(
            refuses("tools", "Perplexity's models call no tools"),
            _OLD_CAP,
            drops_quietly("stream_options"),
        ),
    ),
    Vendor(
        name="nebius",
        dialects=_PLAIN,
        base_url="https://api.tokenfactory.nebius.com/v1",
        key_env="NEBIUS_API_KEY",
        quirks=(_OLD_CAP,),
    ),
    Vendor(
        name="nvidia",
        dialects=(CHAT, EMBEDDINGS),
        base_url="https://integrate.api.nvidia.com/v1",
        key_env="NVIDIA_API_KEY",
        quirks=(_OLD_CAP,),
    ),
    Vendor(
        name="huggingface",
        base_url="https://router.huggingface.co/v1",
        key_env="HF_TOKEN",
        quirks=(_OLD_CAP,),
    ),
    Vendor(
        name="ollama",
        dialects=_PLAIN,
        base_url="http://127.0.0.1:11434/v1",
        needs_key=False,
        quirks=(_OLD_CAP,),  # ignored otherwise, without a word
    ),
    Vendor(
        name="lmstudio",
        dialects=_PLAIN,
        base_url="http://127.0.0.1:1234/v1",
        needs_key=False,
        quirks=(_OLD_CAP,),
    ),
    Vendor(name="vllm", dialects=_PLAIN, needs_key=False),
    Vendor(name="sglang", dialects=_PLAIN, needs_key=False),
    Vendor(name="openai-compatible", dialects=_PLAIN, needs_key=False),
    Vendor(
        name="demo",
        dialects=(CHAT, EMBEDDINGS),
        base_url="http://demo.invalid/v1",  # never asked: it answers in this process
        needs_key=False,
        models=DemoVendor.models,
        in_process=DemoVendor,
    ),
)

#: By name.
VENDORS: Final = {vendor.name: vendor for vendor in _ROWS}
