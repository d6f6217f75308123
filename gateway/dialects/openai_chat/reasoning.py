"""
Reasoning in messages and deltas: what vendors added to the dialect for it.

``reasoning_content`` (DeepSeek, vLLM, xAI) and ``reasoning`` (Groq, OpenRouter) are words;
``thinking_blocks`` (LiteLLM) and ``reasoning_details`` (OpenRouter) carry the signatures and the
encrypted content that providers want back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import codec
from gateway.dialects.lenient import objects
from gateway.dialects.openai_chat.seals import WORD_KEYS, is_redacted, seal_data
from gateway.dialects.openai_chat.wire import NAME
from gateway.neutral import ReasoningBlock, Seal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.outcomes import Losses

#: All keys of a message that are about reasoning.
ALL_KEYS: Final = (*WORD_KEYS, "thinking_blocks", "reasoning_details")

#: Marks a seal that is a whole list of ``reasoning_details``, to be sent back as one.
_DETAILS: Final = "reasoning_details:"


def read_reasoning(message: dict[str, Any]) -> list[ReasoningBlock]:
    """
    Read the reasoning of a whole message.
    """
    words = spoken(message)
    blocks = [_block(raw) for raw in objects(message.get("thinking_blocks"))]
    if blocks:
        silent = [block for block in blocks if not block.text and not block.is_redacted]
        if words and len(silent) == 1 and len(blocks) == 1:
            silent[0].text = words
        return blocks
    details = objects(message.get("reasoning_details"))
    seal = details_seal(details)
    words = words or "".join(detail_text(detail) for detail in details)
    return [ReasoningBlock(text=words, seal=seal)] if words or seal else []


def spoken(message: dict[str, Any]) -> str:
    """
    Return the words of reasoning in *message*, a delta perhaps; "" if there are none.
    """
    for key in WORD_KEYS:
        words = message.get(key)
        if isinstance(words, str) and words:
            return words
    return ""


def detail_text(detail: dict[str, Any]) -> str:
    """
    Return the words of one of the ``reasoning_details``.
    """
    words = detail.get("text") or detail.get("summary")
    return words if isinstance(words, str) else ""


def details_seal(details: list[dict[str, Any]]) -> Seal | None:
    """
    Seal *details* as a whole, if a signature or encrypted content is among them.
    """
    if not any(detail.get("signature") or detail.get("data") for detail in details):
        return None
    return Seal(dialect=NAME, data=_DETAILS + codec.dumps(details).decode())


def block_seal(raw: dict[str, Any]) -> Seal | None:
    """
    Return the seal of one of the ``thinking_blocks``, or of a piece of one.
    """
    data = seal_data(raw)
    return Seal.read(NAME, data) if isinstance(data, str) and data else None


def _block(raw: dict[str, Any]) -> ReasoningBlock:
    words = raw.get("thinking")
    seal = block_seal(raw)
    return ReasoningBlock(
        text=words if isinstance(words, str) else "",
        # Items have ids where only a summary is shown of what is sealed.
        is_summary=seal is not None and seal.item_id is not None,
        seal=seal,
        is_redacted=is_redacted(raw),
    )


# --- writing --------------------------------------------------------------------------------


def for_provider(
    blocks: Iterable[ReasoningBlock], losses: Losses
) -> list[ReasoningBlock]:
    """
    Leave out the reasoning that another vendor sealed: no provider takes it.
    """
    kept = []
    for block in blocks:
        if block.seal is not None and block.seal.dialect != NAME:
            losses.drop("reasoning", "only the vendor that sealed it can read it")
        else:
            kept.append(block)
    return kept


def write_reasoning(blocks: list[ReasoningBlock]) -> dict[str, Any]:
    """
    Write *blocks* as members of a message.
    """
    sealed: dict[str, list[dict[str, Any]]] = {}
    for block in blocks:
        for key, value in sealed_members(block).items():
            sealed.setdefault(key, []).extend(value)
    words = "\n\n".join(block.paragraphs for block in blocks if block.paragraphs)
    # Whoever has details has another name for the words as well.
    key = "reasoning" if "reasoning_details" in sealed else "reasoning_content"
    return {**({key: words} if words else {}), **sealed}


def sealed_members(block: ReasoningBlock) -> dict[str, list[dict[str, Any]]]:
    """
    Write a sealed *block* as the member that carries its seal.
    """
    seal = block.seal
    if seal is None:
        return {}
    data = seal.written_for(NAME)
    if data.startswith(_DETAILS):
        details = codec.loads(data.removeprefix(_DETAILS).encode())
        return {"reasoning_details": objects(details)}
    if block.is_redacted:
        return {"thinking_blocks": [{"type": "redacted_thinking", "data": data}]}
    thinking = {"type": "thinking", "thinking": block.paragraphs, "signature": data}
    return {"thinking_blocks": [thinking]}
