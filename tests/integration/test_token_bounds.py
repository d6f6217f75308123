"""
Bytes bound tokens: no tokenizer, in no provider's template, makes more of a request than that.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import codec
from gateway.catalog import ModelFacts
from gateway.testing import make_request
from gateway_encodings import PackedEncoding
from gateway_governance.bounds import bound_of

FACTS = ModelFacts(provider="openai", model="gpt-4o", max_output_tokens=100)
ENCODINGS = (PackedEncoding("o200k_base"), PackedEncoding("cl100k_base"))
#: Tokens that a template puts round a message: its start, its role's end, its end, a name.
AROUND = 4

ODD = st.sampled_from(
    [
        "",
        " ",
        "\n\n",
        '"',
        "\\",
        "\t",
        "é",
        "🙂",
        "中文",
        "\u2028",
        "a" * 50,
        "0" * 9,
        "\0",
    ]
)
WORDS = st.lists(
    st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    max_size=12,
).map("".join)
ROLES = st.sampled_from(["user", "assistant"])
TURNS = st.lists(st.tuples(ROLES, WORDS), min_size=1, max_size=6)
TOOLS = st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=4)), max_size=3)


def schema(described: list[str]) -> dict:
    return {
        "type": "object",
        "properties": {
            f"p{number}": {"type": "string", "description": words}
            for number, words in enumerate(described)
        },
    }


def typescript(name: str, words: str, described: list[str]) -> str:
    """
    Write a tool as OpenAI's models are shown one.
    """
    members = "".join(
        f"// {line}\np{number}?: string,\n" for number, line in enumerate(described)
    )
    return f"// {words}\ntype {name} = (_: {{\n{members}}}) => any;\n\n"


def chat(turns, tools):
    body = {
        "messages": [{"role": role, "content": text} for role, text in turns],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": f"f{number}",
                    "description": words,
                    "parameters": schema(described),
                },
            }
            for number, (words, described) in enumerate(tools)
        ],
    }
    shown = [
        typescript(f"f{number}", words, described)
        for number, (words, described) in enumerate(tools)
    ]
    return body, [
        *turns,
        ("system", "# Tools\n\nnamespace functions {\n"),
        *plain(shown),
    ]


def responses(turns, tools):
    body = {
        "input": [{"role": role, "content": text} for role, text in turns],
        "tools": [
            {
                "type": "function",
                "name": f"f{number}",
                "description": words,
                "parameters": schema(described),
            }
            for number, (words, described) in enumerate(tools)
        ],
    }
    return body, chat(turns, tools)[1]


def messages(turns, tools):
    body = {
        "max_tokens": 9,
        "messages": [{"role": role, "content": text} for role, text in turns],
        "tools": [
            {
                "name": f"f{number}",
                "description": words,
                "input_schema": schema(described),
            }
            for number, (words, described) in enumerate(tools)
        ],
    }
    shown = [codec.dumps(tool).decode() for tool in body["tools"]]
    return body, [*turns, *plain(shown)]


def completions(turns, tools):
    return {"prompt": [text for _, text in turns]}, plain(text for _, text in turns)


def embeddings(turns, tools):
    return {"input": [text for _, text in turns]}, plain(text for _, text in turns)


def plain(texts):
    return [("", text) for text in texts]


DIALECTS = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic_messages": messages,
    "openai_completions": completions,
    "openai_embeddings": embeddings,
}


@pytest.mark.parametrize("dialect", DIALECTS)
@given(turns=TURNS, tools=TOOLS, is_escaped=st.booleans())
def test_no_prompt_has_more_tokens_than_its_bound(dialect, turns, tools, is_escaped):
    """
    Counted as the provider's template would hold it, a prompt stays within its bound.
    """
    body, shown = DIALECTS[dialect](turns, tools)
    body = {"model": "m", **{key: value for key, value in body.items() if value != []}}
    raw = json.dumps(body, ensure_ascii=is_escaped).encode()
    request = make_request(raw, dialect=dialect)

    found = bound_of(request, FACTS, request.operation)

    for encoding in ENCODINGS:
        tokens = sum(
            encoding.count(role) + encoding.count(text) + AROUND for role, text in shown
        )
        assert tokens <= found.input_tokens
        if not tools:  # nothing but the messages: their bytes alone bound them
            assert tokens <= found.text_tokens
