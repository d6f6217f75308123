"""
Base URLs under which clients expect a gateway: the vendors', Azure's, and Bifrost's.
"""

from __future__ import annotations

import anthropic
import openai
import pytest

HELLO = [{"role": "user", "content": "hello"}]
FRAMEWORKS = ("/litellm", "/langchain", "/pydanticai")


@pytest.mark.parametrize(
    "prefix",
    [
        *("/v1", "/openai", "/openai/v1"),
        *(name + below for name in FRAMEWORKS for below in ("", "/v1")),
    ],
)
async def test_openais_client(client, prefix):
    """
    Whatever stands before the path, each operation is there, and the list of models.
    """
    async with openai.AsyncOpenAI(
        base_url=client.url + prefix, api_key="unused", max_retries=0
    ) as sdk:
        chat = await sdk.chat.completions.create(model="openai/m", messages=HELLO)
        crossed = await sdk.chat.completions.create(model="anthropic/m", messages=HELLO)
        answer = await sdk.responses.create(model="openai/m", input="hello")
        vectors = await sdk.embeddings.create(model="openai/e", input="hello")
        await sdk.models.list()

    assert chat.choices[0].message.content == "echo: hello"
    assert crossed.choices[0].message.content == "echo: hello"
    assert answer.output_text == "echo: hello"
    assert vectors.data[0].embedding


@pytest.mark.parametrize(
    "prefix",
    [before + "/anthropic" for before in ("", *FRAMEWORKS)] + [""],
)
async def test_anthropics_client(client, prefix):
    """
    The client adds the version itself.
    """
    async with anthropic.AsyncAnthropic(
        base_url=client.url + prefix, api_key="unused", max_retries=0
    ) as sdk:
        said = await sdk.messages.create(
            model="anthropic/m", max_tokens=9, messages=HELLO
        )
        counted = await sdk.messages.count_tokens(model="anthropic/m", messages=HELLO)
        with pytest.raises(anthropic.NotFoundError) as caught:
            await sdk.models.retrieve("nobody")

    assert said.content[0].text == "echo: hello"
    assert counted.input_tokens > 0
    assert caught.value.body["type"] == "error"


@pytest.mark.parametrize("path", ["/anthropic/messages", "/anthropic/v1/messages"])
async def test_clients_that_add_no_version(client, path):
    """
    Others put the version into the base URL, or leave it out.
    """
    body = {"model": "anthropic/m", "max_tokens": 9, "messages": HELLO}

    answer = await client.post(path, body)

    assert answer.json["content"][0]["text"] == "echo: hello"


@pytest.mark.parametrize("endpoint", ["", "/openai"])
async def test_azures_client(client, fake, endpoint):
    """
    The path names the model, its provider too; what the body says of it does not count.
    """
    told = {"api_key": "unused", "api_version": "2024-10-21", "max_retries": 0}
    async with (
        openai.AsyncAzureOpenAI(azure_endpoint=client.url + endpoint, **told) as sdk,
        openai.AsyncAzureOpenAI(
            azure_endpoint=client.url + endpoint,
            azure_deployment="anthropic/m",
            **told,
        ) as bound,
    ):
        plain = await sdk.chat.completions.create(model="openai/m", messages=HELLO)
        vectors = await sdk.embeddings.create(model="openai/e", input="hello")
        answer = await sdk.responses.create(model="openai/m", input="hello")
        crossed = await bound.chat.completions.create(model="other", messages=HELLO)

    assert plain.choices[0].message.content == "echo: hello"
    assert vectors.data[0].embedding
    assert answer.output_text == "echo: hello"
    assert crossed.choices[0].message.content == "echo: hello"
    assert [request.json["model"] for request in fake.requests] == ["m", "e", "m", "m"]
    assert fake.requests[-1].path.endswith("/messages")


async def test_azures_body_needs_no_model(client):
    """
    Azure's own callers leave it out; who names none in the path either is told so.
    """
    path = "/openai/deployments/openai%2Fm/chat/completions?api-version=2024-10-21"

    answer = await client.post(path, {"messages": HELLO})
    refused = await client.post("/openai/chat/completions", {"messages": HELLO})

    assert answer.json["choices"][0]["message"]["content"] == "echo: hello"
    assert refused.status == 400
