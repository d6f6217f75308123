"""
Where the texts are in the definitions of tools.

Source: the OpenAI API reference, "Create a model response", ``tools`` and ``tool_choice``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.media import document
from gateway.dialects.openai_responses.spoken import token, token_or, tokens
from gateway.dialects.shapes import (
    SCHEMA_WORDS,
    Rule,
    Shape,
    by_type,
    each,
    either,
    everything,
    free,
    node,
    text,
)
from gateway.views import SCHEMA, TOOL_DEFINITION, UNKNOWN

if TYPE_CHECKING:
    from gateway.dialects.shapes import Walk

TEXT: Final = text(TOOL_DEFINITION)
JSON_SCHEMA: Final = free(SCHEMA, SCHEMA_WORDS)


def tool(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Walk the definition of one tool; the caller's system speaks there.
    """
    kind = value.get("type") if value.__class__ is dict else None
    shape = TOOLS.get(kind) if kind.__class__ is str else None
    before, walk.role = walk.role, "system"
    if shape is None:
        everything(walk, box, key, value, UNKNOWN)
    else:
        walk.shape(value, shape)
    walk.role = before


_FUNCTION: Shape = {
    **tokens("type name strict defer_loading async allowed_callers"),
    "description": TEXT,
    "parameters": JSON_SCHEMA,
    "output_schema": JSON_SCHEMA,
}
_CUSTOM: Shape = {
    **tokens("type name defer_loading async allowed_callers"),
    "description": TEXT,
    "format": node({**tokens("type syntax"), "definition": TEXT}),
}
_FILE_SEARCH: Shape = {
    **tokens("type vector_store_ids max_num_results"),
    "filters": free(TOOL_DEFINITION, frozenset({"type", "key", "value", "filters"})),
    "ranking_options": node(
        {
            **tokens("ranker score_threshold"),
            "hybrid_search": node(tokens("embedding_weight text_weight")),
        }
    ),
}
_WEB_SEARCH: Shape = {
    **tokens("type external_web_access search_context_size search_content_types"),
    "filters": node(tokens("allowed_domains blocked_domains")),
    "user_location": node(
        {**tokens("type timezone"), "city": TEXT, "country": TEXT, "region": TEXT}
    ),
}
_TOOL_FILTER: Final = node(tokens("read_only tool_names"))
_MCP: Shape = {
    **tokens("type server_label allowed_callers connector_id defer_loading tunnel_id"),
    "authorization": token,
    "allowed_tools": token_or(_TOOL_FILTER),
    "headers": free(TOOL_DEFINITION),
    "require_approval": token_or(node({"always": _TOOL_FILTER, "never": _TOOL_FILTER})),
    "server_description": TEXT,
    "server_url": TEXT,
}
_SECRET: Shape = {"domain": token, "name": token, "value": TEXT}
_SKILL: Shape = {
    **tokens("type skill_id version"),
    "name": TEXT,
    "description": TEXT,
    "path": TEXT,
    "source": node({**tokens("type media_type"), "data": document}),
}
_CONTAINER: Final = token_or(
    node(
        {
            **tokens("type container_id file_ids memory_limit"),
            "network_policy": node(
                {
                    **tokens("type allowed_domains"),
                    "domain_secrets": each(node(_SECRET)),
                }
            ),
            "skills": each(node(_SKILL)),
        }
    )
)
_IMAGE_GENERATION: Shape = {
    **tokens(
        "type action background complexity frame_count frame_duration_ms input_fidelity"
        " model moderation output_compression output_format partial_images quality size"
    ),
    "input_image_mask": node({"file_id": token, "image_url": document}),
    "svg": node({"model": token, "reasoning": node(tokens("effort"))}),
}
_TOOL_SEARCH: Shape = {
    **tokens("type execution"),
    "description": TEXT,
    "parameters": JSON_SCHEMA,
}
_PLAIN: Shape = tokens("type allowed_callers")

TOOLS: Final[dict[str, Shape]] = {
    "function": _FUNCTION,
    "custom": _CUSTOM,
    "namespace": {
        **tokens("type name"),
        "description": TEXT,
        "tools": each(tool),
    },
    "file_search": _FILE_SEARCH,
    "web_search": _WEB_SEARCH,
    "web_search_2025_08_26": _WEB_SEARCH,
    "web_search_preview": _WEB_SEARCH,
    "web_search_preview_2025_03_11": _WEB_SEARCH,
    "mcp": _MCP,
    "code_interpreter": {**_PLAIN, "container": _CONTAINER},
    "shell": {**_PLAIN, "environment": _CONTAINER},
    "local_shell": _PLAIN,
    "apply_patch": _PLAIN,
    "programmatic_tool_calling": _PLAIN,
    "computer": _PLAIN,
    "computer_use_preview": tokens("type display_height display_width environment"),
    "image_generation": _IMAGE_GENERATION,
    "tool_search": _TOOL_SEARCH,
}

_NAMED: Shape = tokens("type name server_label")
TOOL_CHOICE: Final = token_or(
    node({**_NAMED, "mode": token, "tools": each(node(_NAMED))})
)

_FORMAT: Rule = by_type(
    {
        "text": node(tokens("type")),
        "json_object": node(tokens("type")),
        "json_schema": node(
            {
                **tokens("type name strict"),
                "description": text(SCHEMA),
                "schema": JSON_SCHEMA,
            }
        ),
    }
)
#: ``text``: what the answer's text must be.
TEXT_SETTINGS: Final = either(
    text(UNKNOWN), node({"verbosity": token, "format": _FORMAT})
)
