from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import attrs
import pytest
import structlog

from gateway import Plugin, hookimpl
from gateway.app import Gateway, changed_paths
from gateway.errors import ConfigError, InvalidRequest, NotJson
from gateway.events import (
    Event,
    GatewayStarted,
    GatewayStopped,
    SettingsChanged,
    TraceRecalled,
)
from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway.sinks import MemorySink
from gateway.testing import HookRecorder, find_dialect, make_request

LIVES: list[str] = []


@attrs.frozen
class Word:
    word: str = "a"


class Lives(Plugin):
    """
    Notes its life and what it hears.
    """

    Settings = Word

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway):
        LIVES.append(f"enter {self.settings.word}")
        yield
        LIVES.append(f"leave {self.settings.word}")

    @hookimpl
    def on_event(self, event):
        LIVES.append(type(event).__name__)


class Fails(Plugin):
    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway):
        raise OSError("no disk")
        yield


@pytest.fixture(autouse=True)
def _forget():
    LIVES.clear()


def gateway_of(*classes, **tables) -> Gateway:
    """
    Make a gateway of plugin classes and settings tables.
    """
    found = [FoundPlugin(name=cls.__name__.lower(), cls=cls) for cls in classes]
    return Gateway(settings_from_dict(tables), plugins=found, installed=False)


@attrs.frozen
class Registered:
    name: str


class Registers(Plugin):
    @hookimpl
    def register_detectors(self):
        return [Registered("pii")]

    @hookimpl
    def register_embedders(self):
        return [Registered("ngrams")]

    @hookimpl
    def register_encodings(self):
        return [Registered("o200k_base")]


def test_what_plugins_register_is_found_where_the_hooks_say():
    """
    Detectors, embedders and encodings of one plugin are there for another, by name.
    """
    gateway = gateway_of(Registers)

    assert gateway.detectors["pii"] == Registered("pii")
    assert gateway.embedders["ngrams"] == Registered("ngrams")
    assert gateway.encodings["o200k_base"] == Registered("o200k_base")


def test_a_plugin_is_found_by_its_class():
    """
    Who asks for one that takes no part is told what to do.
    """
    gateway = gateway_of(Registers)

    assert isinstance(gateway.plugin(Registers), Registers)
    with pytest.raises(LookupError, match="start the gateway with it"):
        gateway.plugin(HookRecorder)


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ((), None),
        ((None,), None),
        (("",), ""),
        ((None, ""), ""),
        (("", "t1", None), "t1"),
    ],
)
def test_a_caller_is_known_to_whoever_tells_callers_apart(told, known):
    """
    One plugin that knows it is enough; where nobody says no, nobody knows.
    """

    def telling(answer, number):
        def find_caller(self, kind, name):
            return answer if (kind, name) == ("team", "payments") else None

        members = {"find_caller": find_caller, "__module__": f"tells{number}"}
        return FoundPlugin(name=f"tells{number}", cls=type("Tells", (Plugin,), members))

    plugins = [telling(answer, number) for number, answer in enumerate(told)]
    gateway = Gateway(settings_from_dict({}), plugins=plugins, installed=False)

    assert gateway.find_caller("team", "payments") == known
    assert gateway.find_caller("customer", "payments") is None


def test_a_plugin_that_would_refuse_everything_says_so():
    """
    The first of them is told, with its name; warnings are told of everybody.
    """

    def saying(number, why):
        members = {
            "not_ready": lambda self: why,
            "warnings": lambda self: [f"look at {number}"],
            "__module__": f"says{number}",
        }
        return FoundPlugin(name=f"says{number}", cls=type("Says", (Plugin,), members))

    plugins = [saying(1, ""), saying(2, "the disk is away"), saying(3, "so is mine")]
    gateway = Gateway(settings_from_dict({}), plugins=plugins, installed=False)

    assert gateway.not_ready() == "says2: the disk is away"
    assert gateway.warnings() == [
        f"says{number}: look at {number}" for number in (1, 2, 3)
    ]
    assert gateway_of(Lives).not_ready() == ""
    assert gateway_of(Lives).warnings() == []


async def test_plugins_live_as_long_as_the_gateway():
    """
    Lifespans are entered before the start is told and left after the stop.
    """
    async with gateway_of(Lives):
        LIVES.append("running")

    assert LIVES == [
        "enter a",
        GatewayStarted.__name__,
        "running",
        GatewayStopped.__name__,
        "leave a",
    ]


