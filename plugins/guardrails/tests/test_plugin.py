"""
The plugin, as the gateway finds it.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from importlib.metadata import entry_points

import attrs
import pytest

from gateway import Detector, Gateway, Identity, Phase, Plugin, hookimpl
from gateway.events import EventsMissed
from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway.testing import GatewayClient, Script, settings_for
from gateway_guardrails import GuardrailsPlugin
from gateway_guardrails.events import ConversationsForgotten

FOUND = FoundPlugin(name="guardrails", cls=GuardrailsPlugin)
MARPLE = "marple"


@attrs.frozen
class NoOptions:
    """
    Nothing to choose.
    """


class Slow(Plugin):
    """
    Brings a detector that remembers what it was made with, and in which thread.
    """

    def __init__(self, settings):
        super().__init__(settings)
        self.made = []

    def _make(self, options, tools):
        self.made.append((tools.folder, threading.current_thread()))

    @hookimpl
    def register_detectors(self):
        return [Detector(name="slow", Options=NoOptions, make=self._make)]


class Known(Plugin):
    """
    Knows everybody who calls, and tells when something is to be forgotten.
    """

    phase = Phase.IDENTIFY

    def __init__(self, settings):
        super().__init__(settings)
        self.is_told = asyncio.Event()

    @hookimpl
    async def pre_request(self, exchange):
        exchange.identity = Identity(key_id="k")

    @hookimpl
    def on_event(self, event):
        if isinstance(event, ConversationsForgotten):
            self.is_told.set()


@pytest.fixture(name="workers")
async def _workers(fake, tmp_path):
    """
    Two gateways on one data directory, which put back a name that they redacted.
    """
    word = {"type": "words", "words": [MARPLE]}
    rules = {"names": {"detectors": [word], "action": "redact", "restore": True}}
    settings = settings_for(fake, plugins={"guardrails": {"rules": rules}})
    told = {"plugins": [FOUND, Known], "data_dir": tmp_path}
    async with AsyncExitStack() as stack:
        clients = [GatewayClient(settings, **told) for _ in range(2)]
        yield [await stack.enter_async_context(client) for client in clients]


async def ask(client, words):
    turns = [{"role": "user", "content": words}]
    document = {"model": "openai/m", "messages": turns}
    headers = {"x-gw-conversation": "c"}
    answer = await client.post("/v1/chat/completions", document, headers)
    return answer.json["choices"][0]["message"]["content"]


async def ask_who(client, fake):
    fake.enqueue(Script(text="It was <DENIED_WORD_1>."))
    return await ask(client, "Who was it?")


def test_the_entry_point_names_the_plugin():
    """
    It is found by the word that the settings use.
    """
    found = entry_points(group="gateway.plugins", name="guardrails")

    assert [each.load() for each in found] == [GuardrailsPlugin]


@pytest.mark.parametrize("has_served", [False, True])
async def test_what_would_not_start_is_found_beside_the_event_loop(
    tmp_path, has_served
):
    """
    A reload tries while callers are served; to try makes no folder, and uses one that is there.
    """
    folder = tmp_path / "guardrails"
    if has_served:
        folder.mkdir()
    rules = {"some": {"detectors": ["slow"], "action": "flag"}}
    gateway = Gateway(
        settings_from_dict(
            {
                "server": {"data_dir": str(tmp_path)},
                "plugins": {"guardrails": {"rules": rules}},
            }
        ),
        plugins=[FOUND, Slow],
        environ={},
    )

    assert await gateway.start_problems(None) == []

    ((kept, thread),) = gateway.plugin(Slow).made
    assert kept == (folder if has_served else None)
    assert thread is not threading.current_thread()
    assert folder.is_dir() is has_served


async def test_an_earlier_turn_is_put_back_until_somebody_is_erased(workers, fake):
    """
    Whom a conversation speaks of nobody knows: whoever is erased, all are forgotten.
    """
    client = workers[0]
    await ask(client, f"Call {MARPLE}.")
    before = await ask_who(client, fake)

    reports = await client.gateway.erase_subject("employee-4711")

    assert before == f"It was {MARPLE}."
    assert dict(reports)["guardrails"].startswith("1 conversations forgotten")
    assert await ask_who(client, fake) == "It was <DENIED_WORD_1>."


async def test_who_is_erased_is_forgotten_by_every_worker(workers, fake, tmp_path):
    """
    What one tells the other does not name the person.
    """
    one, other = workers
    await ask(other, f"Call {MARPLE}.")

    await one.gateway.erase_subject(MARPLE)
    await asyncio.wait_for(other.gateway.plugin(Known).is_told.wait(), 10)

    assert await ask_who(other, fake) == "It was <DENIED_WORD_1>."
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert tmp_path / "events" in files
    assert not any(MARPLE.encode() in file.read_bytes() for file in files)


async def test_events_that_were_missed_may_have_been_of_an_erasure(workers, fake):
    """
    Then nothing is remembered either.
    """
    client = workers[0]
    await ask(client, f"Call {MARPLE}.")

    client.gateway.publish(EventsMissed(at=0.0))

    assert await ask_who(client, fake) == "It was <DENIED_WORD_1>."
