"""
Answers that are written once and sent again and again.
"""

from __future__ import annotations

import attrs
import orjson

from gateway.testing.fake.answer import Answer
from gateway.testing.fake.frames import Frame, to_frames
from gateway.testing.fake.operation import Operation
from gateway.testing.fake.script import Script

__all__ = ["Canned", "CannedAnswers", "asks_for_stream"]

_MOST = 64


@attrs.frozen(kw_only=True)
class Canned:
    """
    One answer, to the byte: *frames* for a stream, else *body*.
    """

    script: Script
    answer: Answer
    body: bytes = b""
    frames: tuple[Frame, ...] | None = None


@attrs.define(eq=False)
class CannedAnswers:
    """
    The canned answers, by script, operation, and streamed or not.

    Whoever asks first decides what all others get.
    """

    _found: dict[tuple[int, str, bool], Canned] = attrs.field(factory=dict)

    def find(self, script: Script, operation: str, is_stream: bool) -> Canned | None:
        """
        Find the bytes; `Canned` holds the script, so that its id stays its own.
        """
        return self._found.get((id(script), operation, is_stream))

    def write(
        self,
        script: Script,
        operation: Operation,
        answer: Answer,
        is_stream: bool,
    ) -> Canned:
        """
        Write the bytes and keep them.
        """
        if is_stream and operation.events is not None and not script.never_end:
            frames = tuple(to_frames(operation.events(answer), script, operation.ping))
            canned = Canned(script=script, answer=answer, frames=frames)
        else:
            body = orjson.dumps(operation.whole(answer))
            canned = Canned(script=script, answer=answer, body=body)
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[id(script), operation.name, is_stream] = canned
        return canned


def asks_for_stream(body: bytes) -> bool:
    """
    Say whether a request wants a stream, without reading it as JSON.
    """
    return b'"stream":true' in body or b'"stream": true' in body
