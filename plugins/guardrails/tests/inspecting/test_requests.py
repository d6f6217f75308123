"""
Requests through a whole gateway: what reaches the provider, and what the caller is told.
"""

from __future__ import annotations

import pytest

from gateway.testing import Script

MAIL = "jane@acme.com"
CARD = "4111 1111 1111 1111"
REDACT = {"pii": {"detectors": ["mail", "card"], "action": "redact"}}
SMART = {"smart": {"targets": ["openai/m"], "fallbacks": ["other/m"]}}
BLOCK = {"pii": {"detectors": ["mail", "card"], "action": "block"}}


def chat(*contents, **more):
    turns = [
        content
        if isinstance(content, dict)
        else {"role": ("user", "assistant")[at % 2], "content": content}
        for at, content in enumerate(contents)
    ]
    return {"model": "openai/m", "messages": turns, **more}


async def post(gated, document, path="/v1/chat/completions", **headers):
    return await gated.client.post(path, document, headers)


async def lines_of(gated, answer, *outcomes):
    path = f"/api/explain/{answer.headers['x-gw-request-id']}"
    told = (await gated.client.ask("GET", path)).json
    return [
        line["reason"]
        for line in told["trail"]
        if line["plugin"] == "guardrails" and line["outcome"] in outcomes
    ]


class TestRedacting:
    async def test_every_turn(self, gate, fake):
        """
        What is found in any turn reaches the provider as a placeholder, the same for the same.
        """
        document = chat(f"I am {MAIL}", "fine", f"{CARD}, again {MAIL} and bob@x.org")
        async with gate(REDACT) as gated:
            await post(gated, document)

        assert [turn["content"] for turn in fake.requests[-1].json["messages"]] == [
            "I am <EMAIL_1>",
            "fine",
            "<CREDIT_CARD_1>, again <EMAIL_1> and <EMAIL_2>",
        ]

    async def test_arguments_keep_their_spelling(self, gate, fake):
        """
        Arguments in the history are edited by their strings; numbers stay as they were spelt.
        """
        source = f'{{"n": 1.50, "big": 12345678901234567890, "to": "{MAIL}"}}'
        call = {"id": "c1", "type": "function"}
        call |= {"function": {"name": "send", "arguments": source}}
        document = chat(
            "send it",
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "sent"},
        )
        async with gate(REDACT) as gated:
            await post(gated, document)

        sent = fake.requests[-1].json["messages"][1]["tool_calls"][0]["function"]
        assert sent["arguments"] == source.replace(MAIL, "<EMAIL_1>")

    async def test_parts_of_one_message_are_read_together(self, gate, fake):
        """
        An address that is cut into two parts of a message is found over the border.
        """
        parts = [{"type": "text", "text": one} for one in ("mail jane@", "acme.com!")]
        async with gate(REDACT) as gated:
            await post(gated, chat({"role": "user", "content": parts}))

        sent = fake.requests[-1].json["messages"][0]["content"]
        assert [part["text"] for part in sent] == ["mail <EMAIL_1>", "<EMAIL_2>!"]

    async def test_two_messages_are_only_flagged(self, gate, fake):
        """
        What stands over the border of two messages is told, and nothing is done about it.
        """
        document = chat("mail jane@", "go on", "acme.com!")
        async with gate(REDACT) as gated:
            answer = await post(gated, document)
            told = await lines_of(gated, answer, "flagged")

        assert fake.requests[-1].json["messages"] == document["messages"]
        assert told == ["pii: EMAIL x2"]

    async def test_the_conversation_goes_on(self, gate, fake):
        """
        The next turn brings the same values, and they have the same numbers.
        """
        first = [{"role": "user", "content": f"mail bob@x.org and {MAIL}"}]
        more = [{"role": "assistant", "content": "ok"}]
        more += [{"role": "user", "content": f"again {MAIL}, and ann@y.com"}]
        async with gate(REDACT) as gated:
            await post(gated, chat(*first))
            await post(gated, chat(*first, *more))

        last = fake.requests[-1].json["messages"][-1]["content"]
        assert last == "again <EMAIL_2>, and <EMAIL_3>"

    async def test_numbers_are_the_same_on_a_worker_that_knows_nothing(
        self, gate, fake
    ):
        """
        Where nobody remembers the conversation its values get the same numbers again.
        """
        turns = [
            {"role": "user", "content": f"mail bob@x.org and {MAIL}"},
            {"role": "assistant", "content": "wrote to <EMAIL_3>"},
            {"role": "user", "content": f"again {MAIL}, and ann@y.com"},
        ]
        async with gate(REDACT) as gated:
            await post(gated, chat(*turns))

        last = fake.requests[-1].json["messages"][-1]["content"]
        assert last == "again <EMAIL_2>, and <EMAIL_4>"

    @pytest.mark.parametrize(
        ("embeddings", "status"), [("redact", 200), ("refuse", 400)]
    )
    async def test_embeddings(self, gate, fake, embeddings, status):
        """
        What is to be embedded is redacted, or refused where the operator wants it so.
        """
        document = {"model": "openai/m", "input": ["a", f"b {MAIL}"]}
        async with gate(REDACT, embeddings=embeddings) as gated:
            answer = await post(gated, document, "/v1/embeddings")

        sent = [request.json["input"] for request in fake.requests]
        assert answer.status == status
        assert sent == ([["a", "b <EMAIL_1>"]] if status == 200 else [])


