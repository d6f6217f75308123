from __future__ import annotations

import asyncio
import contextlib
import gc
import time

import attrs
import pytest
from structlog.testing import capture_logs

from gateway import Detector
from gateway.clock import SystemClock
from gateway.detecting import DetectorFailed, DetectorTools, Question
from gateway.errors import ConfigError
from gateway.following import Generations
from gateway.secrets import Secrets
from gateway.settings import settings_from_dict
from gateway.storage import Storage
from gateway.testing import make_exchange
from gateway_guardrails import GuardrailsSettings
from gateway_guardrails.policy.rules import read_rule
from gateway_guardrails.policy.store import Store
from gateway_guardrails.policy.watch import Watch


class Ground:
    """
    Detectors that there are, and settings, which a test may change.
    """

    def __init__(self, oracles):
        self.oracles = oracles
        self.kinds = {
            "oracle": Detector(
                name="oracle",
                Options=oracles.Options,
                make=oracles.make,
                is_local=False,
                redacts=False,
            )
        }
        self.settings = settings_from_dict({})

    def __call__(self):
        tools = DetectorTools(
            settings=self.settings, secrets=Secrets({}), clock=SystemClock()
        )
        return tools, self.kinds


class Oracles:
    """
    Makes oracles, and keeps them.
    """

    def __init__(self, oracle, options):
        self.Options = options
        self._oracle = oracle
        self.made = []

    def make(self, options, tools):
        if options.says == "never":
            raise ConfigError("the oracle has no voice")
        self.made.append(self._oracle(options))
        return self.made[-1]


def rule(says="yes", **more):
    told = {"detectors": [{"type": "oracle", "says": says}], "action": "block", **more}
    return read_rule(told, "mine")


@pytest.fixture(name="ground")
def _ground(oracle, oracle_options):
    return Ground(Oracles(oracle, oracle_options))


@pytest.fixture(name="store")
async def _store(tmp_path):
    storage = Storage(tmp_path)
    store = Store(storage=storage, clock=SystemClock())
    await store.open()
    yield store
    await storage.close()


def watching(store, ground, **rules):
    table = {
        name: {"detectors": [{"type": "oracle", "says": says}], "action": "block"}
        for name, says in rules.items()
    }
    settings = settings_from_dict({"plugins": {"guardrails": {"rules": table}}})
    return Watch(
        store, settings.plugin("guardrails", GuardrailsSettings), ground=ground
    )


@contextlib.asynccontextmanager
async def running(watch):
    task = asyncio.get_running_loop().create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def seen(condition, within_s=10.0):
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s
        await asyncio.sleep(0.01)
    return time.monotonic() - started


def names(watch):
    return [one.name for one in watch.snapshot.guardrails]


class TestFollowing:
    async def test_declared_and_stored_rules_are_in_force(self, store, ground):
        """
        Side by side.
        """
        await store.create("stored", rule())
        watch = watching(store, ground, declared="yes")

        await watch.start()

        assert names(watch) == ["declared", "stored"]

    async def test_who_is_told_sees_a_change_at_once(self, store, ground):
        """
        An event pokes.
        """
        watch = watching(store, ground)
        await watch.start()

        async with running(watch):
            await store.create("mine", rule())
            watch.poke()
            took_s = await seen(lambda: names(watch) == ["mine"])

        assert took_s < 1.0

    async def test_who_is_not_told_asks(self, store, ground):
        """
        Within a second, whatever happens to events.
        """
        watch = watching(store, ground)
        await watch.start()

        async with running(watch):
            await store.create("mine", rule())
            await seen(lambda: names(watch) == ["mine"])

    async def test_what_fails_is_tried_again(self, store, ground, monkeypatch):
        """
        The old snapshot serves meanwhile, and the log says so.
        """
        watch = watching(store, ground, declared="yes")
        await watch.start()
        fails = iter([True])

        async def generation(_):
            if next(fails, False):
                raise OSError("database at /secret/path")
            return 1

        monkeypatch.setattr(Generations, "last", generation)
        with capture_logs() as logs:
            async with running(watch):
                watch.poke()
                await seen(lambda: bool(logs))
                serving = names(watch)
                await seen(lambda: next(fails, None) is None)

        assert serving == ["declared"]
        assert logs[0]["why"] == "OSError"

    async def test_the_files_rule_hides_a_stored_one_of_its_name(self, store, ground):
        """
        Which is told once.
        """
        await store.create("mine", rule(says="no"))
        watch = watching(store, ground, mine="yes")

        with capture_logs() as logs:
            await watch.start()
            ground.settings = settings_from_dict({"models": {"m": "demo/echo"}})
            await watch.refresh()

        (guardrail,) = watch.snapshot.guardrails
        assert guardrail.judges[0].judge.options.says == "yes"
        assert [each["guardrail"] for each in logs] == ["mine"]


