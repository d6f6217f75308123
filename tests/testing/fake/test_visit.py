"""
One request: who may ask, what is refused, by which script it is answered.
"""

from __future__ import annotations

import asyncio
import email.utils

import aiohttp
import anthropic
import openai
import orjson
import pytest

from gateway.testing import FakeUpstream, Script, Usage

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
VERSION = {"anthropic-version": "2023-06-01"}


@pytest.fixture
def post(http):
    """
    Post JSON; returns status, headers and document.
    """

    async def send(path, body, **headers):
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        async with http.post(path, data=data, headers=headers) as response:
            return (
                response.status,
                response.headers,
                orjson.loads(await response.read()),
            )

    return send


@pytest.fixture
async def guarded():
    async with FakeUpstream(keys=["good"], models=["gpt-x", "claude-x"]) as upstream:
        yield upstream


@pytest.fixture
def knock(guarded):
    """
    Post to a server that knows its keys.
    """

    async def send(path, body, **headers):
        async with (
            aiohttp.ClientSession(guarded.url, headers=VERSION) as session,
            session.post(path, json=body, headers=headers) as response,
        ):
            return response.status, await response.json()

    return send


class TestCredentials:
    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [
            (CHAT, {"authorization": "Bearer good"}, 200),
            (CHAT, {"authorization": "bearer good"}, 200),
            (CHAT, {"authorization": "Bearer bad"}, 401),
            (CHAT, {"authorization": "Basic good"}, 401),
            (CHAT, {"authorization": "good"}, 401),
            (CHAT, {"x-api-key": "good"}, 401),
            (CHAT, {}, 401),
            (MESSAGES, {"x-api-key": "good"}, 200),
            (MESSAGES, {"authorization": "Bearer good"}, 200),
            (MESSAGES, {"x-api-key": "bad"}, 401),
            (MESSAGES, {"x-api-key": "bad", "authorization": "Bearer good"}, 401),
            (MESSAGES, {}, 401),
        ],
        ids=str,
    )
    async def test_each_vendor_looks_in_its_own_place(
        self, knock, chat, message, path, headers, status
    ):
        """
        OpenAI reads a bearer token, Anthropic its own header or a bearer token.
        """
        body = chat() if path == CHAT else message()

        assert (await knock(path, body, **headers))[0] == status

    async def test_a_wrong_key_is_not_repeated(self, knock, chat):
        """
        The refusal has the vendor's code, and not the key.
        """
        _, document = await knock(CHAT, chat(), authorization="Bearer sk-secret-7")

        assert document["error"]["code"] == "invalid_api_key"
        assert "secret-7" not in str(document)

    async def test_a_refused_caller_pays_nothing(self, guarded, knock, chat):
        """
        The bill notes the refusal, without tokens.
        """
        await knock(CHAT, chat())

        charge = guarded.bill[0]
        assert (charge.status, charge.input_tokens, charge.output_tokens) == (401, 0, 0)

    async def test_the_sdks_raise_what_they_should(self, guarded, chat, message):
        """
        A wrong key is an authentication error for both clients.
        """
        async with openai.AsyncOpenAI(
            base_url=guarded.openai_url, api_key="bad", max_retries=0
        ) as client:
            with pytest.raises(openai.AuthenticationError):
                await client.chat.completions.create(**chat())
        async with anthropic.AsyncAnthropic(
            base_url=guarded.url, api_key="bad", max_retries=0
        ) as client:
            with pytest.raises(anthropic.AuthenticationError):
                await client.messages.create(**message())

    async def test_without_keys_anybody_may_ask(self, post, chat):
        """
        A server that was given no keys asks for none.
        """
        assert (await post(CHAT, chat()))[0] == 200