async def test_a_failed_start_leaves_nothing_behind():
    """
    If one plugin cannot start, those that did are stopped again.
    """
    hooks = {"phase": {"fails": "ROUTE"}}

    with pytest.raises(OSError, match="no disk"):
        async with gateway_of(Lives, Fails, hooks=hooks):
            pass

    assert LIVES[0] == "enter a"
    assert LIVES[-1] == "leave a"


async def test_a_reload_replaces_only_what_changed():
    """
    The plugin with new settings is entered before the old one is left.
    """
    async with gateway_of(Lives, plugins={"lives": {"word": "a"}}) as gateway:
        LIVES.clear()
        await gateway.reload(settings_from_dict({"plugins": {"lives": {"word": "b"}}}))
        changed = [entry for entry in LIVES if entry != SettingsChanged.__name__]
        LIVES.clear()
        await gateway.reload(
            settings_from_dict({"plugins": {"lives": {"word": "b"}}, "models": {}})
        )

    assert changed == ["enter b", "leave a"]
    assert "enter b" not in LIVES


async def test_a_bad_reload_changes_nothing_and_is_told():
    """
    The old snapshot stays in force, the event says what was wrong.
    """
    async with gateway_of(Lives) as gateway:
        before = gateway.settings
        with pytest.raises(ConfigError):
            await gateway.reload(settings_from_dict({"providers": {"openai": {}}}))

        assert gateway.settings is before
        assert LIVES[-1] == "SettingsRefused"


async def test_models_are_listed_from_the_settings():
    """
    Names that callers may use are at hand with who serves them.
    """
    place = {
        "type": "openai-compatible",
        "base_url": "https://x.example",
        "auth": "none",
    }
    gateway = gateway_of(
        providers={"house": {**place, "models": ["big"]}}, models={"fast": "house/big"}
    )

    assert [model.id for model in gateway.models()] == ["fast", "house/big"]


async def test_plugins_are_reported_in_order():
    """
    The report says what each is, where its policy comes from, and what it cost.
    """
    gateway = gateway_of(Lives, hooks={"timeout_s": {"lives": 2.5}})

    (line,) = gateway.plugin_report()

    assert line["name"] == "lives"
    assert line["hooks"] == ["lifespan", "on_event"]
    assert line["timeout_s"] == 2.5
    assert line["from"]["timeout_s"] == "settings"
    assert line["from"]["on_failure"] == "default"
    assert line["p99_us"] == 0.0


async def test_an_error_without_an_exchange_is_told_in_the_dialect():
    """
    What goes wrong before a request was read has the shape of the route's vendor.
    """
    gateway, sink = gateway_of(), MemorySink()
    dialect = find_dialect("anthropic_messages")

    await gateway.refuse(dialect, NotJson(retry_after_s=1.2), sink, "req_1")

    assert sink.status == 415
    assert sink.headers["x-gw-code"] == "not_json"
    assert sink.headers["Retry-After"] == "2"
    assert b'"type":"error"' in sink.body


async def test_nested_calls_are_bounded():
    """
    A call of a call of a call is refused.
    """
    async with gateway_of() as gateway:
        request = make_request()

        def deeper(parent):
            return gateway.exchange(
                dialect=request.dialect,
                operation="generate",
                request=request,
                headers={},
                parent=parent,
            )

        deep = deeper(deeper(deeper(None)))
        with pytest.raises(InvalidRequest, match="nest deeper"):
            await gateway.call(request, parent=deep)


def test_changed_paths_name_no_values():
    """
    What differs between two snapshots is told by its path.
    """
    before = settings_from_dict({"server": {"workers": 1}})
    after = settings_from_dict({"server": {"workers": 2}, "models": {"a": "demo/x"}})

    paths = changed_paths(before, after)

    assert "server.workers" in paths
    assert any(path.startswith("models") for path in paths)


@attrs.frozen(kw_only=True)
class Rung(Event):
    """
    An event of a plugin.
    """

    bell: str


class Hears(Plugin):
    @hookimpl
    def on_event(self, event):
        if isinstance(event, Rung):
            HEARD.append((event.bell, event.is_echo))


HEARD: list[tuple[str, bool]] = []


async def test_a_broadcast_reaches_every_process_of_the_data_directory(tmp_path):
    """
    It is heard here at once, and soon in another gateway, which knows it for an echo.
    """
    HEARD.clear()
    server = {"data_dir": str(tmp_path)}
    async with (
        gateway_of(Hears, server=server) as one,
        gateway_of(Hears, server=server),
    ):
        one.broadcast(Rung(at=1.0, bell="b"))
        here = list(HEARD)
        async with asyncio.timeout(1):
            while len(HEARD) < 2:  # noqa: ASYNC110 - what is watched has no event
                await asyncio.sleep(0.01)

    assert here == [("b", False)]
    assert HEARD == [("b", False), ("b", True)]


