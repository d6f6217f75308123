"""
Where the texts are in a request.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.dialects.openai_chat.messages import MESSAGE_RULES, RESULT_RULES
from gateway.dialects.openai_chat.rules import (
    each_object,
    end_user,
    figures,
    label,
    labels,
    members,
    texts_of,
    token_biases,
    walk_members,
)
from gateway.dialects.shapes import (
    SCHEMA_WORDS,
    Rule,
    Walk,
    each,
    either,
    figure,
    free,
    said_by,
    text,
)
from gateway.views import (
    MESSAGE,
    NAME,
    PREDICTION,
    SCHEMA,
    TOOL_DEFINITION,
    UNKNOWN,
    Request,
    Text,
)

#: Whose words a message's are.
_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}

_PLAIN: Final = frozenset(("system", "developer", "user", "assistant"))

# --- messages -------------------------------------------------------------------------------


def _message(walk: Walk, message: dict[str, Any], position: int) -> None:
    role = message.get("role")
    content = message.get("content")
    if role.__class__ is not str:
        role = ""
    speaker = _ROLES.get(role, "user")
    if content.__class__ is str and len(message) == 2 and role in _PLAIN:
        if content:  # without a rule's call: most of a long conversation is this
            lane = ("messages", position, 0, 0, MESSAGE)
            walk.out.append(Text(walk.view, message, "content", MESSAGE, speaker, lane))
        return
    walk.role = speaker
    walk.lane = ("messages", position)
    walk_members(walk, message, RESULT_RULES if speaker == "tool" else MESSAGE_RULES)
    walk.role = "user"
    walk.lane = ()


# --- tools ----------------------------------------------------------------------------------

_schema = free(SCHEMA, SCHEMA_WORDS)
_defined = text(TOOL_DEFINITION)
_CACHE = members({"type": label, "ttl": label})

_FUNCTION = members(
    {
        "name": _defined,
        "description": _defined,
        "parameters": _schema,
        "strict": figure,
    }
)
_GRAMMAR = members(
    {
        "type": label,
        "grammar": members({"syntax": label, "definition": _defined}),
        "syntax": label,
        "definition": _defined,
    }
)
_CUSTOM = members({"name": _defined, "description": _defined, "format": _GRAMMAR})
_TOOLS: dict[str, Rule] = {
    "function": members(
        {"type": label, "function": _FUNCTION, "cache_control": _CACHE}
    ),
    "custom": members({"type": label, "custom": _CUSTOM}),
}
_other_tool = free(TOOL_DEFINITION)


def _tool(walk: Walk, box: Any, key: Any, value: Any) -> None:
    kind = value.get("type") if value.__class__ is dict else None
    rule = _TOOLS.get(kind) if kind.__class__ is str else None
    (rule or _other_tool)(walk, box, key, value)


_NAMED = members({"name": text(NAME)})
_CHOSEN: dict[str, Rule] = {
    "type": label,
    "function": _NAMED,
    "custom": _NAMED,
    "name": text(NAME),
    "mode": label,
}
_TOOL_CHOICE = members(
    {
        **_CHOSEN,
        "allowed_tools": members({"mode": label, "tools": each(members(_CHOSEN))}),
    }
)

# --- the rest -------------------------------------------------------------------------------

_FORMAT = members(
    {
        "type": label,
        "json_schema": members(
            {
                "name": text(SCHEMA),
                "description": text(SCHEMA),
                "schema": _schema,
                "strict": figure,
            }
        ),
        "schema": _schema,
    }
)
_PREDICTION = members(
    {"type": label, "content": either(text(PREDICTION), each(free(PREDICTION)))}
)
_WEB_SEARCH = members(
    {
        "search_context_size": label,
        "user_location": free(
            UNKNOWN, frozenset("type approximate city country region timezone".split())
        ),
    }
)
_POLICY = members({"mode": label})
_REASONING = members(
    {
        "effort": label,
        "summary": label,
        "max_tokens": figure,
        "exclude": figure,
        "enabled": figure,
    }
)


def _named(rule: Rule, name: str) -> Rule:
    """
    Make a rule whose texts have lanes below *name*.
    """

    def below(walk: Walk, box: Any, key: Any, value: Any) -> None:
        lane, walk.lane = walk.lane, (name,)
        rule(walk, box, key, value)
        walk.lane = lane

    return below


_FIGURES = (
    "frequency_penalty presence_penalty temperature top_p top_k min_p n seed logprobs "
    "top_logprobs max_tokens max_completion_tokens parallel_tool_calls store stream "
    "repetition_penalty safe_prompt random_seed include_reasoning enable_thinking"
).split()
_LABELS = (
    "model prompt_cache_key prompt_cache_retention reasoning_effort service_tier verbosity "
    "reasoning_format reasoning_summary"
).split()

_REQUEST: Final[dict[str, Rule]] = {
    **dict.fromkeys(_FIGURES, figure),
    **dict.fromkeys(_LABELS, label),
    "messages": each_object(_message),
    "tools": _named(said_by("system", each(_tool)), "tools"),
    "functions": _named(said_by("system", each(_FUNCTION)), "functions"),
    "tool_choice": either(label, _TOOL_CHOICE),
    "function_call": either(label, _NAMED),
    "response_format": _named(said_by("system", _FORMAT), "response_format"),
    "prediction": _named(_PREDICTION, "prediction"),
    "stop": _named(either(text(MESSAGE), each(text(MESSAGE))), "stop"),
    "metadata": _named(free(UNKNOWN), "metadata"),
    "logit_bias": token_biases,
    "user": end_user,
    "safety_identifier": end_user,
    "modalities": labels,
    "audio": members({"format": label, "voice": either(label, members({"id": label}))}),
    "stream_options": members({"include_usage": figure, "include_obfuscation": figure}),
    "prompt_cache_options": members({"mode": label, "ttl": label}),
    "web_search_options": _named(_WEB_SEARCH, "web_search_options"),
    "moderation": members(
        {"model": label, "policy": members({"input": _POLICY, "output": _POLICY})}
    ),
    "reasoning": _REASONING,
    "thinking": members({"type": label, "budget_tokens": figure}),
    "usage": figures(frozenset({"include"})),
}


def request_texts(request: Request) -> list[Text]:
    """
    List the texts of *request*.
    """
    return texts_of(request, "user", _REQUEST)
