"""
What of a request's body is not words: media, and state that the body only names.

One reader a dialect walks the few places where such things stand.  Whatever it does not know
is told by its place, so that a new kind of content is never free of charge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.errors import InvalidRequest
from gateway_governance.media import audio_tokens, image_tokens, size_of

Members = Mapping[str, Any]

_KIND: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_WRITTEN: Final = re.compile(
    r"data:(?:text/|application/(?:json|xml|yaml|[\w.-]{1,64}\+(?:json|xml)))", re.ASCII
)
_DATA_URL: Final = "data:"
_IMAGE_URL: Final = "data:image/"


class Tally:
    """
    What one body holds beside words.

    Attributes:
        model: Whose rules count media.
        media: The strings that are media: no text.
        media_bytes: How much of the body they are.
        media_tokens: What the media cost.
        named: State that the body only names, each by its place: files, earlier answers.
        server_tools: Tools that the provider runs, each by its place.
        tool_tokens: What the definitions of vendors' own tools cost beside their words.
        images: How many images there are.
    """

    __slots__ = (
        "images",
        "media",
        "media_bytes",
        "media_tokens",
        "model",
        "named",
        "server_tools",
        "tool_tokens",
    )

    def __init__(self, model: str) -> None:
        self.model = model
        self.media: list[str] = []
        self.media_bytes = 0
        self.media_tokens = 0
        self.named: list[str] = []
        self.server_tools: list[str] = []
        self.tool_tokens = 0
        self.images = 0

    def image(self, source: Any, detail: Any = None) -> None:
        """
        Count an image: base64, a ``data:`` URL, or an address of which nothing is known.
        """
        size = None
        if isinstance(source, str):
            data = source
            if source.startswith(_DATA_URL):
                data = source.partition(",")[2]
            if not data.startswith(("http:", "https:")):
                size = size_of(data)
                self.media.append(source)
                self.media_bytes += len(data)
        self.images += 1
        word = detail if isinstance(detail, str) else "auto"
        self.media_tokens += image_tokens(self.model, size, word)

    def sound(self, data: Any) -> None:
        """
        Count a piece of sound in base64.
        """
        if isinstance(data, str):
            self.media.append(data)
            self.media_bytes += len(data)
            self.media_tokens += audio_tokens(self.model, data)

    def elsewhere(self, place: str, kind: Any = None) -> None:
        """
        Note something whose extent the body does not show.
        """
        word = kind if isinstance(kind, str) and _KIND.fullmatch(kind) else None
        self.named.append(f"{place} {word}" if word else place)

    def file(self, place: str, data: Any, media_type: str = "") -> None:
        """
        Note a file: written ones are words like any other, of the rest nothing is known.

        Args:
            data: A ``data:`` URL, or base64 of *media_type*.
        """
        if isinstance(data, str):
            head = f"{_DATA_URL}{media_type}" if media_type else data
            if _WRITTEN.match(head):
                return
            if head.startswith(_IMAGE_URL):
                self.image(data)
                return
            self.media.append(data)
            self.media_bytes += len(data)
        self.elsewhere(place)


# --- OpenAI's chat completions --------------------------------------------------------------

_CHAT_WORDS: Final = frozenset(
    "text refusal thinking reference tool_reference input_text output_text".split()
)


def read_chat(tally: Tally, body: Members) -> None:
    """
    Read chat completions: parts of messages, and answers that were spoken.
    """
    for index, message in enumerate(body["messages"]):
        if message.__class__ is not dict:
            continue
        content = message.get("content")
        if content.__class__ is list:
            for number, part in enumerate(content):
                if part.__class__ is dict:
                    kind = part.get("type")
                    if kind.__class__ is not str or kind not in _CHAT_WORDS:
                        _chat_part(tally, part, kind, index, number)
        if len(message) > 2 and message.get("audio") is not None:
            tally.elsewhere(f"messages[{index}].audio")


def _chat_part(
    tally: Tally, part: dict[str, Any], kind: Any, index: int, number: int
) -> None:
    place = f"messages[{index}].content[{number}]"
    if kind == "image_url":
        image = part.get("image_url")
        if isinstance(image, dict):
            tally.image(image.get("url"), image.get("detail"))
        else:
            tally.image(image, part.get("detail"))
    elif kind == "input_audio":
        sound = part.get("input_audio")
        tally.sound(sound.get("data") if isinstance(sound, dict) else None)
    elif kind == "file":
        file = part.get("file")
        tally.file(place, file.get("file_data") if isinstance(file, dict) else None)
    else:
        tally.elsewhere(place, kind)


# --- OpenAI's responses ---------------------------------------------------------------------

_PART_WORDS: Final = frozenset(
    "input_text output_text text refusal summary_text reasoning_text".split()
)
_ITEM_WORDS: Final = frozenset(
    (
        "function_call custom_tool_call reasoning web_search_call file_search_call "
        "code_interpreter_call computer_call local_shell_call local_shell_call_output "
        "shell_call shell_call_output apply_patch_call apply_patch_call_output mcp_call "
        "mcp_list_tools mcp_approval_request mcp_approval_response program "
        "program_output tool_search_call tool_search_output configuration_update "
        "compaction"
    ).split()
)
_STATE: Final = ("previous_response_id", "conversation", "prompt")


def read_responses(tally: Tally, body: Members) -> None:
    """
    Read responses: items, and what is kept at the provider.
    """
    for key in _STATE:
        if body.get(key) is not None:
            tally.elsewhere(key)
    items = body.get("input")
    if items.__class__ is not list:
        return
    for index, item in enumerate(items):
        if item.__class__ is dict:
            _item(tally, item, index)


def _item(tally: Tally, item: dict[str, Any], index: int) -> None:
    kind = item.get("type")
    if kind is None:
        kind = "message" if "role" in item else "item_reference"
    if kind == "message":
        _parts(tally, item.get("content"), f"input[{index}].content")
    elif kind in {"function_call_output", "custom_tool_call_output"}:
        _parts(tally, item.get("output"), f"input[{index}].output")
    elif kind == "computer_call_output":
        _parts(tally, [item.get("output")], f"input[{index}].output")
    elif kind == "image_generation_call":
        tally.image(item.get("result"))
    elif kind == "additional_tools":
        read_tools(tally, item.get("tools"), f"input[{index}].tools", _OPENAI_TOOLS)
    elif kind.__class__ is not str or kind not in _ITEM_WORDS:
        tally.elsewhere(f"input[{index}]", kind)


def _parts(tally: Tally, parts: Any, place: str) -> None:
    if parts.__class__ is not list:
        return
    for number, part in enumerate(parts):
        kind = part.get("type") if part.__class__ is dict else None
        if kind.__class__ is str and kind in _PART_WORDS:
            continue
        if part.__class__ is dict:
            _part(tally, part, kind, f"{place}[{number}]")


def _part(tally: Tally, part: dict[str, Any], kind: Any, place: str) -> None:
    if kind in {"input_image", "computer_screenshot"}:
        tally.image(part.get("image_url"), part.get("detail"))
    elif kind == "input_audio":
        sound = part.get("input_audio")
        tally.sound(sound.get("data") if isinstance(sound, dict) else None)
    elif kind == "input_file":
        tally.file(place, part.get("file_data"))
    else:
        tally.elsewhere(place, kind)


# --- Anthropic's messages -------------------------------------------------------------------

_BLOCK_WORDS: Final = frozenset(
    (
        "text thinking redacted_thinking tool_use server_tool_use mcp_tool_use "
        "search_result tool_reference compaction tool_addition tool_removal "
        "mcp_tool_listing mid_conversation_system web_search_tool_result "
        "code_execution_tool_result bash_code_execution_tool_result "
        "text_editor_code_execution_tool_result tool_search_tool_result "
        "advisor_tool_result fallback web_search_result web_fetch_tool_result_error"
    ).split()
)
_HOLDERS: Final = frozenset(
    "tool_result mcp_tool_result web_fetch_tool_result web_fetch_result".split()
)


#: A conversation that Anthropic keeps, of which a request tells what is new.
THREAD: Final = "thread"


def read_messages(tally: Tally, body: Members) -> None:
    """
    Read messages: blocks, wherever they stand, and what is kept at the provider.
    """
    thread = body.get(THREAD)
    # One that only begins stands in the body as a whole.
    if thread is not None and thread != {"type": "create"}:
        tally.elsewhere(THREAD)
    for index, message in enumerate(body["messages"]):
        if message.__class__ is dict:
            content = message.get("content")
            if content.__class__ is list:
                _blocks(tally, content, "messages", index)
    system = body.get("system")
    if system.__class__ is list:
        _blocks(tally, system, "system", None)


def _blocks(tally: Tally, blocks: list[Any], place: str, index: int | None) -> None:
    for number, block in enumerate(blocks):
        if block.__class__ is dict:
            kind = block.get("type")
            if kind.__class__ is not str or kind not in _BLOCK_WORDS:
                where = place if index is None else f"{place}[{index}].content"
                _block(tally, block, kind, f"{where}[{number}]")


def _block(tally: Tally, block: dict[str, Any], kind: Any, place: str) -> None:
    if kind == "image":
        source = block.get("source")
        tally.image(source.get("data") if isinstance(source, dict) else None)
    elif kind == "document":
        _document(tally, block.get("source"), place)
    elif kind in _HOLDERS:
        content = block.get("content")
        if content.__class__ is dict:
            content = [content]
        if content.__class__ is list:
            _blocks(tally, content, f"{place}.content", None)
    else:
        tally.elsewhere(place, kind)


def _document(tally: Tally, source: Any, place: str) -> None:
    kind = source.get("type") if isinstance(source, dict) else None
    if kind == "content":
        content = source.get("content")
        if content.__class__ is list:
            _blocks(tally, content, f"{place}.source.content", None)
    elif kind == "base64":
        media_type = source.get("media_type")
        kind = media_type[:64] if isinstance(media_type, str) else ""
        tally.file(place, source.get("data"), kind)
    elif kind != "text":
        tally.elsewhere(place)


# --- OpenAI's embeddings and legacy completions ---------------------------------------------


def read_embeddings(tally: Tally, body: Members) -> None:
    """
    Read embeddings: some vendors take objects with an image.
    """
    inputs = body.get("input")
    if inputs.__class__ is not list:
        return
    for index, one in enumerate(inputs):
        if one.__class__ is not dict:
            continue
        for key, value in one.items():
            if key == "image":
                tally.image(value)
            elif key not in {"text", "type"}:
                tally.elsewhere(f"input[{index}]", key)


def read_completions(tally: Tally, body: Members) -> None:
    """
    Read legacy completions: a prompt is nothing but words, or their numbers.
    """


# --- tools ----------------------------------------------------------------------------------

#: What vendors' own tools cost beside their definitions' words, where callers run them.
#: Anthropic documents 245 for bash, 700 for its text editor, 735 and a prompt of 499 for the
#: computer; the others are documented nowhere and get a ceiling.
_ANTHROPIC_TOOLS: Final = {
    "custom": 0,
    "bash_": 512,
    "text_editor_": 1024,
    "computer_": 2048,
    "memory_": 2048,
    "browser_toolset_": 4096,
}
_OPENAI_TOOLS: Final = {
    "function": 0,
    "custom": 0,
    "local_shell": 2048,
    "apply_patch": 2048,
    "computer": 2048,
}


def read_tools(tally: Tally, tools: Any, place: str, known: Mapping[str, int]) -> None:
    """
    Read definitions of tools: those that the provider runs cost what no body shows.
    """
    if tools.__class__ is not list:
        return
    for index, tool in enumerate(tools):
        if tool.__class__ is not dict:
            continue
        kind = tool.get("type") or (
            "custom" if known is _ANTHROPIC_TOOLS else "function"
        )
        if kind in {"function", "custom"}:
            continue
        if kind == "namespace":
            read_tools(tally, tool.get("tools"), f"{place}[{index}].tools", known)
        elif _runs_at_caller(tool, kind):
            tally.tool_tokens += 2048
        else:
            tokens = _tokens_of(kind, known)
            if tokens is None:
                tally.server_tools.append(_named(f"{place}[{index}]", kind))
            else:
                tally.tool_tokens += tokens


def _runs_at_caller(tool: dict[str, Any], kind: Any) -> bool:
    """
    Tell whether the caller runs one of OpenAI's tools that either side may run.
    """
    if kind == "shell":
        environment = tool.get("environment")
        return isinstance(environment, dict) and environment.get("type") == "local"
    return kind == "tool_search" and tool.get("execution") == "client"


def _tokens_of(kind: Any, known: Mapping[str, int]) -> int | None:
    word = kind if isinstance(kind, str) else ""
    return next((known[name] for name in known if word.startswith(name)), None)


def _named(place: str, kind: Any) -> str:
    word = kind if isinstance(kind, str) and _KIND.fullmatch(kind) else None
    return f"{place} {word}" if word else place


# --- other models --------------------------------------------------------------------------

#: More than any vendor takes.
_MOST_OTHERS: Final = 16


def asked_of_provider(body: Members) -> list[str]:
    """
    List the models that the provider may ask by itself instead of the one asked for.

    They are Anthropic's ``fallbacks``, which may be the word ``default``, and OpenRouter's
    ``models``.  What is no name there is ``""``, which nobody may ask for.

    Raises:
        InvalidRequest: 400; there are too many.
    """
    found: list[str] = []
    for field in ("fallbacks", "models"):
        told = body.get(field)
        entries = told if told.__class__ is list else [told] if told else []
        if len(entries) > _MOST_OTHERS:
            raise InvalidRequest(f"{field}: at most {_MOST_OTHERS} models")
        for entry in entries:
            name = entry.get("model") if entry.__class__ is dict else entry
            found.append(name if name.__class__ is str else "")
    return found


Reader = Callable[[Tally, Members], None]

#: By dialect.
READERS: Final[Mapping[str, Reader]] = {
    "openai_chat": read_chat,
    "openai_completions": read_completions,
    "openai_embeddings": read_embeddings,
    "openai_responses": read_responses,
    "anthropic_messages": read_messages,
}
TOOLS: Final[Mapping[str, Mapping[str, int]]] = {
    "openai_chat": _OPENAI_TOOLS,
    "openai_responses": _OPENAI_TOOLS,
    "anthropic_messages": _ANTHROPIC_TOOLS,
}
