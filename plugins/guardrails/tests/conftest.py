"""
A gateway with guardrails, small detectors of another plugin, and a vendor that answers.
"""

from __future__ import annotations

import contextlib

import attrs
import pytest

from gateway import Detector, Phase, Plugin, hookimpl
from gateway.detecting import DetectorFailed, Find, Opinion
from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient
from gateway_guardrails import GuardrailsPlugin

ROOT = "/api/guardrails"
PLUGIN = FoundPlugin(name="guardrails", cls=GuardrailsPlugin)


@attrs.frozen(kw_only=True)
class WordOptions:
    """
    Which word is looked for.
    """

    word: str = attrs.field(default="canary", metadata={"help": "The word."})
    severity: str = "high"
    score: float = 1.0


@attrs.frozen(eq=False)
class Word:
    """
    Finds one word.
    """

    options: WordOptions
    context: int = 0

    def find(self, text, start, *, final, place):
        """
        Find it; the last of its letters may still come.
        """
        word, finds, at = self.options.word, [], start
        while (at := text.find(word, at)) >= 0:
            end = at + len(word)
            kind, told = "CANARY", self.options
            finds.append(Find(at, end, kind, told.severity, told.score))
            at = end
        return finds, len(text) if final else max(start, len(text) - len(word) + 1)


@attrs.frozen
class NoOptions:
    """
    There are none.
    """


@attrs.frozen(kw_only=True)
class OracleOptions:
    """
    What the oracle says.
    """

    says: str = attrs.field(metadata={"help": "yes, no, flag, mask, fail, or break."})


@attrs.define(eq=False)
class Oracle:
    """
    Is asked, and counts how often; tells whether it was closed.
    """

    options: OracleOptions
    asked: int = 0
    is_closed: bool = False

    async def judge(self, question):
        """
        Say what the options say.
        """
        self.asked += 1
        if self.options.says == "fail":
            raise DetectorFailed("unreachable", "nobody is there")
        if self.options.says == "break":
            raise ValueError(question.passages[0].text)
        if self.options.says in ("flag", "mask"):
            return _found_in_part(self.options.says, question)
        whole = [Find(0, 0, "OFF_TOPIC")] if self.options.says == "no" else []
        return Opinion(
            finds=[[] for _ in question.passages],
            whole=whole,
            is_blocked=self.options.says == "no",
        )

    async def close(self):
        """
        Remember it.
        """
        self.is_closed = True


def _found_in_part(says, question):
    """
    Flag the first three characters of each passage, or mask them.
    """
    texts = [passage.text for passage in question.passages]
    if says == "mask":
        return Opinion(masked=["***" + text[3:] for text in texts])
    return Opinion(flagged=[[Find(0, 3, "HINT", "high")] for _ in texts])


class Detectors(Plugin):
    """
    Brings detectors, and hears what is told.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.events = []
        self.oracles = []
        self.words = 0

    def _oracle(self, options, tools):
        self.oracles.append(Oracle(options))
        return self.oracles[-1]

    def _word(self, options, tools):
        self.words += 1
        return Word(options)

    @hookimpl
    def register_detectors(self):
        return (
            Detector(
                name="word", Options=WordOptions, make=self._word, summary="One word."
            ),
            Detector(
                name="oracle",
                Options=OracleOptions,
                make=self._oracle,
                is_local=False,
                redacts=False,
            ),
            Detector(
                name="grounding",
                Options=OracleOptions,
                make=self._oracle,
                is_local=False,
                redacts=False,
                needs_whole=True,
                stages=frozenset({"output"}),
            ),
        )

    @hookimpl
    def on_event(self, event):
        self.events.append(event)


class Guarded:
    """
    Asks the management API, and remembers nothing.
    """

    def __init__(self, client):
        self.client = client
        self.gateway = client.gateway

    def plugin(self, cls):
        return self.gateway.plugin(cls)

    @property
    def warden(self):
        return self.plugin(GuardrailsPlugin).warden

    @property
    def detectors(self):
        return self.plugin(Detectors)

    async def ask(self, method, path, document=None, *, status=200):
        answer = await self.client.ask(method, ROOT + path, document, None)
        assert answer.status == status, answer.body
        return answer.json

    async def get(self, path, **told):
        return await self.ask("GET", path, **told)

    async def post(self, path, document, **told):
        return await self.ask("POST", path, document, **told)

    async def create(self, name, *, status=201, **rule):
        """
        Create a rule that looks for a word, unless told otherwise.
        """
        told = {"detectors": ["word"], "action": "flag", **rule}
        return await self.post("/rules", {"name": name, "rule": told}, status=status)


def settings_of(fake, guardrails, **more):
    return {
        "providers": {
            "openai": {
                "type": "openai",
                "base_url": fake.openai_url,
                "keys": {"main": {"secret": "env.PROVIDER_KEY"}},
            },
        },
        "routing": {"retries": 0},
        "plugins": {"guardrails": guardrails},
        **more,
    }


@contextlib.asynccontextmanager
async def guarding(fake, table=None, *, plugins=(), **more):
    """
    Run a gateway with the plugin in front of *fake*.
    """
    client = GatewayClient(
        settings_of(fake, table or {}, **more),
        plugins=[PLUGIN, Detectors, *plugins],
        environ={"PROVIDER_KEY": "a-key-of-nobody"},
    )
    async with client:
        yield Guarded(client)


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def guarded(fake):
    """
    A gateway with one rule from its settings.
    """
    rules = {"canaries": {"detectors": ["word"], "action": "block"}}
    async with guarding(fake, {"rules": rules}) as found:
        yield found


@pytest.fixture
def guards(fake):
    """
    Run a gateway with other settings.
    """
    return lambda table=None, **more: guarding(fake, table, **more)


@pytest.fixture
def plugins():
    """
    What takes part in a gateway of a test's own.
    """
    return [PLUGIN, Detectors]


@pytest.fixture
def oracle():
    """
    The class of a judge.
    """
    return Oracle


@pytest.fixture
def oracle_options():
    """
    And of its options.
    """
    return OracleOptions


@pytest.fixture
def places():
    """
    The places at which the detector ``place`` looked.
    """
    return []


@pytest.fixture
def detectors(places):
    """
    The tests' detectors, and one that remembers where it looked.
    """

    class PlaceTaker:
        context = 0

        def find(self, text, start, *, final, place):
            places.append(place)
            return [], len(text)

    taker = Detector(name="place", Options=NoOptions, make=lambda *_: PlaceTaker())
    return (*Detectors(None).register_detectors(), taker)
