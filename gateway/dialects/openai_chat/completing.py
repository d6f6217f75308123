"""
What chat completions and legacy completions have in common: caps, usage, and how streams end.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, cast

from gateway.dialects.openai_chat import live
from gateway.dialects.openai_chat.offers import (
    ask_for_usage,
    is_usage_only,
    output_cap,
    set_output_cap,
)
from gateway.dialects.openai_chat.texts import finish_reasons
from gateway.dialects.openai_chat.usage import read_any_usage
from gateway.dialects.openai_dialect import OpenAIDialect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.dialects.dialect import Tracker
    from gateway.errors import ExchangeError
    from gateway.usage import Usage
    from gateway.views import Chunk, Request, Response


class CompletingDialect(OpenAIDialect):
    """
    A dialect whose answers are choices, streamed in chunks up to ``data: [DONE]``.

    Attributes:
        caps: The members that cap the output.
        envelope: Of a stream that is cut before anything of it was sent.
    """

    terminal_marks: ClassVar[tuple[bytes, ...]] = (b"[DONE]",)
    done: ClassVar[bytes] = live.DONE_FRAME
    caps: ClassVar[tuple[str, ...]]
    envelope: ClassVar[Mapping[str, Any]]

    @abstractmethod
    def silence(self) -> dict[str, Any]:
        """
        Make what a choice of a chunk holds if it says nothing.
        """

    # --- requests ---------------------------------------------------------------------------

    def output_cap(self, request: Request) -> int | None:
        """
        Return the largest cap where there are several: vendors differ in which they heed.
        """
        return output_cap(request, self.caps)

    def set_output_cap(self, request: Request, tokens: int) -> None:
        """
        Cap the answer, in every spelling that the caller used.
        """
        set_output_cap(request, tokens, self.caps)

    def ask_for_usage(self, request: Request) -> bool:
        """
        Ask for ``stream_options.include_usage``.
        """
        return ask_for_usage(request)

    def is_usage_only(self, chunk: Chunk) -> bool:
        """
        Tell whether *chunk* is the one with usage and no choices.
        """
        return is_usage_only(chunk)

    # --- answers ----------------------------------------------------------------------------

    def finish_reasons(self, response: Response) -> Sequence[str]:
        """
        Return why each choice ended.
        """
        return finish_reasons(response.doc)

    def usage_of(self, response: Response) -> Usage | None:
        """
        Return what was used.
        """
        return read_any_usage(response.doc)

    # --- streams ----------------------------------------------------------------------------

    def is_terminal_frame(self, frame: bytes) -> bool:
        """
        Tell whether *frame* is ``data: [DONE]``.
        """
        return live.is_done_frame(frame)

    def facts(self) -> live.ChatFacts:
        """
        Make a reader of usage, stop and fault.
        """
        return live.ChatFacts()

    def cut(self, tracker: Tracker, error: ExchangeError) -> list[Chunk]:
        """
        Finish the open choices with ``content_filter``, or report an error.
        """
        sent = cast("live.SentChunks", tracker)
        return live.cut(self, sent, error, empty=self.silence, shape=self.envelope)
