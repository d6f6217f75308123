"""
The inspector through whole exchanges: conversations, samples, dry runs, questions of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re

import attrs
import pytest
from spoken_streams import STREAMED, frames_of

from gateway import Detector, Identity, Phase, Plugin, hookimpl
from gateway.detecting import Opinion
from gateway.errors import Blocked
from gateway.testing import Script, make_exchange
from gateway.views import Chunk
from gateway_guardrails.inspecting.inspection import sampled
from gateway_guardrails.inspecting.plan import OutputPlan

MAIL = "jane@acme.com"
REDACT = {"pii": {"detectors": ["mail"], "action": "redact", "restore": True}}


def chat(content, **more):
    return {
        "model": "openai/m",
        "messages": [{"role": "user", "content": content}],
        **more,
    }


async def post(gated, document, **headers):
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gated.client.post("/v1/chat/completions", document, told)


def said(answer):
    return answer.json["choices"][0]["message"]["content"]


class Known(Plugin):
    """
    Knows every caller by a header.
    """

    phase = Phase.IDENTIFY

    @hookimpl
    async def pre_request(self, exchange):
        exchange.identity = Identity(key_id=exchange.headers.get("x-key", "k"))


async def test_json_stays_json_when_originals_are_put_back(gate, fake):
    """
    A value with what JSON escapes is written escaped where the caller asked for JSON.
    """
    quoted = {"type": "pii", "custom": {"QUOTED": 'a"b'}}
    async with gate({"q": {**REDACT["pii"], "detectors": [quoted]}}) as gated:
        fake.enqueue(Script(text='{"k": "<QUOTED_1>"}'))
        form = {"type": "json_object"}

        answer = await post(gated, chat('JSON: a"b', response_format=form))

    assert json.loads(said(answer)) == {"k": 'a"b'}


@pytest.mark.parametrize(
    ("does", "action", "outcome"),
    [("block", "block", "refused"), ("tell", "flag", "flagged")],
)
async def test_what_was_done_is_told_and_not_what_the_rule_says(
    gate, does, action, outcome
):
    """
    A no without a place refuses where a rule redacts, and what is only told changes nothing.
    """
    judge = {"type": "judge", "does": does}
    async with gate({"j": {"detectors": [judge], "action": "redact"}}) as gated:
        exchange = make_exchange(chat("so bad"))

        with contextlib.suppress(Blocked):
            await gated.inspector.inspect(exchange)

    assert [found.action for found in exchange.trail.findings] == [action]
    assert outcome in [line[2] for line in exchange.trail.said]


class TestShadow:
    @pytest.mark.parametrize("streaming", [None, "window", "buffer", "async"])
    @pytest.mark.parametrize("does", ["block", "fail"])
    @pytest.mark.parametrize("is_default", [False, True])
    async def test_nothing_waits_for_it(self, gate, streaming, does, is_default):
        """
        Of a stream that is judged in shadow every byte leaves before there is a verdict.
        """
        judge = {"type": "judge", "does": does}
        rule = {"detectors": [judge, "mail"], "action": "block", "stages": ["output"]}
        told = {"shadow": True, **({"streaming": streaming} if streaming else {})}
        defaults = {"defaults": told} if is_default else {}
        rules = {"trial": rule if is_default else {**rule, **told}}
        pieces = [
            "so ",
            "bad, ",
            MAIL,
            " word" * 300,
        ] * 10  # more than are judged at once
        frames = frames_of(STREAMED["openai_chat"], pieces)
        async with gate(rules, **defaults) as gated:
            gated.judge.gate = asyncio.Event()
            exchange = make_exchange()
            await gated.inspector.inspect(exchange)
            made = gated.inspector.open_filter(exchange, None)
            left = []
            for frame in frames:
                chunk = Chunk(STREAMED["openai_chat"], frame)
                left += await asyncio.wait_for(made.feed([chunk]), 2)
            gated.judge.gate.set()
            await made.flush()

        found = {finding.type for finding in exchange.trail.findings}
        assert [chunk.encode() for chunk in left] == frames
        assert found == {"EMAIL"} | ({"blocked"} if does == "block" else set())

    async def test_no_rule_waits_for_one_in_shadow(self, kit):
        """
        One that holds back or cuts is kept apart from those that are tried.
        """
        judge = kit.SmallJudge(kit.JudgeOptions())
        trials = [
            kit.rule("mail", judges=[judge], is_shadow=True, streaming=streaming)
            for streaming in ("window", "buffer", "async")
        ]
        earnest = [
            kit.rule("card", streaming=streaming)
            for streaming in ("window", "buffer", "async")
        ]

        plan = OutputPlan.of([*trials, *earnest])

        assert plan.shadow.guardrails == tuple(trials)
        held = (plan.window, plan.buffer, plan.background)
        assert [one.guardrails for one in held] == [(one,) for one in earnest]


class TestConversations:
    async def test_an_earlier_turn_is_put_back(self, gate, fake):
        """
        Where the caller names the conversation, an answer may speak of an earlier turn.
        """
        async with gate(REDACT, plugins=[Known]) as gated:
            await post(gated, chat(MAIL), x_gw_conversation="c1")
            fake.enqueue(Script(text="It was <EMAIL_1>."))
            answer = await post(gated, chat("Who?"), x_gw_conversation="c1")

        assert said(answer) == f"It was {MAIL}."

    @pytest.mark.parametrize(
        "headers",
        [
            {"x_gw_conversation": "c1", "x_key": "other"},
            {"x_gw_conversation": "c2"},
            {},
        ],
        ids=["another caller", "another conversation", "none"],
    )
    async def test_nobody_else_gets_it(self, gate, fake, headers):
        """
        What was put away for one conversation is put back in no other.
        """
        async with gate(REDACT, plugins=[Known]) as gated:
            await post(gated, chat(MAIL), x_gw_conversation="c1")
            fake.enqueue(Script(text="It was <EMAIL_1>."))
            answer = await post(gated, chat("Who?"), **headers)

        assert said(answer) == "It was <EMAIL_1>."

    async def test_strangers_name_nobodys_conversation(self, gate, fake):
        """
        Without an identity the name of a conversation puts nothing back but the request's own.
        """
        async with gate(REDACT) as gated:
            await post(gated, chat(MAIL), x_gw_conversation="c1")
            fake.enqueue(Script(text="It was <EMAIL_1>."))
            answer = await post(gated, chat("Who?"), x_gw_conversation="c1")

        assert said(answer) == "It was <EMAIL_1>."

    @pytest.mark.parametrize("style", ["synthetic", "placeholder"])
    async def test_the_callers_own_comes_back(self, gate, fake, style):
        """
        Whatever stands for a value, an answer that says it gives the value back.
        """
        rules = {"pii": {**REDACT["pii"], "style": style}}
        async with gate(rules) as gated:
            answer = await post(gated, chat(f"I am {MAIL}, hello"))

        sent = fake.requests[-1].json["messages"][0]["content"]
        assert MAIL not in sent
        assert said(answer) == f"echo: I am {MAIL}, hello"

    @pytest.mark.parametrize(
        ("path", "kept"),
        [
            ("/v1/responses", {"previous_response_id": "resp_1"}),
            ("/v1/responses", {"conversation": "conv_1"}),
            ("/v1/responses", {"conversation": {"id": "conv_1"}}),
            (
                "/v1/messages",
                {"thread": {"type": "continue", "previous_message_id": "msg_1"}},
            ),
        ],
        ids=["response", "conversation", "conversation-object", "thread"],
    )
    async def test_turns_that_the_provider_keeps_are_not_mixed_up(
        self, gate, fake, path, kept
    ):
        """
        A placeholder of an earlier turn stays, and is none of this turn's values.
        """
        turns = [{"role": "user", "content": f"and {MAIL}, hello"}]
        document = {"model": "openai/m", "input": turns, **kept}
        if path == "/v1/messages":
            document = {"model": "anthropic/m", "messages": turns, "max_tokens": 99}
        fake.enqueue(Script(text="<EMAIL_1> was first."), Script())
        async with gate(REDACT, plugins=[Known]) as gated:
            earlier = await gated.client.post(path, {**document, **kept})
            own = await gated.client.post(path, {**document, **kept})

        assert b"<EMAIL_1> was first." in earlier.body
        assert f"and {MAIL}, hello".encode() in own.body
        assert MAIL.encode() not in fake.requests[-1].body

    async def test_workers_that_share_a_conversation_do_not_mix_it_up(self, gate, fake):
        """
        What one of them gave a placeholder, another takes for none of its own values.
        """
        kept = {"model": "openai/m", "conversation": "conv_1"}
        named = {"x-gw-conversation": "c1"}
        sent = []
        for who in ("ann@acme.com", "bob@acme.com"):
            async with gate(REDACT, plugins=[Known]) as worker:
                fake.enqueue(Script(text="; ".join([*sent, "ok"])))
                answer = await worker.client.post(
                    "/v1/responses", {**kept, "input": who}, named
                )
                (token,) = re.findall(rb"<EMAIL_\d+>", fake.requests[-1].body)
                sent.append(token.decode())

        assert b"bob" not in answer.body
        assert len({*sent}) == 2

    async def test_a_mask_does_not(self, gate, fake):
        """
        What is masked is gone for the caller as well.
        """
        rules = {"pii": {"detectors": ["mail"], "action": "redact", "style": "mask"}}
        async with gate(rules) as gated:
            answer = await post(gated, chat(f"I am {MAIL}, hello"))

        assert said(answer) == "echo: I am ****, hello"

    async def test_erasing_a_person(self, gate, fake):
        """
        A person who is to be forgotten is forgotten here as well.
        """
        async with gate(REDACT, plugins=[Known]) as gated:
            await post(gated, chat(MAIL), x_gw_conversation="c1")
            reports = await gated.gateway.hooks.erase_subject(MAIL)
            fake.enqueue(Script(text="It was <EMAIL_1>."))
            answer = await post(gated, chat("Who?"), x_gw_conversation="c1")

        told = "1 conversations forgotten, whoever they name"
        assert reports == [("guardrails", told)]
        assert said(answer) == "It was <EMAIL_1>."


class TestRepeats:
    async def test_retries_do_not_mask_twice(self, gate, fake):
        """
        A second try sends what the first one sent.
        """
        fake.enqueue(Script(status=500), Script(text="ok"))
        models = {"smart": {"targets": ["openai/m"], "fallbacks": ["openai/n"]}}
        async with gate(REDACT, models=models) as gated:
            await post(gated, {**chat(MAIL), "model": "smart"})

        sent = [one.json["messages"][0]["content"] for one in fake.requests]
        assert sent == ["<EMAIL_1>"] * 2

    async def test_turns_are_looked_at_once(self, gate, fake):
        """
        A turn that comes again is remembered, and what was found in it is still taken out.
        """
        async with gate(REDACT) as gated:
            await post(gated, chat(MAIL))
            cache = gated.inspector.requests.scanner.cache
            before = cache.misses
            await post(gated, chat(MAIL))

        assert cache.misses == before
        assert fake.requests[-1].json["messages"][0]["content"] == "<EMAIL_1>"


class TestDryRuns:
    async def test_judges_are_not_asked(self, gate, fake):
        """
        A dry run looks with what looks by itself, and says whom it did not ask.
        """
        told = {"detectors": ["judge"], "action": "block", "stages": ["input"]}
        async with gate({**REDACT, "remote": told}) as gated:
            answer = await gated.client.post(
                "/api/explain",
                {"path": "/v1/chat/completions", "request": chat(MAIL)},
            )
            asked = [judge.questions for judge in gated.judges]

        assert answer.status == 200, answer.body
        reasons = [line["reason"] for line in answer.json["trail"]]
        assert "remote: nobody is asked in a dry run" in reasons
        assert "pii: EMAIL" in reasons
        assert asked == [[]]


@attrs.frozen
class Nothing:
    """
    No options.
    """


class Asking(Plugin):
    """
    Brings a judge that asks a model through the gateway.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.answers = []

    @hookimpl
    def register_detectors(self):
        def make(options, tools):
            plugin = self

            class Model:
                async def judge(self, question):
                    text = question.passages[0].text
                    request = tools.request(chat(f"Is this bad? {text}"))
                    response = await tools.call(request, parent=question.exchange)
                    plugin.answers.append((response.status, response.doc))
                    return Opinion()

                async def close(self):
                    """
                    Nothing to close.
                    """

            return Model()

        return (Detector(name="own-model", Options=Nothing, make=make, is_local=False),)


async def test_a_judge_may_ask_a_model(gate, fake):
    """
    What a judge asks the gateway itself is looked at as well, but no judge is asked about it.
    """
    rules = {
        "llm": {"detectors": ["own-model"], "action": "block", "stages": ["input"]}
    }
    async with gate({**rules, **REDACT}, plugins=[Asking]) as gated:
        answer = await post(gated, chat(f"I am {MAIL}"))
        ((status, _),) = gated.plugin(Asking).answers

    asked, sent = [one.json["messages"][0]["content"] for one in fake.requests]
    assert (answer.status, status) == (200, 200)
    assert asked == "Is this bad? I am <EMAIL_1>"
    assert sent == "I am <EMAIL_1>"


def test_samples(kit):
    """
    A sample is a share of the exchanges, the same one each time it is drawn.
    """
    some, every = kit.rule(sample=0.25), kit.rule(name="every")
    drawn = [sampled((some, every), f"req_{at}") for at in range(2000)]

    assert all(every in chosen for chosen in drawn)
    assert 400 < sum(some in chosen for chosen in drawn) < 600
    assert drawn == [sampled((some, every), f"req_{at}") for at in range(2000)]
