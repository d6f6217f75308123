"""
Media and named state are found wherever a dialect lets them stand.
"""

from __future__ import annotations

import pytest

from gateway_governance.bodies import READERS, TOOLS, Tally, read_tools

PNG = "iVBORw0KGgoAAAANSUhEUgAAAgAAAAIACAIAAAB7GkOt"  # the head of one of 512 x 512
MODELS = {
    "anthropic_messages": "claude-sonnet-4-5",
    "openai_embeddings": "jina-clip",
}
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
BLOCK = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
}


def read(dialect: str, **body) -> Tally:
    tally = Tally(MODELS.get(dialect, "gpt-4o"))
    READERS[dialect](tally, body)
    return tally


def said(*parts, **more):
    return [{"role": "user", "content": list(parts), **more}]


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        pytest.param("openai_chat", {"messages": said(IMAGE)}, id="chat"),
        pytest.param(
            "openai_chat",
            {"messages": said({"type": "image_url", "image_url": f"data:x,{PNG}"})},
            id="chat-short",
        ),
        pytest.param(
            "openai_chat",
            {
                "messages": said(
                    {
                        "type": "file",
                        "file": {"file_data": f"data:image/png;base64,{PNG}"},
                    }
                )
            },
            id="chat-file",
        ),
        pytest.param(
            "openai_responses",
            {
                "input": said(
                    {"type": "input_image", "image_url": f"data:image/png,{PNG}"}
                )
            },
            id="responses",
        ),
        pytest.param(
            "openai_responses",
            {
                "input": [
                    {
                        "type": "function_call_output",
                        "output": [
                            {"type": "input_image", "image_url": f"data:x,{PNG}"}
                        ],
                    }
                ]
            },
            id="responses-result",
        ),
        pytest.param(
            "openai_responses",
            {
                "input": [
                    {
                        "type": "computer_call_output",
                        "output": {
                            "type": "computer_screenshot",
                            "image_url": f"data:x,{PNG}",
                        },
                    }
                ]
            },
            id="responses-screen",
        ),
        pytest.param(
            "openai_responses",
            {"input": [{"type": "image_generation_call", "result": PNG}]},
            id="responses-generated",
        ),
        pytest.param("anthropic_messages", {"messages": said(BLOCK)}, id="messages"),
        pytest.param(
            "anthropic_messages",
            {"messages": [], "system": [BLOCK]},
            id="messages-system",
        ),
        pytest.param(
            "anthropic_messages",
            {"messages": said({"type": "tool_result", "content": [BLOCK]})},
            id="messages-result",
        ),
        pytest.param(
            "anthropic_messages",
            {
                "messages": said(
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [BLOCK]},
                    }
                )
            },
            id="messages-document",
        ),
        pytest.param("openai_embeddings", {"input": [{"image": PNG}]}, id="embeddings"),
    ],
)
def test_images_are_no_text(dialect, body):
    """
    An image's bytes are not counted as words, its tokens by the vendor's rule.
    """
    tally = read(dialect, **body)

    assert tally.images == 1
    assert tally.media_bytes == len(PNG)
    assert tally.media_tokens >= 255
    assert tally.named == []


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        pytest.param(
            "openai_chat",
            {
                "messages": said(
                    {"type": "image_url", "image_url": {"url": "https://a/b"}}
                )
            },
            id="address",
        ),
        pytest.param(
            "openai_responses",
            {"input": said({"type": "input_image", "file_id": "file-1"})},
            id="file",
        ),
        pytest.param(
            "anthropic_messages",
            {
                "messages": said(
                    {"type": "image", "source": {"type": "url", "url": "x"}}
                )
            },
            id="url",
        ),
    ],
)
def test_images_elsewhere_cost_the_most(dialect, body):
    """
    An image that is not in the body costs what the largest does.
    """
    tally = read(dialect, **body)

    assert tally.media_bytes == 0
    assert tally.media_tokens in {1445 + 16, 1600 + 16}


def test_sound_is_measured():
    """
    Sound is no text, whichever dialect it comes in.
    """
    part = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}

    for tally in (
        read("openai_chat", messages=said(part)),
        read("openai_responses", input=said(part)),
    ):
        assert (tally.media_bytes, tally.media_tokens > 16) == (8, True)


