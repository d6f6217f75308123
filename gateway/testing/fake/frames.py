"""
Events on the wire: server-sent events, and the noise that a script puts between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import orjson

from gateway.testing.fake.script import Script

__all__ = ["DONE", "Event", "Frame", "encode", "to_frames"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@attrs.frozen
class Event:
    """
    One event of a vendor's stream.

    *text* is what the model wrote in it, which is what is billed.
    """

    data: bytes
    name: str | None = None
    text: str = ""


@attrs.frozen
class Frame:
    """
    The bytes of one event, and of what a script puts before it.
    """

    data: bytes
    text: str = ""


DONE = Event(b"[DONE]")


def encode(event: Event, script: Script) -> bytes:
    """
    Write *event* as the script wants its lines to be.
    """
    if event.name is None and script.line_end == "\n" and not script.split_data:
        return b"data: %b\n\n" % event.data
    lines = [] if event.name is None else [b"event: " + event.name.encode()]
    lines += [b"data: " + part for part in _data_lines(event.data, script)]
    end = script.line_end.encode()
    return end.join([*lines, b"", b""])


def _data_lines(data: bytes, script: Script) -> list[bytes]:
    if not script.split_data or not data.startswith(b"{"):
        return [data]
    return orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2).split(b"\n")


def to_frames(
    events: Iterable[Event], script: Script, ping: Event | None = None
) -> Iterator[Frame]:
    """
    Turn *events* into frames.

    Args:
        ping: the event that keeps a stream alive; a comment, where there is none.
    """
    is_noisy = bool(
        script.comment_every
        or script.ping_every
        or script.inserts
        or script.byte_order_mark
        or script.malformed_after is not None
    )
    for index, event in enumerate(events):
        data = encode(event, script)
        if is_noisy:
            data = _noise_before(index, event, script, ping) + data
        yield Frame(data, event.text)


def _noise_before(
    index: int, event: Event, script: Script, ping: Event | None
) -> bytes:
    end = script.line_end.encode() * 2
    noise = []
    if script.byte_order_mark and index == 0:
        noise.append(_BYTE_ORDER_MARK)
    if script.comment_every and index % script.comment_every == 0:
        noise.append(b": keep-alive" + end)
    if script.ping_every and index and index % script.ping_every == 0:
        noise.append(encode(ping, script) if ping else b": ping" + end)
    noise += [each.frame.encode() for each in script.inserts if each.before == index]
    if script.malformed_after == index:
        broken = event.data[: len(event.data) // 2]
        noise.append(
            encode(Event(broken, event.name), attrs.evolve(script, split_data=False))
        )
    return b"".join(noise)