class TestRefusals:
    @pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff"], ids=repr)
    @pytest.mark.parametrize("path", [CHAT, MESSAGES], ids=str)
    async def test_what_is_no_json_object(self, post, path, raw):
        """
        A malformed body is the caller's fault, in the vendor's shape.
        """
        status, _, document = await post(path, raw)

        assert (status, document["error"]["type"]) == (400, "invalid_request_error")
        assert ("request_id" in document) == (path == MESSAGES)

    async def test_a_message_needs_a_version(self, fake, message):
        """
        Anthropic refuses a request without its version header.
        """
        async with (
            aiohttp.ClientSession(fake.url) as session,
            session.post(MESSAGES, json=message()) as response,
        ):
            document = await response.json()

        assert "anthropic-version" in document["error"]["message"]

    async def test_unknown_models(self, knock, chat, message):
        """
        A model that is not listed does not exist, for either vendor.
        """
        key = {"authorization": "Bearer good"}

        status, document = await knock(CHAT, chat() | {"model": "gpt-y"}, **key)
        other, words = await knock(MESSAGES, message() | {"model": "claude-y"}, **key)

        assert (status, document["error"]["code"]) == (404, "model_not_found")
        assert (other, words["error"]) == (
            404,
            {"type": "not_found_error", "message": "model: claude-y"},
        )

    @pytest.mark.parametrize("path", [CHAT, MESSAGES], ids=str)
    async def test_a_body_that_does_not_come(self, path):
        """
        Whoever announces a body and does not send it is not waited for for ever.
        """
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{"
        async with FakeUpstream(patience_s=0.05) as fake:
            reader, writer = await asyncio.open_connection(fake.host, fake.port)
            writer.write(head.encode())

            answer = await reader.readline()
            writer.close()

        assert answer.startswith(b"HTTP/1.1 408")

    async def test_a_caller_who_leaves_in_the_middle_of_a_body(self, fake):
        """
        The departure is noted, and nothing is charged.
        """
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{"
        _, writer = await asyncio.open_connection(fake.host, fake.port)
        writer.write(head.encode())
        await fake.wait_for(lambda: fake.in_flight == 1)

        writer.transport.abort()

        await fake.wait_for(lambda: fake.departures)
        await fake.wait_for(lambda: fake.in_flight == 0)
        assert fake.bill.input_tokens == 0
        assert list(fake.requests) == []

    async def test_unknown_paths_and_methods(self, http):
        """
        There is nothing else here.
        """
        async with http.post("/v1/nothing", data=b"{}") as response:
            assert response.status == 404
        async with http.get(CHAT) as response:
            assert response.status == 405

    async def test_a_refusal_closes_nothing(self, fake, post, chat):
        """
        The connection serves on after a refusal.
        """
        await post(CHAT, b"{")
        await post(CHAT, chat())

        assert fake.connections_made == 1

    async def test_strictness_is_asked_for(self, chat):
        """
        Only a strict server refuses fields that it does not know.
        """
        statuses = []
        for is_strict in (False, True):
            async with (
                FakeUpstream(strict=is_strict) as fake,
                aiohttp.ClientSession(fake.url) as session,
                session.post(CHAT, json=chat(unheard=1)) as response,
            ):
                statuses.append(response.status)

        assert statuses == [200, 400]


class TestScripts:
    async def test_by_header(self, post, chat):
        """
        A request can bring its own script.
        """
        script = '{"text": "from the header"}'

        _, _, document = await post(CHAT, chat(), **{"x-fake-script": script})

        assert document["choices"][0]["message"]["content"] == "from the header"

    async def test_a_broken_header_is_told(self, post, chat):
        """
        The fault in a script is named, so that nobody looks for it elsewhere.
        """
        headers = {"x-fake-script": '{"txet": 1}'}

        status, _, document = await post(CHAT, chat(), **headers)

        assert status == 400
        assert "txet" in document["error"]["message"]

    async def test_by_queue(self, fake, post, chat):
        """
        Queued scripts answer one request each, in order.
        """
        fake.enqueue(Script(text="first"), Script(text="second"))

        texts = []
        for _ in range(3):
            _, _, document = await post(CHAT, chat("hi"))
            texts.append(document["choices"][0]["message"]["content"])

        assert texts == ["first", "second", "echo: hi"]

    async def test_by_model(self, fake, post, chat):
        """
        A model's script answers every request for it.
        """
        fake.script("gpt-x", Script(text="me"))

        _, _, mine = await post(CHAT, chat())
        _, _, other = await post(CHAT, chat("hi") | {"model": "gpt-y"})

        assert mine["choices"][0]["message"]["content"] == "me"
        assert other["choices"][0]["message"]["content"] == "echo: hi"

    async def test_the_answer_may_name_another_model(self, fake, post, chat):
        """
        Vendors report the dated name; the bill keeps the one that was asked for.
        """
        fake.enqueue(Script(model="gpt-x-2026-01-01"))

        _, _, document = await post(CHAT, chat())

        assert document["model"] == "gpt-x-2026-01-01"
        assert fake.bill[0].model == "gpt-x"

    async def test_headers(self, fake, post, chat):
        """
        A script adds headers to the answer.
        """
        fake.enqueue(Script(headers={"x-ratelimit-remaining-requests": "7"}))

        _, headers, _ = await post(CHAT, chat())

        assert headers["x-ratelimit-remaining-requests"] == "7"
        assert headers["x-request-id"] == "req_fake00000001"

    async def test_a_body_that_is_no_answer(self, fake, http, chat):
        """
        What stands before a vendor may answer in its own way.
        """
        page = "<html>Bad gateway</html>"
        fake.enqueue(Script(status=502, raw_body=page, content_type="text/html"))

        async with http.post(CHAT, json=chat()) as response:
            body = await response.text()

        assert (response.status, response.content_type, body) == (
            502,
            "text/html",
            page,
        )

    @pytest.mark.parametrize(
        ("spelling", "name", "value"),
        [
            ("seconds", "retry-after", "1.5"),
            ("milliseconds", "retry-after-ms", "1500"),
            ("date", "retry-after", email.utils.formatdate(1001.5, usegmt=True)),
        ],
        ids=str,
    )
    async def test_retry_after_in_three_spellings(self, chat, spelling, name, value):
        """
        The wait is told in seconds, in milliseconds or as a date.
        """
        script = Script(status=429, retry_after_s=1.5, retry_after_as=spelling)
        async with (
            FakeUpstream(default=script, wall_clock=lambda: 1000.0) as fake,
            aiohttp.ClientSession(fake.url) as session,
            session.post(CHAT, json=chat()) as response,
        ):
            assert response.status == 429
            assert response.headers[name] == value

    async def test_the_sdk_waits_as_told_and_tries_again(self, fake, chat):
        """
        A refusal with a wait, then an answer: the client's own retry gets it.
        """
        fake.enqueue(
            Script(status=429, retry_after_s=0.01, retry_after_as="milliseconds")
        )
        async with openai.AsyncOpenAI(
            base_url=fake.openai_url, api_key="any", max_retries=1
        ) as client:
            answer = await client.chat.completions.create(**chat("hi"))

        assert answer.choices[0].message.content == "echo: hi"
        assert [charge.status for charge in fake.bill] == [429, 200]


class TestBill:
    async def test_a_charge_has_all_that_is_billed(self, fake, post, chat):
        """
        Tokens, status and operation stand on the bill when the answer is there.
        """
        usage = Usage(input=50, output=9, cached=20, cache_write_5m=3)
        fake.enqueue(Script(usage=usage))

        await post(CHAT, chat())

        charge = fake.bill[0]
        assert (charge.model, charge.operation, charge.status) == ("gpt-x", "chat", 200)
        assert (charge.input_tokens, charge.output_tokens) == (50, 9)
        assert (charge.cached_tokens, charge.cache_write_tokens) == (20, 3)
        assert (charge.finished, charge.client_left) == (True, False)

    @pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
    async def test_the_bill_agrees_with_the_answer(
        self, fake, http, message, is_stream
    ):
        """
        What is charged is what the answer's usage says, whole and streamed.
        """
        body = message("some text to echo", stream=is_stream)

        async with http.post(MESSAGES, json=body) as response:
            raw = await response.read()

        assert b'"output_tokens":%d' % fake.bill[0].output_tokens in raw
        assert b'"input_tokens":%d' % fake.bill[0].input_tokens in raw

    async def test_never_more_than_the_cap(self, fake, post, message):
        """
        Whoever allowed n tokens is charged n at most.
        """
        await post(MESSAGES, message("long " * 100, max_tokens=7))

        assert fake.bill[0].output_tokens == 7

    async def test_counting_is_free(self, fake, post, message):
        """
        A count of tokens is noted and costs nothing.
        """
        await post(f"{MESSAGES}/count_tokens", message())

        charge = fake.bill[0]
        assert (charge.operation, charge.input_tokens) == ("count_tokens", 0)

    async def test_embeddings_cost_input(self, fake, post):
        """
        There is no output to charge.
        """
        await post("/v1/embeddings", {"model": "m", "input": "12345678"})

        assert (fake.bill[0].input_tokens, fake.bill[0].output_tokens) == (2, 0)

    async def test_errors_cost_nothing(self, fake, post, chat):
        """
        A scripted failure is noted with its status.
        """
        fake.enqueue(Script(status=500))

        await post(CHAT, chat())

        assert (fake.bill[0].status, fake.bill[0].input_tokens) == (500, 0)

    async def test_events_are_counted(self, fake, http, chat):
        """
        The bill tells how many events went out, the terminal one among them.
        """
        fake.enqueue(Script(pieces=("a", "b")))

        async with http.post(CHAT, json=chat(stream=True)) as response:
            raw = await response.read()

        assert fake.bill[0].events_sent == raw.count(b"data: ") == 5