@pytest.mark.parametrize(
    ("dialect", "body", "named"),
    [
        pytest.param(
            "openai_chat",
            {"messages": said({"type": "file", "file": {"file_id": "f"}})},
            ["messages[0].content[0]"],
            id="chat-file",
        ),
        pytest.param(
            "openai_chat",
            {"messages": said({"type": "video_url", "video_url": {"url": "x"}})},
            ["messages[0].content[0] video_url"],
            id="chat-new",
        ),
        pytest.param(
            "openai_chat",
            {"messages": said({"type": "no kind: a sentence"}, {})},
            ["messages[0].content[0]", "messages[0].content[1]"],
            id="chat-odd",
        ),
        pytest.param(
            "openai_chat",
            {"messages": said(audio={"id": "audio_1"})},
            ["messages[0].audio"],
            id="chat-spoken",
        ),
        pytest.param(
            "openai_responses",
            {
                "input": "hi",
                "previous_response_id": "r",
                "conversation": {"id": "c"},
                "prompt": {"id": "p"},
            },
            ["previous_response_id", "conversation", "prompt"],
            id="responses-state",
        ),
        pytest.param(
            "anthropic_messages",
            {
                "messages": said("hi"),
                "thread": {"type": "continue", "previous_message_id": "msg_1"},
            },
            ["thread"],
            id="messages-state",
        ),
        pytest.param(
            "anthropic_messages",
            {"messages": said("hi"), "thread": {"type": "create"}},
            [],
            id="messages-state-begins",
        ),
        pytest.param(
            "openai_responses",
            {
                "input": [
                    {"id": "r"},
                    {"type": "holodeck"},
                    *said({"type": "input_file", "file_url": "https://a"}),
                ]
            },
            ["input[0] item_reference", "input[1] holodeck", "input[2].content[0]"],
            id="responses-items",
        ),
        pytest.param(
            "anthropic_messages",
            {
                "messages": said(
                    PDF,
                    {"type": "document", "source": {"type": "file", "file_id": "f"}},
                    {"type": "container_upload", "file_id": "f"},
                    {
                        "type": "web_fetch_tool_result",
                        "content": {"type": "web_fetch_result", "content": PDF},
                    },
                )
            },
            [
                "messages[0].content[0]",
                "messages[0].content[1]",
                "messages[0].content[2] container_upload",
                "messages[0].content[3].content[0].content[0]",
            ],
            id="messages",
        ),
        pytest.param(
            "openai_embeddings",
            {"input": ["a", {"text": "b"}, {"video": "c"}]},
            ["input[2] video"],
            id="embeddings",
        ),
    ],
)
def test_what_the_body_only_names_is_told_by_its_place(dialect, body, named):
    """
    Files, earlier answers and unknown kinds are named, in no words of the caller's but kinds.
    """
    assert read(dialect, **body).named == named


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        pytest.param(
            "openai_chat",
            {
                "messages": [
                    *said({"type": "text", "text": "a"}),
                    {"role": "user", "content": "b"},
                    {"role": "tool", "tool_call_id": "c", "content": "d"},
                    "odd",
                    *said({"type": "file", "file": {"file_data": "data:text/csv,a"}}),
                ]
            },
            id="chat",
        ),
        pytest.param(
            "openai_responses",
            {"input": ["odd", *said({"type": "input_text", "text": "a"}, "odd")]},
            id="responses",
        ),
        pytest.param(
            "anthropic_messages",
            {
                "messages": [
                    "odd",
                    *said(
                        {"type": "text", "text": "a"},
                        {"type": "tool_result", "content": "b"},
                        {"type": "document", "source": {"type": "text", "data": "c"}},
                        {
                            "type": "document",
                            "source": {
                                "type": "base64",
                                "media_type": "text/plain",
                                "data": "aGk=",
                            },
                        },
                    ),
                ],
                "system": "d",
            },
            id="messages",
        ),
        pytest.param("openai_completions", {"prompt": ["a", "b"]}, id="completions"),
        pytest.param("openai_embeddings", {"input": [[1, 2], "a"]}, id="embeddings"),
    ],
)
def test_words_are_left_to_be_counted(dialect, body):
    """
    Text, in base64 or not, is no media.
    """
    tally = read(dialect, **body)

    assert (tally.media_bytes, tally.media_tokens, tally.named) == (0, 0, [])


@pytest.mark.parametrize(
    ("dialect", "tool", "hosted"),
    [
        ("openai_chat", {"type": "function", "function": {"name": "f"}}, []),
        ("openai_chat", {"type": "browser_search"}, ["tools[0] browser_search"]),
        ("openai_chat", {"type": "no kind"}, ["tools[0]"]),
        ("openai_responses", {"type": "custom", "name": "c"}, []),
        ("openai_responses", {"type": "apply_patch"}, []),
        ("openai_responses", {"type": "web_search"}, ["tools[0] web_search"]),
        ("openai_responses", {"type": "mcp", "server_label": "x"}, ["tools[0] mcp"]),
        ("openai_responses", {"type": "shell"}, ["tools[0] shell"]),
        ("openai_responses", {"type": "shell", "environment": {"type": "local"}}, []),
        ("openai_responses", {"type": "tool_search", "execution": "client"}, []),
        (
            "openai_responses",
            {"type": "namespace", "tools": [{"type": "mcp"}, {"type": "function"}]},
            ["tools[0].tools[0] mcp"],
        ),
        ("anthropic_messages", {"name": "f", "input_schema": {}}, []),
        ("anthropic_messages", {"type": "bash_20250124", "name": "bash"}, []),
        (
            "anthropic_messages",
            {"type": "web_search_20250305", "name": "web_search"},
            ["tools[0] web_search_20250305"],
        ),
    ],
)
def test_tools_of_the_provider_are_told(dialect, tool, hosted):
    """
    A tool that the provider runs is named; one that the caller runs costs its definition.
    """
    tally = Tally("m")

    read_tools(tally, [tool, "odd"], "tools", TOOLS[dialect])

    assert tally.server_tools == hosted


def test_tools_among_the_items_are_read():
    """
    Tools that a conversation adds on its way are told as those that came at first.
    """
    tally = read(
        "openai_responses",
        input=[{"type": "additional_tools", "tools": [{"type": "web_search"}]}],
    )

    assert tally.server_tools == ["input[0].tools[0] web_search"]
