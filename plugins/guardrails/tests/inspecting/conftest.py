"""
Small detectors and judges, and gateways whose guardrails go by them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import attrs
import pytest

from gateway import Detector, Phase, Plugin, hookimpl
from gateway.detecting import DetectorFailed, Find, Opinion
from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, make_exchange
from gateway_guardrails import GuardrailsPlugin
from gateway_guardrails.inspecting.cache import FindCache
from gateway_guardrails.inspecting.inspection import Inspection
from gateway_guardrails.inspecting.notes import Notes
from gateway_guardrails.inspecting.scanning import Scanner
from gateway_guardrails.policy.guardrail import Guardrail, NamedDetector, NamedJudge
from gateway_guardrails.policy.snapshot import PolicySnapshot
from gateway_guardrails.redaction import Redaction, Vault
from gateway_guardrails.redaction.lookalikes import Lookalikes

GUARDRAILS = FoundPlugin(name="guardrails", cls=GuardrailsPlugin)
MAIL = re.compile(r"(?<![\w.])[a-z][\w.]*@[a-z]+\.(?:org|com)(?![\w])")
MAIL_BEGUN = re.compile(r"[\w.@]+\Z")
CARD = re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?!\d)")
CARD_BEGUN = re.compile(r"(?<!\d)\d[\d -]{0,20}\Z|\d\Z")


@attrs.frozen(kw_only=True)
class Nothing:
    """
    No options.
    """


@attrs.frozen(eq=False)
class Pattern:
    """
    Finds a pattern, and holds back what may be the beginning of a match.
    """

    pattern: re.Pattern[str]
    begun: re.Pattern[str]
    kind: str
    severity: str = "high"
    context: int = 1

    def find(self, text, start, *, final, place):
        begun = None if final else self.begun.search(text, start)
        safe = begun.start() if begun else len(text)
        finds = [
            Find(*match.span(), self.kind, self.severity)
            for match in self.pattern.finditer(text, start)
            if match.end() <= safe
        ]
        return finds, safe


class Failing:
    """
    Fails, and would tell what it was shown.
    """

    context = 0

    def find(self, text, start, *, final, place):
        raise RuntimeError(text)


DETECTORS = {
    "mail": Pattern(MAIL, MAIL_BEGUN, "EMAIL"),
    "card": Pattern(CARD, CARD_BEGUN, "CREDIT_CARD"),
    "tail": Pattern(
        re.compile(r"@[a-z]+\.(?:org|com) \w+"),
        re.compile(r"@[a-z]*(?:\.[a-z]*(?: \w*)?)?\Z"),
        "TAIL",
    ),
    "failing": Failing(),
}


@attrs.frozen(kw_only=True)
class JudgeOptions:
    """
    What a judge does: ``allow``, ``block``, ``mask``, ``find``, ``fail``, ``hang``, ``garbage``.
    """

    does: str = "allow"
    minds: str = "bad"
    images: bool = False


@attrs.define(eq=False)
class SmallJudge:
    """
    Minds one word.
    """

    options: JudgeOptions
    reads_images: bool = False
    questions: list = attrs.field(factory=list)
    gate: asyncio.Event | None = None
    is_asked: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def judge(self, question):
        self.questions.append(question)
        self.is_asked.set()
        if self.gate is not None:
            await self.gate.wait()
        does, word = self.options.does, self.options.minds
        if does == "fail":
            raise DetectorFailed("throttled", "429")
        if does == "hang":
            await asyncio.Event().wait()
        if does == "garbage":
            return Opinion(finds=[[Find(0, 1 << 20, "X")]])
        texts = [passage.text for passage in question.passages]
        minded = any(word in text for text in texts)
        if does == "block":
            return Opinion(is_blocked=minded)
        if does == "mask":
            masked = [
                text.replace(word, "{X}") if word in text else None for text in texts
            ]
            return Opinion(masked=masked, is_blocked=minded)
        if does == "tell":
            flagged = [[Find(0, 0, "LOW")] if word in text else [] for text in texts]
            return Opinion(flagged=flagged)
        if does == "find":
            finds = [
                [Find(*m.span(), "BAD", "high") for m in re.finditer(word, text)]
                for text in texts
            ]
            return Opinion(finds=finds)
        return Opinion()

    async def close(self):
        """
        Nothing to close.
        """


class Small(Plugin):
    """
    Brings the detectors.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.judges = []
        self.findings = []

    def _judge(self, options, tools):
        self.judges.append(SmallJudge(options, options.images))
        return self.judges[-1]

    @hookimpl
    def register_detectors(self):
        def local(name, made):
            return Detector(name=name, Options=Nothing, make=lambda _, __: made)

        def asked(name, **rest):
            told = {"is_local": False, "make": self._judge, "Options": JudgeOptions}
            return Detector(name=name, **told, **rest)

        return (
            *(local(name, made) for name, made in DETECTORS.items()),
            asked("judge"),
            asked("whole", needs_whole=True),
        )


