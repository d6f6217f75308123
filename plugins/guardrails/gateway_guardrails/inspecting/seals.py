"""
Takes signed reasoning out of an answer: it cannot be edited.

Sources: Anthropic's API reference, thinking blocks in whole answers and in streams; OpenAI's, the
``encrypted_content`` of reasoning items; LiteLLM's ``thinking_blocks`` and OpenRouter's
``reasoning_details`` in chat completions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.filters import StreamFilter

if TYPE_CHECKING:
    from gateway import Chunk, Response

_THINKING: Final = frozenset({"thinking", "redacted_thinking"})
_SIGNED_MEMBERS: Final = ("thinking_blocks", "reasoning_details")


class _Dropper(Protocol):
    def whole(self, doc: Any) -> bool:
        """
        Take it out of a whole answer; tells whether there was any.
        """

    def event(self, doc: Any) -> bool | None:
        """
        Take it out of an event; None if nothing of the event is left.
        """


class SealDropper(StreamFilter):
    """
    Takes signed reasoning out of whole answers and streams of one dialect.
    """

    def __init__(self, dialect: str) -> None:
        self._dropper = _DROPPERS[dialect]()

    @staticmethod
    def knows(dialect: str) -> bool:
        """
        Tell whether there is signed reasoning in *dialect*, and how to take it out.
        """
        return dialect in _DROPPERS

    async def feed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """
        Take it out of *chunks*.
        """
        out = []
        for chunk in chunks:
            changed = self._dropper.event(chunk.doc)
            if changed is None:
                continue
            if changed:
                chunk.touch()
            out.append(chunk)
        return out

    async def feed_response(self, response: Response) -> int:
        """
        Take it out of *response*.
        """
        changed = self._dropper.whole(response.doc)
        if changed:
            response.touch()
        return int(changed)


class _AnthropicDropper:
    """
    Drops thinking blocks; those behind one move up.
    """

    def __init__(self) -> None:
        self._dropped: set[int] = set()

    def whole(self, doc: Any) -> bool:
        content = doc.get("content") if isinstance(doc, dict) else None
        if not isinstance(content, list):
            return False
        kept = [block for block in content if not _is_thinking(block)]
        changed = len(kept) < len(content)
        content[:] = kept
        return changed

    def event(self, doc: Any) -> bool | None:
        if not isinstance(doc, dict):
            return False
        index = doc.get("index")
        if not isinstance(index, int):
            message = doc.get("message")
            return self.whole(message) if isinstance(message, dict) else False
        if _is_thinking(doc.get("content_block")):
            self._dropped.add(index)
        if index in self._dropped:
            return None
        before = sum(dropped < index for dropped in self._dropped)
        doc["index"] = index - before
        return before > 0


class _ChatDropper:
    """
    Drops the members of messages that carry signatures; what is beside them is checked as text.
    """

    def whole(self, doc: Any) -> bool:
        return self._drop(doc)

    def event(self, doc: Any) -> bool | None:
        return self._drop(doc)

    def _drop(self, doc: Any) -> bool:
        choices = doc.get("choices") if isinstance(doc, dict) else None
        changed = False
        for choice in choices if isinstance(choices, list) else ():
            for name in ("message", "delta"):
                said = choice.get(name) if isinstance(choice, dict) else None
                if isinstance(said, dict):
                    for member in _SIGNED_MEMBERS:
                        changed |= said.pop(member, None) is not None
        return changed


class _ResponsesDropper:
    """
    Drops what is encrypted of reasoning items; what is shown of them is checked as text.
    """

    def whole(self, doc: Any) -> bool:
        output = doc.get("output") if isinstance(doc, dict) else None
        items = output if isinstance(output, list) else []
        return sum(map(_unseal, items)) > 0

    def event(self, doc: Any) -> bool | None:
        if not isinstance(doc, dict):
            return False
        return _unseal(doc.get("item")) or self.whole(doc.get("response"))


def _is_thinking(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in _THINKING


def _unseal(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("type") != "reasoning":
        return False
    return item.pop("encrypted_content", None) is not None


_DROPPERS: Final[dict[str, Callable[[], _Dropper]]] = {
    "anthropic_messages": _AnthropicDropper,
    "openai_chat": _ChatDropper,
    "openai_responses": _ResponsesDropper,
}
