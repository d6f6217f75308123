"""
What a provider's stream says of usage, of its end, and of errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.openai_responses.events import type_of
from gateway.dialects.openai_responses.faults import read_error_event, read_failure
from gateway.dialects.openai_responses.outcome import read_stop, read_usage
from gateway.outcomes import Stop

if TYPE_CHECKING:
    from gateway.outcomes import Fault
    from gateway.usage import Usage
    from gateway.views import Chunk

_TELLS: Final[tuple[bytes, ...]] = (
    b'"response.completed"',
    b'"response.incomplete"',
    b'"response.failed"',
    b'"error"',
)


class StreamFacts:
    """
    Reads the events that close a stream.

    Attributes:
        tells: One of these stands in each frame worth reading.
    """

    def __init__(self) -> None:
        self.tells = _TELLS
        self.usage: Usage | None = None
        self.stop: Stop | None = None
        self.fault: Fault | None = None

    def read(self, chunk: Chunk) -> None:
        """
        Take over what *chunk* says.
        """
        kind = type_of(chunk)
        if kind == "error":
            self.fault = self.fault or read_error_event(chunk.doc)
            self.stop = self.stop or Stop(reason="error", raw="error")
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._close(kind, chunk.doc.get("response"))

    def _close(self, kind: str, response: Any) -> None:
        if not isinstance(response, dict):
            response = {}
        self.usage = read_usage(response) or self.usage
        self.stop = read_stop({"status": kind.partition(".")[2], **response})
        if kind == "response.failed":
            self.fault = self.fault or read_failure(response.get("error"))
