"""
Where the texts are in the content parts of items.

Source: the OpenAI API reference, "Create a model response", ``input`` and ``output``.
"""

from __future__ import annotations

from typing import Final

from gateway.dialects.media import document, document_link
from gateway.dialects.openai_responses.spoken import logprobs, spoken, token, tokens
from gateway.dialects.shapes import (
    Rule,
    Shape,
    by_type,
    each,
    either,
    node,
    text,
)
from gateway.views import (
    ANNOTATION,
    DOCUMENT,
    MESSAGE,
    REASONING,
    REFUSAL,
    SUMMARY,
    TOOL_RESULT,
)

_CITED: Final = text(ANNOTATION)
_BREAKPOINT: Final = node(tokens("mode ttl"))

ANNOTATION_RULE: Final = by_type(
    {
        "file_citation": node({**tokens("type file_id index"), "filename": _CITED}),
        "file_path": node(tokens("type file_id index")),
        "url_citation": node(
            {**tokens("type start_index end_index"), "title": _CITED, "url": _CITED}
        ),
        "container_file_citation": node(
            {
                **tokens("type container_id file_id start_index end_index"),
                "filename": _CITED,
            }
        ),
    }
)


def _part(**keys: Rule) -> Rule:
    # The type was matched when the rule was chosen.
    return node({"type": None, **keys})


_IMAGE: Final = node(
    {
        "type": None,
        **tokens("file_id detail"),
        "image_url": document,
        "prompt_cache_breakpoint": _BREAKPOINT,
    }
)
_FILE: Shape = {
    "type": None,
    **tokens("file_id detail"),
    "file_data": document,
    "file_url": document_link,
    "filename": text(DOCUMENT),
    "prompt_cache_breakpoint": _BREAKPOINT,
}

_MEDIA: Final[dict[str, Rule]] = {
    "input_image": _IMAGE,
    "input_file": node(_FILE),
    "input_audio": _part(input_audio=node({"data": document, "format": token})),
    "computer_screenshot": _IMAGE,
}

#: A part of a message or of reasoning.
PART: Final = by_type(
    {
        **_MEDIA,
        "input_text": _part(text=spoken(MESSAGE), prompt_cache_breakpoint=_BREAKPOINT),
        "output_text": _part(
            text=spoken(MESSAGE), annotations=each(ANNOTATION_RULE), logprobs=logprobs
        ),
        "refusal": _part(refusal=spoken(REFUSAL)),
        "summary_text": _part(text=spoken(SUMMARY)),
        "reasoning_text": _part(text=spoken(REASONING)),
    }
)

#: A part of what a tool gave back.
RESULT_PART: Final = by_type(
    {
        **_MEDIA,
        "input_text": _part(
            text=text(TOOL_RESULT), prompt_cache_breakpoint=_BREAKPOINT
        ),
    }
)

#: A message's content: a string, or parts.
CONTENT: Final = either(spoken(MESSAGE, part=(0,)), each(PART))
