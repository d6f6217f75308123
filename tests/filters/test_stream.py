"""
The interface of filters, and a function as a filter.
"""

from __future__ import annotations

from gateway.filters import ChunkHook, Outcome, StreamFilter, TextFilter
from gateway.views import Chunk


async def test_a_filter_that_overrides_nothing_passes_everything(kit):
    """
    What a filter does not override does nothing.
    """

    class Idle(StreamFilter):
        pass

    chunks = [Chunk(kit.TOY, frame) for frame in kit.ToyStream().deltas("ab").frames]
    idle = Idle()

    assert await idle.feed(chunks) is chunks
    assert not await idle.flush()
    assert await idle.close(Outcome.FINISHED) is None
    assert not idle.holds_chunks


def test_anything_with_the_members_is_a_filter():
    """
    A filter need not inherit.
    """

    class Duck:
        holds_chunks = False

        async def feed(self, chunks):
            return chunks

        async def flush(self):
            return ()

        async def close(self, outcome):
            pass

    assert isinstance(Duck(), StreamFilter)
    assert not isinstance(object(), StreamFilter)


def test_a_text_filter_holds_chunks():
    """
    A text filter says of itself that it cannot fail open in a stream.
    """
    assert TextFilter.holds_chunks


async def test_a_function_edits_and_drops_chunks(kit):
    """
    What the function returns is sent, and None drops the chunk.
    """

    async def call(chunk):
        if not chunk.texts():
            return None
        chunk.texts()[0].replace("x")
        return chunk

    sent = await kit.run(ChunkHook(call), kit.ToyStream().deltas("ab").event(ping=1), 2)

    assert [doc["texts"][0]["text"] for doc in sent.docs()] == ["x", "x"]
