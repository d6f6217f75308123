"""
Where the texts are in Anthropic's content blocks and tool definitions.

Source: Anthropic's API reference, messages, versions 2023-06-01 to 2026-10-21, with the
betas that coding agents send.  What is not listed here is of kind ``unknown``.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.dialects.anthropic_messages.rules import (
    CACHE,
    ids,
    mapping,
    opaque,
    sealed_by,
)
from gateway.dialects.media import document, document_link
from gateway.dialects.shapes import (
    SCHEMA_WORDS,
    Rule,
    Walk,
    by_type,
    each,
    either,
    free,
    identifier,
    node,
    parsed_arguments,
    said_by,
    text,
)
from gateway.views import (
    ANNOTATION,
    DOCUMENT,
    MESSAGE,
    NAME,
    REASONING,
    SUMMARY,
    TOOL_DEFINITION,
    TOOL_RESULT,
)

_CALLER = node(ids("type tool_id"))
_SWITCH = node(ids("enabled"))

#: Where in a document, or on the web, a text comes from.
CITATION: Final = node(
    {
        **ids("type document_index search_result_index file_id"),
        **ids("start_char_index end_char_index start_page_number end_page_number"),
        **ids("start_block_index end_block_index"),
        "cited_text": text(ANNOTATION),
        "document_title": text(ANNOTATION),
        "title": text(ANNOTATION),
        "source": text(ANNOTATION),
        "url": text(ANNOTATION),
        "encrypted_index": opaque,
    }
)


def _text_block(kind: str) -> Rule:
    return node(
        {
            "type": None,
            "text": text(kind),
            "citations": each(CITATION),
            "cache_control": CACHE,
        }
    )


_IMAGE = node(
    {
        "type": None,
        "source": by_type(
            {
                "base64": node(
                    {"type": None, "media_type": identifier, "data": document}
                ),
                "url": node({"type": None, "url": document_link}),
                "file": node({"type": None, "file_id": identifier}),
            }
        ),
        "transformations": node(ids("oversized_image")),
        "cache_control": CACHE,
    }
)

_DOCUMENT = node(
    {
        "type": None,
        "source": by_type(
            {
                "base64": node(
                    {"type": None, "media_type": identifier, "data": document}
                ),
                "text": node(
                    {"type": None, "media_type": identifier, "data": text(DOCUMENT)}
                ),
                "content": node(
                    {
                        "type": None,
                        "content": either(
                            text(DOCUMENT),
                            each(
                                by_type(
                                    {"text": _text_block(DOCUMENT), "image": _IMAGE}
                                )
                            ),
                        ),
                    }
                ),
                "url": node({"type": None, "url": document_link}),
                "file": node({"type": None, "file_id": identifier}),
            }
        ),
        "title": text(DOCUMENT),
        "context": text(DOCUMENT),
        "citations": _SWITCH,
        "cache_control": CACHE,
    }
)

_SEARCH_RESULT = node(
    {
        "type": None,
        "source": text(DOCUMENT),
        "title": text(DOCUMENT),
        "content": each(by_type({"text": _text_block(DOCUMENT)})),
        "citations": _SWITCH,
        "cache_control": CACHE,
    }
)

_TOOL_REFERENCE = node(
    {"type": None, **ids("name server_name tool_name"), "cache_control": CACHE}
)

_BROWSER_STATE = node(
    {
        "type": None,
        "tabs": each(
            node(
                {
                    **ids("tab_id active"),
                    "title": text(TOOL_RESULT),
                    "url": text(TOOL_RESULT),
                }
            )
        ),
        "state_changes": each(
            node(
                {
                    **ids("type tab_id download_id size_bytes"),
                    "url": text(TOOL_RESULT),
                    "path": text(TOOL_RESULT),
                    "error": text(TOOL_RESULT),
                }
            )
        ),
        "cache_control": CACHE,
    }
)

_RESULT_CONTENT = by_type(
    {
        "text": _text_block(TOOL_RESULT),
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_reference": _TOOL_REFERENCE,
        "browser_state": _BROWSER_STATE,
    }
)


def _result(content: Rule) -> Rule:
    return said_by(
        "tool",
        node(
            {
                "type": None,
                **ids("tool_use_id is_error toolset_name"),
                "content": content,
                "cache_control": CACHE,
                "caller": _CALLER,
            }
        ),
    )


def _hosted_result(**shapes: Rule) -> Rule:
    # One object, or a list of them; an error has a code and perhaps a message.
    one = by_type(
        {
            name: node(
                {
                    "type": None,
                    "error_code": identifier,
                    "error_message": text(TOOL_RESULT),
                }
            )
            if name.endswith("_error")
            else rule
            for name, rule in shapes.items()
        }
    )

    def content(walk: Walk, box: Any, key: Any, value: Any) -> None:
        (each(one) if value.__class__ is list else one)(walk, box, key, value)

    return _result(content)


_RAN = node(
    {
        "type": None,
        "stdout": text(TOOL_RESULT),
        "stderr": text(TOOL_RESULT),
        "encrypted_stdout": opaque,
        "return_code": identifier,
        "content": each(node(ids("type file_id"))),
    }
)
_EDITED = node(
    {
        "type": None,
        **ids("file_type num_lines start_line total_lines is_file_update"),
        **ids("new_lines new_start old_lines old_start"),
        "content": text(TOOL_RESULT),
        "lines": text(TOOL_RESULT),
    }
)

_TOOL_USE = node(
    {
        "type": None,
        **ids("id name toolset_name server_name"),
        "input": parsed_arguments,
        "caller": _CALLER,
        "cache_control": CACHE,
    }
)

#: A tool that the caller offers, of whatever kind.
DEFINITION: Final = said_by(
    "system",
    node(
        {
            **ids("type name strict defer_loading eager_input_streaming max_uses"),
            **ids("max_content_tokens max_characters max_tokens model use_cache"),
            **ids("display_height_px display_width_px display_number enable_zoom"),
            **ids("response_inclusion mcp_server_name"),
            "description": text(TOOL_DEFINITION),
            "input_schema": free(TOOL_DEFINITION, SCHEMA_WORDS),
            "input_examples": free(TOOL_DEFINITION),
            "allowed_callers": each(identifier),
            "allowed_domains": each(identifier),
            "blocked_domains": each(identifier),
            "cache_control": CACHE,
            "caching": CACHE,
            "citations": _SWITCH,
            "configs": mapping(node(ids("enabled defer_loading"))),
            "default_config": node(ids("enabled defer_loading")),
            "tools": each(
                node(
                    {
                        "name": identifier,
                        "description": text(TOOL_DEFINITION),
                        "input_schema": free(TOOL_DEFINITION, SCHEMA_WORDS),
                    }
                )
            ),
            "url_sources": mapping(
                node({"type": identifier, "tools": each(node(ids("type name")))})
            ),
            "user_location": node(
                {
                    **ids("type timezone"),
                    "city": text(NAME, "user"),
                    "region": text(NAME, "user"),
                    "country": text(NAME, "user"),
                }
            ),
        }
    ),
)

_TOOL_CHANGE = node(
    {
        "type": None,
        "tool": node({**ids("type name server_name"), "definition": DEFINITION}),
        "cache_control": CACHE,
    }
)

_BLOCKS: Final = {
    "text": _text_block(MESSAGE),
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "thinking": sealed_by(
        ("signature",),
        node({"type": None, "thinking": text(REASONING), "signature": opaque}),
    ),
    "redacted_thinking": node({"type": None, "data": opaque}),
    "tool_use": _TOOL_USE,
    "server_tool_use": _TOOL_USE,
    "mcp_tool_use": _TOOL_USE,
    "tool_result": _result(either(text(TOOL_RESULT), each(_RESULT_CONTENT))),
    "mcp_tool_result": _result(either(text(TOOL_RESULT), each(_RESULT_CONTENT))),
    "web_search_tool_result": _hosted_result(
        web_search_tool_result_error=identifier,
        web_search_result=node(
            {
                "type": None,
                "title": text(TOOL_RESULT),
                "url": text(TOOL_RESULT),
                "page_age": text(TOOL_RESULT),
                "encrypted_content": opaque,
            }
        ),
    ),
    "web_fetch_tool_result": _hosted_result(
        web_fetch_tool_result_error=identifier,
        web_fetch_result=node(
            {
                "type": None,
                "url": text(TOOL_RESULT),
                "retrieved_at": identifier,
                "content": by_type({"document": _DOCUMENT}),
            }
        ),
    ),
    "code_execution_tool_result": _hosted_result(
        code_execution_tool_result_error=identifier,
        code_execution_result=_RAN,
        encrypted_code_execution_result=_RAN,
    ),
    "bash_code_execution_tool_result": _hosted_result(
        bash_code_execution_tool_result_error=identifier,
        bash_code_execution_result=_RAN,
    ),
    "text_editor_code_execution_tool_result": _hosted_result(
        text_editor_code_execution_tool_result_error=identifier,
        text_editor_code_execution_view_result=_EDITED,
        text_editor_code_execution_create_result=_EDITED,
        text_editor_code_execution_str_replace_result=_EDITED,
    ),
    "tool_search_tool_result": _hosted_result(
        tool_search_tool_result_error=identifier,
        tool_search_tool_search_result=node(
            {"type": None, "tool_references": each(node(ids("type tool_name")))}
        ),
    ),
    "advisor_tool_result": _hosted_result(
        advisor_tool_result_error=identifier,
        advisor_result=node(
            {"type": None, "text": text(TOOL_RESULT), "stop_reason": identifier}
        ),
        advisor_redacted_result=node(
            {"type": None, "encrypted_content": opaque, "stop_reason": identifier}
        ),
    ),
    "container_upload": node(
        {"type": None, "file_id": identifier, "cache_control": CACHE}
    ),
    "compaction": sealed_by(
        ("signature", "encrypted_content"),
        node(
            {
                "type": None,
                "content": text(SUMMARY),
                "encrypted_content": opaque,
                "signature": opaque,
                "tool_changes": each(
                    by_type(
                        {"tool_addition": _TOOL_CHANGE, "tool_removal": _TOOL_CHANGE}
                    )
                ),
                "cache_control": CACHE,
            }
        ),
    ),
    "tool_addition": _TOOL_CHANGE,
    "tool_removal": _TOOL_CHANGE,
    "mcp_tool_listing": DEFINITION,
    "fallback": node(
        {
            "type": None,
            "from": node(ids("model")),
            "to": node(ids("model")),
            "trigger": node(ids("type category")),
        }
    ),
}

#: A content block, wherever one may stand.
BLOCK: Final = by_type(_BLOCKS)
#: A list of them, each in a lane of its own.
CONTENT: Final = each(BLOCK)
