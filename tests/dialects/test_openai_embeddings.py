from __future__ import annotations

import json

import httpx2
import openai
import pytest

from gateway.dialects.openai_embeddings import OpenAIEmbeddings
from gateway.errors import InvalidRequest, NotAllowed
from gateway.usage import Usage
from gateway.views import Response

DIALECT = OpenAIEmbeddings()

REQUEST = {
    "model": "text-embedding-3-small",
    "input": ["a first text", {"text": "a second", "image": "https://x.org/a b.png"}],
    "dimensions": 3,
    "encoding_format": "float",
    "user": "user-1",
}
RESPONSE = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [
        {"object": "embedding", "index": 0, "embedding": [0.1, -0.2, 1]},
        {"object": "embedding", "index": 1, "embedding": "zczMPc3MTL4="},
    ],
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}


def request(value, **fields):
    doc = {"model": "m", "input": value, **fields}
    return DIALECT.read_request(json.dumps(doc).encode(), "embed")


def values(view):
    return [text.value for text in view.texts()]


class TestRequests:
    @pytest.mark.parametrize(
        ("value", "found", "unreadable"),
        [
            ("a text", ["a text"], ()),
            (["a", "b c"], ["a", "b c"], ()),
            ([1, 2, 3], [], ("input",)),
            ([[1, 2], [3]], [], ("input",)),
            (["a", [1, 2]], ["a"], ("input",)),
            ([{"text": "a"}], ["a"], ()),
        ],
        ids=["text", "texts", "tokens", "lists of tokens", "mixed", "objects"],
    )
    def test_inputs(self, value, found, unreadable):
        """
        Texts are texts; token numbers are none, and known as unreadable.
        """
        asked = request(value)

        assert values(asked) == found
        assert tuple(DIALECT.unreadable(asked)) == unreadable

    def test_edits(self):
        """
        A text is replaced in place.
        """
        asked = request(["a", "b c"])

        asked.texts()[1].replace("[gone]")

        assert json.loads(asked.encode())["input"] == ["a", "[gone]"]

    @pytest.mark.parametrize("value", [None, [], 3, {}], ids=repr)
    def test_nothing_to_embed(self, value):
        """
        A request without input is refused.
        """
        with pytest.raises(InvalidRequest, match="input"):
            request(value)

    def test_never_streams(self):
        """
        Vectors come at once, whatever is asked.
        """
        assert not request("x", stream=True).is_stream


class TestAnswers:
    def test_vectors_are_no_texts(self):
        """
        Numbers and base64 say nothing that a person could read.
        """
        assert Response(DIALECT, doc=RESPONSE).texts() == []

    def test_usage(self):
        """
        Only the prompt is counted.
        """
        assert DIALECT.usage_of(Response(DIALECT, doc=RESPONSE)) == Usage(input=8)

    def test_no_streams(self):
        """
        The dialect has no streams to read or to cut.
        """
        assert DIALECT.facts() is None
        assert DIALECT.tracker(request("x")) is None
        assert DIALECT.done == b""

    def test_sdk_raises(self):
        """
        The SDK raises the exception of the status.
        """
        response = DIALECT.error_response(NotAllowed(), "req_1")
        transport = httpx2.MockTransport(
            lambda _: httpx2.Response(response.status, content=response.encode())
        )

        with (
            openai.OpenAI(
                api_key="x",
                http_client=httpx2.Client(transport=transport),
                max_retries=0,
            ) as sdk,
            pytest.raises(openai.PermissionDeniedError),
        ):
            sdk.embeddings.create(model="m", input="x")

    def test_faults(self):
        """
        A provider's error is read and written again.
        """
        fault = DIALECT.read_fault(429, b'{"error": "Slow down"}')

        response = DIALECT.write_fault(fault, "req_1")

        assert (response.status, response.error) == (429, "Slow down")
