"""
Tests of `gateway_audit.recording.recorder`: requests that no provider, or one for several, answers.
"""

from __future__ import annotations

import asyncio

from gateway import Answer, Phase, Plugin, codec, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import Script, make_response


class Answers(Plugin):
    """
    Has an answer ready.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def pre_request(self, exchange):
        document = {"object": "chat.completion", "choices": [], "model": "m"}
        return Answer(response=make_response(codec.dumps(document)))


class Shares(Plugin):
    """
    Lets whoever asks the same at the same time have the same answer.
    """

    phase = Phase.ANSWER

    def __init__(self, settings):
        super().__init__(settings)
        self._flight = None

    @hookimpl
    async def pre_request(self, exchange):
        if self._flight is None:
            self._flight = exchange.forward()
            return await self._flight.answer()
        return await exchange.join(self._flight)


def of(cls):
    return [FoundPlugin(name=cls.__name__.lower(), cls=cls)]


async def test_a_hit_has_an_outcome_and_no_intent(running):
    """
    Nobody was asked; the trail says who answered.
    """
    async with running(plugins=of(Answers)) as audit:
        answer = await audit.call()
        (outcome,) = audit.entries("intent", "outcome")
        asked = len(audit.fake.requests)

    assert (answer.status, asked) == (200, 0)
    assert (outcome["type"], outcome["outcome"]) == ("outcome", "finished")
    assert outcome["attempts"] == []
    (said,) = (each for each in outcome["trail"] if each["outcome"] == "answered")
    assert said["plugin"] == "answers"


async def test_who_follows_somebody_elses_request_is_marked(running):
    """
    One request goes out, each of both has an intent and an outcome, one of them joined.
    """
    async with running(plugins=of(Shares)) as audit:
        audit.fake.enqueue(Script(text="shared", latency_ms=100))
        answers = await asyncio.gather(audit.call(), audit.call())
        intents = audit.entries("intent")
        outcomes = audit.entries("outcome")
        asked = len(audit.fake.requests)

    assert [answer.status for answer in answers] == [200, 200]
    assert asked == 1
    assert sorted(each["joined"] for each in intents) == [False, True]
    assert {each["request"] for each in intents} == {
        each["request"] for each in outcomes
    }
    assert len(outcomes) == 2
