"""
Signed reasoning is passed, blocked, or taken out; never edited.
"""

from __future__ import annotations

import json

import attrs
import pytest
from recordings import Example
from sdks import sdk_of
from spoken_streams import CALLING, seen_through

from gateway.views import Response
from gateway_guardrails.inspecting.seals import SealDropper

RECORDINGS = {
    name: {one.name: one for one in Example.of(dialect).recordings()}
    for name, dialect in CALLING.items()
}
#: What signed reasoning looks like on the wire, in one dialect or another.
SEALS = (
    b"signature",
    b'"thinking"',
    b'"thinking_blocks"',
    b'"reasoning_details"',
    b'"encrypted_content"',
)
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "c2ln", "index": 0}


def sealed(node):
    """
    Put signed reasoning beside what reasoning a document has.
    """
    if isinstance(node, list):
        return [sealed(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: sealed(value) for key, value in node.items()}
    if node.get("type") == "reasoning":
        node["encrypted_content"] = "c2VhbGVk"
    if node.get("reasoning_content"):
        node["thinking_blocks"] = [SIGNED]
        node["reasoning_details"] = [{"type": "reasoning.encrypted", "data": "c2ln"}]
    return node


@pytest.fixture(params=sorted(CALLING))
def recording(request):
    """
    An answer with signed reasoning.
    """
    found = RECORDINGS[request.param]["reasoning"]
    return attrs.evolve(found, answer=sealed(found.answer), stream=sealed(found.stream))


async def test_sdks_read_what_is_left(recording):
    """
    An SDK makes the same of a stream and of a whole answer, both without signed reasoning.
    """
    dialect, raw = recording.dialect, json.dumps(recording.answer).encode()
    assert any(mark in b"".join(recording.frames) for mark in SEALS)
    assert any(mark in raw for mark in SEALS)

    seen = await seen_through(SealDropper(str(dialect)), dialect, recording.frames, 3)
    response = Response(dialect, raw)
    await SealDropper(str(dialect)).feed_response(response)

    sdk = sdk_of(dialect)
    streamed, whole = sdk.streamed(seen.frames), sdk.whole(response.encode())
    assert (streamed.text, streamed.calls) == (whole.text, whole.calls)
    assert whole.text
    assert not [mark for mark in SEALS if mark in seen.raw]
    assert not [mark for mark in SEALS if mark in response.encode()]


async def test_answers_without_it_are_byte_identical():
    """
    Where there is no signed reasoning the bytes stay as they came.
    """
    for name in CALLING:
        recording = RECORDINGS[name]["text"]

        seen = await seen_through(
            SealDropper(name), recording.dialect, recording.frames
        )

        assert seen.frames == recording.frames