class TestMaking:
    async def test_what_did_not_change_is_kept(self, store, ground):
        """
        A new rule does not make the others' detectors anew; the same one is shared.
        """
        watch = watching(store, ground, first="yes")
        await watch.start()

        await store.create("same", rule(says="yes"))
        await store.create("other", rule(says="no"))
        await watch.refresh()

        assert [oracle.options.says for oracle in ground.oracles.made] == ["yes", "no"]

    async def test_other_settings_make_all_anew(self, store, ground):
        """
        A detector may go by them: provider keys, the way out.
        """
        watch = watching(store, ground, first="yes")
        await watch.start()
        before = watch.snapshot.version

        ground.settings = settings_from_dict({"models": {"m": "demo/echo"}})
        await watch.refresh()

        assert len(ground.oracles.made) == 2
        assert watch.snapshot.version != before

    async def test_what_is_mandatory_is_never_in_shadow(self, store, ground):
        """
        Shadow as the default of all is for the others, also for rules that were stored before.
        """
        await store.create("must", rule(mandatory=True))
        await store.create("may", rule())
        await store.create("both", rule(mandatory=True, shadow=True))
        told = {"plugins": {"guardrails": {"defaults": {"shadow": True}}}}
        settings = settings_from_dict(told).plugin("guardrails", GuardrailsSettings)
        watch = Watch(store, settings, ground=ground)

        await watch.start()

        shadows = {one.name: one.is_shadow for one in watch.snapshot.guardrails}
        assert shadows == {"must": False, "may": True, "both": False}

    @pytest.mark.parametrize(
        ("default", "of_all", "of_mandatory"),
        [
            ({"on_failure": "open"}, "open", "closed"),
            ({"streaming": "async"}, "async", "buffer"),
            ({"action": "flag"}, "flag", "block"),
        ],
        ids=["on_failure", "streaming", "action"],
    )
    async def test_no_default_ends_that_what_is_mandatory_is_enforced(
        self, store, ground, default, of_all, of_mandatory
    ):
        """
        Chosen for all after the rules were stored, it is for the others alone.
        """
        ((word, _),) = default.items()
        said = {} if word == "action" else {"action": "block"}
        for name, mandatory in (("must", True), ("may", False)):
            told = rule(mandatory=mandatory)
            bare = attrs.evolve(told, action=said.get("action"))
            await store.create(name, bare)
        told = {"plugins": {"guardrails": {"defaults": default}}}
        settings = settings_from_dict(told).plugin("guardrails", GuardrailsSettings)
        watch = Watch(store, settings, ground=ground)

        await watch.start()

        found = {one.name: getattr(one, word) for one in watch.snapshot.guardrails}
        assert found == {"must": of_mandatory, "may": of_all}

    async def test_the_version_tells_rules_apart(self, store, ground):
        """
        And is the same for the same rules, in every worker.
        """
        one, other = watching(store, ground, a="yes"), watching(store, ground, a="yes")
        different = watching(store, ground, a="no")
        for watch in (one, other, different):
            await watch.start()

        assert one.snapshot.version == other.snapshot.version
        assert one.snapshot.version != different.snapshot.version

    async def test_what_is_declared_and_cannot_be_made_ends_the_start(
        self, store, ground
    ):
        """
        It says where.
        """
        watch = watching(store, ground, mine="never")

        with pytest.raises(
            ConfigError, match=r"rules\.mine\.detectors\[0\]: the oracle has no voice"
        ):
            await watch.start()

    @pytest.mark.parametrize("how", ["gone", "unmakeable"])
    async def test_what_is_stored_and_cannot_be_made_fails_whoever_asks(
        self, store, ground, how
    ):
        """
        A plugin was taken out, a secret is missing: the rule is not passed over.
        """
        await store.create("mine", rule(says="never" if how == "unmakeable" else "yes"))
        if how == "gone":
            ground.kinds = {}
        watch = watching(store, ground)

        with capture_logs() as logs:
            await watch.start()

        (judge,) = watch.snapshot.guardrails[0].judges
        with pytest.raises(DetectorFailed) as caught:
            await judge.judge.judge(Question(stage="input", passages=()))
        assert caught.value.reason == "misconfigured"
        assert logs[0]["guardrail"] == "mine"


class TestLettingGo:
    async def test_a_judge_is_closed_once_no_exchange_can_ask_it(self, store, ground):
        """
        An exchange that began with it may ask it to its end.
        """
        await store.create("mine", rule())
        watch = watching(store, ground)
        await watch.start()
        exchange = make_exchange()
        watch.snapshot.for_request(exchange)
        (oracle,) = ground.oracles.made

        await store.remove("mine")
        await watch.refresh()
        while_asked = oracle.is_closed
        del exchange
        gc.collect()
        await watch.refresh()

        assert (while_asked, oracle.is_closed) == (False, True)

    async def test_who_stops_closes_all(self, store, ground):
        """
        Those that wait for their end, too.
        """
        await store.create("mine", rule())
        watch = watching(store, ground, other="no")
        await watch.start()
        exchange = make_exchange()
        watch.snapshot.for_request(exchange)
        await store.remove("mine")
        await watch.refresh()

        await watch.close()

        assert [oracle.is_closed for oracle in ground.oracles.made] == [True, True]
