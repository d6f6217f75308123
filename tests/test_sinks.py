from __future__ import annotations

from gateway.sinks import MemorySink


async def test_a_memory_sink_keeps_what_it_is_given():
    """
    Whole answers and streams are kept, with how they came.
    """
    whole, stream = MemorySink(), MemorySink()

    await whole.whole(400, {"a": "1"}, b"no")
    await stream.start(200, {})
    await stream.write(b"a")
    await stream.write(b"b")
    await stream.end()

    assert (whole.status, whole.headers, whole.body) == (400, {"a": "1"}, b"no")
    assert (stream.status, stream.body, stream.writes) == (200, b"ab", [b"a", b"b"])
    assert whole.has_ended
    assert stream.has_ended
    assert stream.is_stream
    assert not whole.is_stream