async def test_a_broadcast_that_cannot_be_told_to_all_is_told_to_nobody(tmp_path):
    """
    Whoever changed something learns that the others do not know.
    """
    HEARD.clear()
    async with gateway_of(Hears, server={"data_dir": str(tmp_path)}) as gateway:
        with pytest.raises(ValueError, match="longer"):
            gateway.broadcast(Rung(at=1.0, bell="b" * 5000))

    assert HEARD == []


class TestDerivedKeys:
    def gateway(self, tmp_path, **server) -> Gateway:
        tables = {"server": {"data_dir": str(tmp_path / "data"), **server}}
        environ = {"ROOT": "r" * 43}
        return Gateway(settings_from_dict(tables), installed=False, environ=environ)

    def test_hang_on_the_settings_root(self, tmp_path):
        """
        One root and one purpose give one key, here and in any other process.
        """
        first = self.gateway(tmp_path, secret_key="env.ROOT")
        second = self.gateway(tmp_path, secret_key="env.ROOT")

        assert first.derive("a/b") == second.derive("a/b")
        assert first.derive("a/b") != first.derive("a/c")
        assert len(first.derive("a/b", 64)) == 64
        assert not (tmp_path / "data").exists()

    def test_have_a_root_made_and_said_so_once(self, tmp_path):
        """
        Without a setting the first who asks makes the file, for its owner alone.
        """
        gateway = self.gateway(tmp_path)
        with structlog.testing.capture_logs() as logs:
            key = gateway.derive("a/b")
            again = self.gateway(tmp_path).derive("a/b")

        file = tmp_path / "data" / "secret_key"
        assert key == again
        assert file.stat().st_mode & 0o777 == 0o600
        assert [line["file"] for line in logs] == [str(file)]
        assert file.read_text().strip() not in str(logs)

    def test_of_a_root_that_is_too_short_are_refused(self, tmp_path):
        """
        A password is no key.
        """
        tables = {"server": {"secret_key": "env.ROOT"}}
        gateway = Gateway(
            settings_from_dict(tables), installed=False, environ={"ROOT": "hunter2"}
        )

        with pytest.raises(ConfigError, match="shorter than 32"):
            gateway.derive("a/b")


class Forgets(Plugin):
    def __init__(self, settings):
        super().__init__(settings)
        self.heard = []

    @hookimpl
    def on_event(self, event):
        self.heard.append(event)

    @hookimpl
    async def recall(self, request_id):
        return {"request_id": request_id} if request_id == "req_old" else None

    @hookimpl
    async def erase_subject(self, subject):
        return f"forgot {len(subject)} letters"


async def test_what_is_not_in_memory_a_plugin_may_recall():
    """
    An exchange that nobody remembers is asked for among the plugins, who hear whom it was shown.
    """
    gateway = gateway_of(Forgets)

    assert await gateway.recall("req_old", "ann") == {"request_id": "req_old"}
    assert await gateway.recall("req_new", "ann") is None
    (shown,) = gateway.plugin(Forgets).heard
    assert isinstance(shown, TraceRecalled)
    assert (shown.actor, shown.request_id) == ("ann", "req_old")


async def test_a_person_is_forgotten_by_every_plugin_and_the_database(tmp_path):
    """
    The plugins report, and what they deleted is not left in a file.
    """
    gateway = gateway_of(Forgets, server={"data_dir": str(tmp_path)})
    async with gateway:
        async with gateway.storage.engine.begin() as connection:
            await connection.exec_driver_sql("CREATE TABLE rows (word TEXT)")
        told = await gateway.erase_subject("alice")
        journal = (tmp_path / "gateway.db-wal").stat().st_size

    assert told == [("forgets", "forgot 5 letters")]
    assert journal == 0


def test_storage_is_that_of_the_settings(tmp_path):
    """
    The URL may be a reference; what it leads to is in no repr.
    """
    pytest.importorskip("sqlalchemy")
    tables = {"storage": {"url": "env.DB"}}
    environ = {"DB": f"sqlite:///{tmp_path}/other.db"}
    gateway = Gateway(settings_from_dict(tables), installed=False, environ=environ)

    storage = gateway.storage

    assert str(storage.url) == f"sqlite+aiosqlite:///{tmp_path}/other.db"
    assert "other.db" not in repr(storage)