class TestBlocking:
    async def test_tells_guardrail_type_and_request(self, gate, fake):
        """
        The caller learns which guardrail, what kind of thing and which request; not the value.
        """
        async with gate(BLOCK) as gated:
            answer = await post(gated, chat(f"I am {MAIL}"))

        request_id = answer.headers["x-gw-request-id"]
        assert answer.status == 400
        assert answer.headers["x-gw-code"] == "guardrail_blocked"
        assert answer.json["error"]["message"] == (
            f'Guardrail "pii" blocked this request: EMAIL. Request {request_id}.'
        )
        assert len(fake.requests) == 0

    async def test_the_strictest_wins(self, gate, fake):
        """
        Where one guardrail redacts and another blocks the same, the request is blocked.
        """
        async with gate({**REDACT, "no-mail": BLOCK["pii"]}) as gated:
            answer = await post(gated, chat(f"I am {MAIL}"))

        assert answer.status == 400
        assert "no-mail" in answer.json["error"]["message"]

    @pytest.mark.parametrize("mandatory", [True, False])
    async def test_token_numbers(self, gate, fake, mandatory):
        """
        A prompt that nobody can read is refused, and the field is named.
        """
        document = {"model": "openai/m", "prompt": [1, 2, 3]}
        rules = {"pii": {**REDACT["pii"], "mandatory": mandatory}}
        async with gate(rules) as gated:
            answer = await post(gated, document, "/v1/completions")

        assert answer.status == 400
        assert answer.headers["x-gw-code"] == "guardrail_unenforceable"
        assert "prompt holds token numbers" in answer.json["error"]["message"]
        assert len(fake.requests) == 0

    async def test_token_numbers_pass_a_guardrail_that_only_tells(self, gate, fake):
        """
        Which says on the trail that it saw none of them.
        """
        document = {"model": "openai/m", "prompt": [1, 2, 3]}
        async with gate({"pii": {**REDACT["pii"], "action": "flag"}}) as gated:
            answer = await post(gated, document, "/v1/completions")
            told = await lines_of(gated, answer, "not_run")

        assert answer.status == 200
        assert "prompt holds token numbers" in told[0]

    @pytest.mark.parametrize(("mandatory", "status"), [(True, 400), (False, 200)])
    async def test_media(self, gate, fake, mandatory, status):
        """
        An image is told on the trail, and refused by a guardrail that must look at everything.
        """
        url = "data:image/png;base64,iVBORw0KGgo="
        parts = [{"type": "image_url", "image_url": {"url": url}}]
        rules = {"pii": {**BLOCK["pii"], "mandatory": mandatory}}
        async with gate(rules) as gated:
            answer = await post(gated, chat({"role": "user", "content": parts}))
            told = await lines_of(gated, answer, "not_run")

        assert answer.status == status
        if status == 200:
            why = "pii: the request holds what is no text: image"
            assert told == [why, "pii: nothing to look at"]

    async def test_shadow(self, gate, fake):
        """
        A guardrail in the shadow decides, is told of, and does nothing.
        """
        async with gate({"pii": {**BLOCK["pii"], "shadow": True}}) as gated:
            answer = await post(gated, chat(f"I am {MAIL}"))
            told = await lines_of(gated, answer, "passed")

        assert answer.status == 200
        assert MAIL in fake.requests[-1].json["messages"][0]["content"]
        assert told[:2] == ["pii: EMAIL (shadow: refused)", "1 texts, 1 rules"]


class TestTargets:
    async def test_rules_of_the_target_that_is_tried(self, gate, fake):
        """
        A fallback's own rules are applied to it, on the request as it was, and once.
        """
        providers = [
            ("openai", "openai", fake.openai_url),
            ("other", "openai", fake.openai_url),
        ]
        rules = {
            "all": {"detectors": ["mail"], "action": "redact"},
            "first": {
                "detectors": ["card"],
                "action": "redact",
                "applies_to": {"providers": ["other"]},
            },
        }
        fake.enqueue(Script(status=500), Script(text="ok"))
        async with gate(rules, providers=providers, models=SMART) as gated:
            document = {**chat(f"{MAIL} {CARD}"), "model": "smart"}
            answer = await post(gated, document)

        sent = [one.json["messages"][0]["content"] for one in fake.requests]
        assert answer.status == 200
        assert sent == [f"<EMAIL_1> {CARD}", "<EMAIL_1> <CREDIT_CARD_1>"]

    async def test_a_block_for_one_target_ends_the_exchange(self, gate, fake):
        """
        What a target's own rule blocks is not tried at the next.
        """
        providers = [
            ("openai", "openai", fake.openai_url),
            ("other", "openai", fake.openai_url),
        ]
        rules = {"first": {**BLOCK["pii"], "applies_to": {"providers": ["openai"]}}}
        async with gate(rules, providers=providers, models=SMART) as gated:
            document = {**chat(MAIL), "model": "smart"}
            answer = await post(gated, document)

        assert answer.status == 400
        assert len(fake.requests) == 0


