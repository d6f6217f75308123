"""
Where the texts are in the items of tools that the provider defines, and in their results.

Source: the OpenAI API reference, "Create a model response", ``output``.
"""

from __future__ import annotations

from typing import Final

from gateway.dialects.openai_responses.part_shapes import RESULT_PART
from gateway.dialects.openai_responses.spoken import (
    arguments,
    blob,
    spoken,
    token,
    tokens,
)
from gateway.dialects.openai_responses.tool_shapes import (
    JSON_SCHEMA,
    TEXT,
    TEXT_SETTINGS,
    tool,
)
from gateway.dialects.shapes import (
    Shape,
    by_type,
    each,
    either,
    free,
    json_source,
    media,
    node,
    parsed_arguments,
    text,
)
from gateway.views import (
    ARGUMENTS,
    DOCUMENT,
    ERROR,
    MESSAGE,
    TOOL_DEFINITION,
    TOOL_RESULT,
)

ITEM: Shape = {"type": None, **tokens("id status created_by")}
CALL: Shape = {
    **ITEM,
    **tokens("call_id name namespace async"),
    "caller": node(tokens("type caller_id")),
}
_SAID: Final = text(ARGUMENTS)
_RESULT: Final = text(TOOL_RESULT)
_ERROR: Final = either(
    text(ERROR),
    node(
        {
            **tokens("type code param"),
            "message": text(ERROR),
            "content": free(ERROR),
            "moderation_details": node(tokens("categories moderation_stage")),
        }
    ),
)
_SAFETY_CHECKS: Final = each(node({**tokens("id code"), "message": text(ERROR)}))

_GESTURE: Final = node(
    {
        **tokens("type button x y scroll_x scroll_y"),
        "keys": _SAID,
        "text": _SAID,
        "path": each(node(tokens("x y"))),
    }
)
_SEARCH: Final = node(
    {
        "type": token,
        "query": _SAID,
        "queries": _SAID,
        "pattern": _SAID,
        "url": _SAID,
        "sources": each(
            node({"type": token, "name": _RESULT, "url": _RESULT, "title": _RESULT})
        ),
    }
)
_FOUND: Final = each(
    node(
        {
            **tokens("file_id vector_store_id score"),
            "attributes": free(TOOL_RESULT),
            "filename": text(DOCUMENT),
            "text": _RESULT,
        }
    )
)
_LOCAL_COMMAND: Final = node(
    {
        **tokens("type timeout_ms user"),
        "command": _SAID,
        "env": free(ARGUMENTS),
        "working_directory": _SAID,
    }
)
_COMMANDS: Final = node(
    {**tokens("max_output_length timeout_ms"), "commands": each(spoken(ARGUMENTS))}
)
_SKILLS: Final = each(node({"name": TEXT, "description": TEXT, "path": TEXT}))
SHELL_OUTPUTS: Final = each(
    node(
        {
            "created_by": token,
            "outcome": node(tokens("type exit_code")),
            "stdout": spoken(TOOL_RESULT, name="stdout"),
            "stderr": spoken(TOOL_RESULT, name="stderr"),
        }
    )
)
_INTERPRETED: Final = by_type(
    {
        "logs": node({"type": None, "logs": _RESULT}),
        "image": node({"type": None, "url": media}),
    }
)
_LISTED_TOOL: Final = node(
    {
        "name": token,
        "description": TEXT,
        "input_schema": JSON_SCHEMA,
        "annotations": free(TOOL_DEFINITION),
    }
)

#: What the model asks of a tool that the provider defines.
CALLS: Final[dict[str, Shape]] = {
    "file_search_call": {**ITEM, "queries": _SAID, "results": _FOUND},
    "web_search_call": {**ITEM, "action": _SEARCH, "results": free(TOOL_RESULT)},
    "computer_call": {
        **CALL,
        "action": _GESTURE,
        "actions": each(_GESTURE),
        "pending_safety_checks": _SAFETY_CHECKS,
    },
    "image_generation_call": {
        **ITEM,
        **tokens("action background output_format quality size"),
        "result": media,
        "revised_prompt": _SAID,
        "error": _ERROR,
        "svg_usage": node(
            tokens("model input_tokens output_tokens reasoning_tokens total_tokens")
        ),
    },
    "code_interpreter_call": {
        **ITEM,
        "container_id": token,
        "code": spoken(ARGUMENTS, part=(0,)),
        "outputs": each(_INTERPRETED),
    },
    "local_shell_call": {**CALL, "action": _LOCAL_COMMAND},
    "shell_call": {
        **CALL,
        "action": _COMMANDS,
        "environment": node({**tokens("type container_id"), "skills": _SKILLS}),
    },
    "apply_patch_call": {
        **CALL,
        "operation": node({"type": token, "path": _SAID, "diff": _SAID}),
    },
    "mcp_call": {
        **ITEM,
        **tokens("name server_label approval_request_id"),
        "arguments": arguments,
        "output": _RESULT,
        "error": _ERROR,
    },
    "mcp_list_tools": {
        **ITEM,
        "server_label": token,
        "tools": each(_LISTED_TOOL),
        "error": _ERROR,
    },
    "mcp_approval_request": {
        **ITEM,
        **tokens("name server_label"),
        "arguments": json_source(),
    },
    "program": {**CALL, "code": _SAID, "fingerprint": blob},
    "tool_search_call": {**CALL, "execution": token, "arguments": parsed_arguments},
}

#: What such a tool gave back.
RESULTS: Final[dict[str, Shape]] = {
    "computer_call_output": {
        **CALL,
        "output": RESULT_PART,
        "acknowledged_safety_checks": _SAFETY_CHECKS,
    },
    "local_shell_call_output": {**CALL, "output": _RESULT},
    "shell_call_output": {
        **CALL,
        "max_output_length": token,
        "output": SHELL_OUTPUTS,
    },
    "apply_patch_call_output": {**CALL, "output": _RESULT},
    "mcp_approval_response": {
        **ITEM,
        **tokens("approval_request_id approve"),
        "reason": text(MESSAGE),
    },
    "program_output": {**CALL, "result": _RESULT},
    "tool_search_output": {**CALL, "execution": token, "tools": each(tool)},
}

#: What steers the conversation rather than being said in it.
SETTINGS: Final[dict[str, Shape]] = {
    "additional_tools": {**ITEM, "role": token, "tools": each(tool)},
    "configuration_update": {
        **ITEM,
        "reasoning": node(tokens("effort summary context mode")),
        "text": TEXT_SETTINGS,
    },
    "compaction": {**ITEM, "encrypted_content": blob},
    "compaction_trigger": ITEM,
    "item_reference": ITEM,
}
