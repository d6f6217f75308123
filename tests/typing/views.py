"""
Views, texts and answers, as plugins read and change them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, assert_type

from gateway import Answer, Chunk, Request, Response, Text, Tool
from gateway.views import Form, Lane, Span


def a_request_is_read_and_changed(request: Request) -> None:
    """
    Model and output cap are properties; everything else is a text, or in the document.
    """
    assert_type(request.model, str)
    assert_type(request.is_stream, bool)
    assert_type(request.max_output_tokens, int | None)
    assert_type(request.tools, Sequence[Tool])
    assert_type(request.texts(), list[Text])
    assert_type(request.fork(), Request)
    assert_type(request.doc, Any)
    assert_type(request.encode(), bytes)
    request.model = "another"
    request.max_output_tokens = 1
    request.patch("user", None)


def a_text_knows_what_it_is(text: Text, tool: Tool) -> None:
    """
    Kind and role are words, the form is one of three.
    """
    assert_type(text.value, str)
    assert_type(text.kind, str)
    assert_type(text.role, str | None)
    assert_type(text.lane, Lane)
    assert_type(text.form, Form)
    assert_type(text.sealed, bool)
    text.replace("new")
    assert_type(tool.name, str)
    assert_type(tool.is_hosted, bool)


def a_chunk_is_one_event(chunk: Chunk) -> None:
    """
    It has texts, ends lanes and may be the last.
    """
    assert_type(chunk.event, bytes | None)
    assert_type(chunk.data, bytes)
    assert_type(chunk.texts(), list[Text])
    assert_type(chunk.ends(), Sequence[Lane])
    assert_type(chunk.spans(), list[Span])
    assert_type(chunk.is_terminal, bool)


def an_answer_is_a_response_or_chunks(
    response: Response, chunks: AsyncIterator[Chunk]
) -> None:
    """
    Plugins answer with either; what they made is typed as it was.
    """
    assert_type(response.status, int)
    assert_type(response.headers, dict[str, str])
    assert_type(Answer(response).response, Response | None)
    assert_type(Answer(chunks=chunks), Answer)