class Gated:
    """
    A gateway under test.
    """

    def __init__(self, client):
        self.client = client
        self.gateway = client.gateway

    def plugin(self, cls):
        plugins = [loaded.plugin for loaded in self.gateway.hooks.plugins]
        return next(each for each in plugins if isinstance(each, cls))

    @property
    def judges(self):
        return self.plugin(Small).judges

    @property
    def judge(self):
        return self.judges[0]

    @property
    def inspector(self):
        return self.plugin(GuardrailsPlugin).warden.inspector


@contextlib.asynccontextmanager
async def gated(fake, rules, *, plugins=(), providers=(), models=None, **table):
    settings = {
        "providers": {
            name: {
                "type": kind,
                "base_url": url,
                "keys": {"main": {"secret": "env.PROVIDER_KEY"}},
            }
            for name, kind, url in providers
            or (
                ("openai", "openai", fake.openai_url),
                ("anthropic", "anthropic", fake.url),
            )
        },
        "routing": {"retries": 0},
        "models": models or {},
        "plugins": {"guardrails": {"rules": rules, **table}},
    }
    client = GatewayClient(
        settings,
        plugins=[GUARDRAILS, Small, *plugins],
        environ={"PROVIDER_KEY": "a-key-of-nobody"},
    )
    async with client:
        yield Gated(client)


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def gate(fake):
    """
    Run a gateway by rules.
    """
    return lambda rules, **more: gated(fake, rules, **more)


def rule(*detectors, name="pii", judges=(), needs_whole=False, **rest):
    """
    Make a guardrail of detectors by name, and of judges.
    """
    told = {"action": "redact", **rest}
    texts = [NamedDetector(name=one, detector=DETECTORS[one]) for one in detectors]
    return Guardrail(
        name=name,
        texts=tuple(texts),
        judges=tuple(
            NamedJudge(name="judge", judge=judge, kind=kind_of_judge(needs_whole))
            for judge in judges
        ),
        **told,
    )


def kind_of_judge(needs_whole=False):
    return Detector(
        name="judge",
        Options=JudgeOptions,
        make=None,
        is_local=False,
        needs_whole=needs_whole,
    )


@pytest.fixture
def inspecting():
    """
    Begin the inspection of an exchange.
    """

    def begin(exchange=None, vault=None, header="x-gw-conversation"):
        exchange = exchange or make_exchange()
        kept = vault or Vault()
        redaction = Redaction(
            open=lambda: kept.open(b"c", 0.0, is_named=False),
            lookalikes=Lookalikes(b"k" * 32),
            texts=lambda: [text.value for text in exchange.request.texts()],
        )
        return Inspection(
            exchange=exchange,
            snapshot=PolicySnapshot(version="1"),
            guardrails=(),
            notes=Notes(exchange),
            redaction=redaction,
        )

    return begin


@pytest.fixture
def scanner():
    with ThreadPoolExecutor(1) as pool:
        yield Scanner(FindCache(b"k" * 32, 1 << 20), pool)


@pytest.fixture
def kit():
    return SimpleNamespace(
        CARD=CARD,
        MAIL=MAIL,
        JudgeOptions=JudgeOptions,
        SmallJudge=SmallJudge,
        rule=rule,
    )
