"""
Where the texts are in requests and whole responses.

Source: the OpenAI API reference, "Create a model response" and "The response object".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_responses.item_shapes import items
from gateway.dialects.openai_responses.part_shapes import PART
from gateway.dialects.openai_responses.spoken import (
    ANSWER,
    SpokenWalk,
    token,
    token_or,
    tokens,
)
from gateway.dialects.openai_responses.tool_shapes import (
    TEXT_SETTINGS,
    TOOL_CHOICE,
    tool,
)
from gateway.dialects.shapes import (
    Rule,
    Shape,
    Walk,
    each,
    either,
    everything,
    free,
    node,
    said_by,
    text,
    unknown,
    walk_other,
)
from gateway.views import ERROR, MESSAGE, NAME, UNKNOWN

if TYPE_CHECKING:
    from gateway.views import Request, Response, Text

_CATEGORY = re.compile(r"[\w/-]{1,64}", re.ASCII)


def request_texts(request: Request) -> list[Text]:
    """
    List the texts of *request*.
    """
    walk = SpokenWalk(request, "user", is_answer=False)
    walk_document(walk, request.doc, REQUEST)
    return walk.out


def response_texts(response: Response) -> list[Text]:
    """
    List the texts of *response*, which may be an error.
    """
    walk = SpokenWalk(response, None, is_answer=True)
    walk_document(walk, response.doc, RESPONSE)
    return walk.out


def walk_document(walk: Walk, doc: Any, shape: Shape) -> None:
    """
    Walk a whole document, which may be any JSON.
    """
    if doc.__class__ is dict:
        walk.shape(doc, shape)
    else:
        walk_other(walk, doc)


def _output(walk: Walk, box: Any, key: Any, value: Any) -> None:
    before, walk.lane = walk.lane, ANSWER
    items(walk, box, key, value)
    walk.lane = before


def _variables(walk: Walk, box: Any, key: Any, value: Any) -> None:
    # The template's author chose the names; the caller fills in strings or content parts.
    if value.__class__ is not dict:
        everything(walk, box, key, value, UNKNOWN)
        return
    for name, member in value.items():
        (PART if member.__class__ is dict else unknown)(walk, value, name, member)


def _by_category(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is not dict:
        everything(walk, box, key, value, UNKNOWN)
        return
    for name, member in value.items():
        known = _CATEGORY.fullmatch(name) is not None
        (token if known else unknown)(walk, value, name, member)


_MODERATED: Final = node(
    {
        **tokens("type model code flagged mode"),
        **dict.fromkeys(
            ("categories", "category_scores", "category_applied_input_types"),
            _by_category,
        ),
        "message": text(ERROR, "provider"),
    }
)
_MODERATION: Final = node(
    {
        "model": token,
        "policy": node(dict.fromkeys(("input", "output"), node(tokens("mode")))),
        "input": _MODERATED,
        "output": _MODERATED,
    }
)

#: An error, as a body's ``error`` and as a failed response's.
ERROR_SHAPE: Shape = {
    **tokens("type code param status"),
    "message": text(ERROR, "provider"),
    "misalignment": node(
        {
            **tokens("error_type review_target"),
            "detailed_explanation": text(ERROR, "provider"),
            "steer": node({"message": text(ERROR, "provider")}),
        }
    ),
}

#: What a request asks for and a response says again.
_SETTINGS: Final[dict[str, Rule | None]] = {
    **tokens(
        "background max_output_tokens max_tool_calls model parallel_tool_calls"
        " previous_response_id prompt_cache_key prompt_cache_retention service_tier store"
        " temperature top_logprobs top_p truncation"
    ),
    **dict.fromkeys(("safety_identifier", "user"), text(NAME)),
    "access_programs": node(tokens("cyber")),
    "context_management": each(node(tokens("type compact_threshold"))),
    "conversation": token_or(node(tokens("id"))),
    "image": node(tokens("context_compression")),
    "instructions": said_by("system", either(text(MESSAGE), items)),
    "metadata": free(UNKNOWN),
    "moderation": _MODERATION,
    "prompt": node({**tokens("id version"), "variables": _variables}),
    "prompt_cache_options": node(tokens("mode ttl prewarm comparison_response_id")),
    "reasoning": node(tokens("effort summary generate_summary context mode")),
    "text": TEXT_SETTINGS,
    "tool_choice": TOOL_CHOICE,
    "tools": each(tool),
}

REQUEST: Final[Shape] = {
    **_SETTINGS,
    **tokens("include stream"),
    "input": either(text(MESSAGE), items),
    "stream_options": node(tokens("include_obfuscation")),
}

_TOKENS: Final = node(
    {
        **tokens("input_tokens output_tokens total_tokens cached_tokens"),
        **dict.fromkeys(
            ("input_tokens_details", "output_tokens_details", "cached_tokens_details"),
            node(
                {
                    **tokens(
                        "cached_tokens cache_write_tokens reasoning_tokens image_tokens"
                        " text_tokens audio_tokens cached_image_tokens cached_text_tokens"
                    ),
                    "cache_write_tokens_details": node(
                        tokens("ttl_30m_tokens ttl_12h_tokens")
                    ),
                }
            ),
        ),
    }
)

RESPONSE: Final[Shape] = {
    **_SETTINGS,
    **tokens("id object created_at completed_at status"),
    **tokens("frequency_penalty presence_penalty"),
    "billing": node(tokens("payer")),
    "error": node(ERROR_SHAPE),
    "incomplete_details": node(tokens("reason raw")),
    "input_transformations": each(node(tokens("id action reason type"))),
    "output": _output,
    "prompt_cache_diagnostics": node(
        tokens("type reason cache_missed_tokens comparison_reusable_tokens")
    ),
    "tool_usage": node(
        {"image_gen": _TOKENS, "web_search": node(tokens("num_requests"))}
    ),
    "usage": _TOKENS,
}
