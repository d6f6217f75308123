"""
Personal data in what an answer cites: addresses, titles and snippets, in every dialect.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from bypasses import natively

from gateway.testing import Script

WHO = "jane.doe@corp.example"
URL = f"https://corp.example/people?mail={WHO}"
CITED = {"url": URL, "title": WHO}
SEARCHED = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {
        "type": "search",
        "query": WHO,
        "sources": [{"type": "url", **CITED}, {"type": "api", "name": WHO}],
    },
}
OPENED = {**SEARCHED, "id": "ws_2", "action": {"type": "open_page", "url": URL}}
ANNOTATIONS = [
    {"type": "url_citation", "start_index": 0, "end_index": 2, **CITED},
    {"type": "file_citation", "file_id": "f_1", "index": 0, "filename": WHO},
]
SAID = {"type": "output_text", "text": "Hi you.", "annotations": ANNOTATIONS}
RESPONSES = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": [
        SEARCHED,
        OPENED,
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [SAID]},
    ],
}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "m",
    "citations": [URL],
    "search_results": [{**CITED, "snippet": WHO, "source": WHO}],
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": "Hi you.",
                "annotations": [
                    {"type": "url_citation", "url_citation": {**CITED, "content": WHO}}
                ],
                "context": {"citations": [{**CITED, "content": WHO, "filepath": WHO}]},
            },
        }
    ],
}
CITATIONS = [
    {"type": "web_search_result_location", "cited_text": WHO, **CITED},
    {"type": "search_result_location", "cited_text": WHO, "source": URL, "title": WHO},
    {"type": "char_location", "cited_text": WHO, "document_title": WHO},
]
MESSAGES = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "stop_reason": "end_turn",
    "content": [
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [{"type": "web_search_result", **CITED, "page_age": WHO}],
        },
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "srvtoolu_2",
            "content": {
                "type": "web_fetch_result",
                "url": URL,
                "content": {
                    "type": "document",
                    "title": WHO,
                    "source": {"type": "text", "media_type": "text/plain", "data": WHO},
                },
            },
        },
        {"type": "text", "text": "Hi you.", "citations": CITATIONS},
    ],
}
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("path", "provider", "answer", "body"),
    [
        ("/v1/responses", "openai", RESPONSES, {"input": "hi"}),
        ("/v1/chat/completions", "openai", CHAT, ASKED),
        ("/v1/messages", "anthropic", MESSAGES, {**ASKED, "max_tokens": 9}),
    ],
)
async def test_what_is_cited_is_redacted(fake, start, path, provider, answer, body):
    """
    No address, title or snippet of a source passes with what was to be redacted.
    """
    fake.script("m", Script(raw_body=json.dumps(answer)))
    client = await start(providers=natively(fake))

    said = await client.post(path, {"model": f"{provider}/m", **body})

    assert said.status == 200
    assert b"Hi you." in said.body
    assert b"<EMAIL_1>" in said.body
    assert b"jane.doe" not in said.body