class TestJudges:
    @pytest.mark.parametrize("does", ["fail", "garbage"])
    @pytest.mark.parametrize(("on_failure", "status"), [("closed", 503), ("open", 200)])
    async def test_failing(self, gate, fake, does, on_failure, status):
        """
        A judge that cannot judge refuses the request, or is passed over where that is told.
        """
        judge = {"type": "judge", "does": does}
        told = {"detectors": [judge], "action": "block", "stages": ["input"]}
        async with gate({"remote": {**told, "on_failure": on_failure}}) as gated:
            answer = await post(gated, chat("hello"))
            reasons = await lines_of(gated, answer, "failed", "failed_open")

        assert answer.status == status
        assert reasons == [
            f"remote: judge: {'throttled' if does == 'fail' else 'garbage'}"
        ]

    async def test_too_slow(self, gate, fake):
        """
        A judge has no longer than its guardrail says.
        """
        judge = {"type": "judge", "does": "hang"}
        told = {"detectors": [judge], "action": "block", "timeout_s": 0.05}
        async with gate({"remote": {**told, "stages": ["input"]}}) as gated:
            answer = await post(gated, chat("hello"))

        assert answer.status == 503
        assert "timeout" in answer.json["error"]["message"]

    async def test_redacts_beside_a_scan(self, gate, fake):
        """
        A judge sees what the scans see; what both found is taken out together.
        """
        judge = {"type": "judge", "does": "mask", "minds": "bad words"}
        told = {"detectors": [judge], "action": "redact", "stages": ["input"]}
        async with gate({**REDACT, "remote": told}) as gated:
            await post(gated, chat(f"some bad words to {MAIL}, again bad words"))
            (question,) = gated.judge.questions

        passage = question.passages[0].text
        assert passage == f"some bad words to {MAIL}, again bad words"
        assert fake.requests[-1].json["messages"][0]["content"] == (
            "some <MASKED_1> to <EMAIL_1>, again <MASKED_1>"
        )

    async def test_clean_turns_are_not_asked_about_again(self, gate, fake):
        """
        A later turn costs a question about what is new alone.
        """
        told = {"detectors": ["judge"], "action": "block", "stages": ["input"]}
        async with gate({"remote": told}) as gated:
            await post(gated, chat("one"))
            await post(gated, chat("one", "two", "three"))
            first, second = gated.judge.questions

        assert [one.text for one in first.passages] == ["one"]
        assert [one.text for one in second.passages] == ["two", "three"]
        assert second.query == "three"

    @pytest.mark.parametrize("place", ["first", "last"])
    @pytest.mark.parametrize(
        ("does", "on_failure", "status"),
        [("block", "closed", 400), ("fail", "open", 200)],
    )
    async def test_one_of_two_does_not_answer_for_the_other(
        self, gate, fake, place, does, on_failure, status
    ):
        """
        What one judge found clean is asked again of the other that did not, though both are of
        one detector and one rule.
        """
        judges = [{"type": "judge"}, {"type": "judge", "does": does}]
        if place == "first":
            judges.reverse()
        told = {"detectors": judges, "action": "block", "stages": ["input"]}
        async with gate({"remote": {**told, "on_failure": on_failure}}) as gated:
            answers = [await post(gated, chat("so bad")) for _ in range(2)]
            asked = {one.options.does: len(one.questions) for one in gated.judges}

        assert [answer.status for answer in answers] == [status, status]
        assert asked == {"allow": 1, does: 2}

    async def test_what_a_service_only_tells(self, gate, fake):
        """
        What a service found and lets pass is recorded, and nothing is done about it.
        """
        judge = {"type": "judge", "does": "tell"}
        told = {"detectors": [judge], "action": "block", "stages": ["input"]}
        async with gate({"remote": told}) as gated:
            answer = await post(gated, chat("bad"))
            trace = await gated.client.ask(
                "GET", f"/api/explain/{answer.headers['x-gw-request-id']}"
            )

        (finding,) = trace.json["findings"]
        assert answer.status == 200
        assert (finding["type"], finding["action"]) == ("LOW", "flag")

    async def test_images_for_a_judge_that_sees(self, gate, fake):
        """
        A judge that looks at images is asked each time there are some, texts or none.
        """
        judge = {"type": "judge", "images": True}
        told = {"detectors": [judge], "action": "block", "stages": ["input"]}
        url = {"url": "data:image/png;base64,iVBORw0KGgo="}
        image = {"type": "image_url", "image_url": url}
        words = {"type": "text", "text": "what is it"}
        async with gate({"remote": {**told, "mandatory": True}}) as gated:
            for content in ([image], [words, image], [words, image]):
                answer = await post(gated, chat({"role": "user", "content": content}))
                assert answer.status == 200, answer.body
            asked = [len(one.passages) for one in gated.judge.questions]

        assert asked == [0, 1, 1]
