"""
A running gateway: settings and plugins in, answers out; with or without a server in front.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs
import structlog
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.bulletin import FILE as EVENTS_FILE
from gateway.bulletin import Bulletin
from gateway.clock import SystemClock
from gateway.errors import ExchangeError, InvalidRequest, Problem, Unavailable
from gateway.events import (
    GatewayStarted,
    GatewayStopped,
    SettingsChanged,
    SettingsRefused,
    TraceRecalled,
)
from gateway.exchange import CallerKind, Exchange
from gateway.installation import Installation
from gateway.listing import ModelListing
from gateway.notices import deliver
from gateway.outbound import Outbound
from gateway.outlets import as_told
from gateway.plugins import FoundPlugin
from gateway.relay import Relay
from gateway.request_ids import new_request_id
from gateway.routing.telling import teller
from gateway.runtime import Runtime, make_runtime
from gateway.secrets import RootKey, Secrets, root_key
from gateway.settings import Settings, default_data_dir, settings_as_dict
from gateway.sinks import MemorySink
from gateway.tasks import Tasks
from gateway.traces import Traces
from gateway.upstream import Upstream
from gateway.views import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from gateway.clock import Clock
    from gateway.detecting import Detector
    from gateway.dialects import Dialect
    from gateway.errors import Problem
    from gateway.events import Event
    from gateway.hooks import Hooks
    from gateway.hookspecs import Plugin
    from gateway.plugins import LoadedPlugin
    from gateway.registrations import Embedder, Encoding, Route
    from gateway.sinks import Sink
    from gateway.storage import Storage
    from gateway.views import Request

log = structlog.get_logger("gateway")

P = TypeVar("P", bound="Plugin")

#: How deep calls of plugins may nest: a guardrail's judge, and what watches the judge.
MAX_DEPTH = 3
_STOP_S = 5.0


class Gateway:
    """
    A gateway.

    Use it as an async context manager; ``relay`` answers exchanges into sinks::

        async with Gateway(settings) as gateway:
            exchange = gateway.exchange(dialect=..., request=..., ...)
            await gateway.relay(exchange, MemorySink())

    Args:
        plugins: Plugin classes beside the installed ones, called by their module's name, or
            `FoundPlugin` values that name them.
        installed: Whether plugins found by entry points take part.
        data_dir: Where plugins keep their files, if the settings do not say.
        installation: What is installed, where that was found already; a reload looks again.
        problems: Takes what plugins say is wrong with the settings, which else is raised: for
            who lists everything, and starts nothing.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        plugins: Sequence[type[Plugin] | FoundPlugin] = (),
        installed: bool = True,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
        installation: Installation | None = None,
        problems: list[Problem] | None = None,
    ) -> None:
        installation = installation or Installation.find()
        self.version = installation.version
        self.clock: Clock = clock or SystemClock()
        self.tasks = Tasks()
        self.traces = Traces()
        self.observers: list[Callable[[Exchange], None]] = []
        self.secrets = Secrets(os.environ if environ is None else environ)
        self._data_dir = data_dir
        self._extra = [_found(plugin) for plugin in plugins]
        self._installed = installed
        self._upstream = Upstream(settings.egress.ca_file)
        self._runtime = self._make(settings, installation, None, problems)
        # What is known of providers outlives the settings, and so does who is told of it.
        self._runtime.router.health.tell = teller(self.publish, self.clock)
        self._relay = self._relay_of(self._runtime)
        self._lives: dict[Plugin, AsyncExitStack] = {}
        self._retired: list[Runtime] = []
        self._storage: Storage | None = None
        self._root: RootKey | None = None
        self._bulletin = Bulletin(self.data_dir / EVENTS_FILE, self.publish, self.clock)

    # --- what it is made of -----------------------------------------------------------------

    @property
    def runtime(self) -> Runtime:
        """
        Everything that the current settings mean.
        """
        return self._runtime

    @property
    def settings(self) -> Settings:
        """
        The current snapshot.
        """
        return self._runtime.settings

    @property
    def hooks(self) -> Hooks:
        """
        The current chains.
        """
        return self._runtime.hooks

    @property
    def dialects(self) -> Mapping[str, Dialect]:
        """
        Every dialect by name.
        """
        return self._runtime.dialects

    @property
    def detectors(self) -> Mapping[str, Detector]:
        """
        What plugins registered to find things in text, by name.
        """
        return self._runtime.detectors

    @property
    def embedders(self) -> Mapping[str, Embedder]:
        """
        What they registered to turn texts into vectors, by name.
        """
        return self._runtime.embedders

    @property
    def encodings(self) -> Mapping[str, Encoding]:
        """
        What they registered to count tokens, by name.
        """
        return self._runtime.encodings

    @property
    def routes(self) -> Sequence[tuple[Route, str]]:
        """
        The plugins' management routes, each with the plugin's name.
        """
        return self._runtime.routes

    @property
    def authenticates_callers(self) -> bool:
        """
        Whether some plugin refuses callers without a credential.
        """
        return self._runtime.authenticates_callers

    @property
    def in_flight(self) -> int:
        """
        Exchanges that have not ended.
        """
        return self._runtime.in_flight + sum(old.in_flight for old in self._retired)

    @property
    def data_dir(self) -> Path:
        """
        Where plugins keep their files.
        """
        return self.settings.server.data_dir or self._data_dir or default_data_dir()

    @property
    def storage(self) -> Storage:
        """
        The database that the settings name; its libraries are imported when a plugin first asks.

        Raises:
            ConfigError: The settings' URL cannot be found, or is none.
        """
        if self._storage is None:
            from gateway.storage import Storage, find_url

            url = find_url(self.settings.storage, self.secrets.get)
            self._storage = Storage(self.data_dir, url)
        return self._storage

    @property
    def outbound(self) -> Outbound:
        """
        The way out for requests of plugins to others than providers.
        """
        return Outbound(self._upstream, self.settings.egress, self.secrets)

    def plugin(self, cls: type[P]) -> P:
        """
        Return the one plugin of class *cls* that takes part.

        For who embeds a gateway, and for tests; plugins know nothing of each other.

        Raises:
            LookupError: None does.
        """
        for loaded in self.hooks.plugins:
            if isinstance(loaded.plugin, cls):
                return loaded.plugin
        msg = (
            f"no {cls.__name__} takes part: start the gateway with it among its plugins"
        )
        raise LookupError(msg)

    def find_caller(self, kind: CallerKind, name: str) -> str | None:
        """
        Find the id of the caller of that *name* or id, as some plugin knows it now.

        Returns:
            ``""`` where it is nobody's, ``None`` where no plugin can tell.
        """
        told = [each.plugin.find_caller(kind, name) for each in self.hooks.plugins]
        return next(filter(None, told), "" if "" in told else None)

    def not_ready(self) -> str:
        """
        Tell why no requests should be sent here, by the first plugin that says so; ``""`` if none.
        """
        for loaded in self.hooks.plugins:
            why = loaded.plugin.not_ready()
            if why:
                return f"{loaded.name}: {why}"
        return ""

    def warnings(self) -> list[str]:
        """
        List what plugins say that an operator should see to.
        """
        return [
            f"{loaded.name}: {warning}"
            for loaded in self.hooks.plugins
            for warning in loaded.plugin.warnings()
        ]

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """
        Derive the key for one purpose from the root of all keys, ``server.secret_key``.

        The root is read once in the life of a gateway.  Where none is set, the first who asks
        makes a file in the data directory, and the log says so.

        Args:
            purpose: The same for ever, and the plugin's own: ``governance/virtual-keys``.

        Raises:
            ConfigError: The root is missing or too short, or cannot be made.
        """
        if self._root is None:
            reference = self.settings.server.secret_key
            self._root = root_key(reference, self.data_dir, secrets=self.secrets)
            if self._root.is_new:
                log.warning(
                    "made a secret key: what is stored can be read with this file alone, "
                    "so back it up apart from the data, or set server.secret_key",
                    file=self._root.source,
                )
        return self._root.derive(purpose, length)

    def _make(
        self,
        settings: Settings,
        installation: Installation,
        before: Runtime | None,
        problems: list[Problem] | None = None,
    ) -> Runtime:
        if not self._installed:
            installation = attrs.evolve(installation, plugins=())
        return make_runtime(
            settings,
            secrets=self.secrets,
            upstream=self._upstream,
            clock=self.clock,
            extra=self._extra,
            installation=installation,
            before=before,
            problems=problems,
        )

    def _relay_of(self, runtime: Runtime) -> Relay:
        def ended(exchange: Exchange) -> None:
            runtime.in_flight -= 1
            self._ended(exchange)

        return Relay(runtime, self.tasks, ended)

    # --- life -------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """
        Open the way out and enter the plugins' lifespans; if one fails, all are left again.
        """
        await self._upstream.open()
        # Before the lifespans: what is told while they read what there is must not get lost.
        self._bulletin.start()
        try:
            await self._enter(self._runtime)
        except BaseException:
            await self._close()
            raise
        self.publish(
            GatewayStarted(
                at=self.clock.now(),
                version=self.version,
                settings_digest=self.settings.digest,
            )
        )
        self.tasks.spawn(deliver(self.data_dir, self.tell), name="notices")

    async def stop(self) -> None:
        """
        Let what is being settled finish, leave the lifespans in reverse, close the way out.
        """
        await self.tasks.join(_STOP_S)
        self.publish(GatewayStopped(at=self.clock.now()))
        for plugin in reversed(list(self._lives)):
            await self._leave(plugin)
        await self._close()

    async def _close(self) -> None:
        self._bulletin.stop()
        if self._storage is not None:
            await self._storage.close()
        await self._upstream.close()

    async def _enter(self, runtime: Runtime) -> list[Plugin]:
        entered = []
        try:
            for loaded in runtime.plugins:
                if "lifespan" in loaded.hooks and loaded.plugin not in self._lives:
                    stack = AsyncExitStack()
                    await stack.enter_async_context(loaded.plugin.lifespan(self))
                    self._lives[loaded.plugin] = stack
                    entered.append(loaded.plugin)
        except BaseException:
            for plugin in reversed(entered):
                await self._leave(plugin)
            raise
        return entered

    async def _leave(self, plugin: Plugin) -> None:
        stack = self._lives.pop(plugin)
        try:
            await stack.aclose()
        except Exception as exc:  # noqa: BLE001 - the others are left all the same
            # Without its text and trace: either may hold a secret.
            name, error = type(plugin).__name__, type(exc).__name__
            log.error("lifespan failed", plugin=name, error=error)  # noqa: TRY400

    # --- settings ---------------------------------------------------------------------------

    async def start_problems(self, secrets: Secrets | None) -> list[Problem]:
        """
        Ask the plugins what would keep them from starting; for one that is never started.

        Args:
            secrets: As for `Plugin.start_problems`.
        """
        found = [
            problem
            for loaded in self.hooks.plugins
            for problem in await loaded.plugin.start_problems(self, secrets)
        ]
        return list(dict.fromkeys(found))

    def advice(self) -> list[Problem]:
        """
        Ask the plugins what of their settings works, but hardly as it is meant.
        """
        found = [
            problem
            for loaded in self.hooks.plugins
            for problem in loaded.plugin.advice(self)
        ]
        return list(dict.fromkeys(found))

    async def reload(
        self, settings: Settings, actor: str = "system", *, is_echo: bool = False
    ) -> None:
        """
        Put *settings* in force at once and whole; exchanges under way keep the old ones.

        Args:
            is_echo: Another worker told of the same change already.

        Raises:
            ConfigError: with every problem; nothing changed.
            PluginErrors: likewise.
        """
        try:
            runtime = self._make(settings, Installation.find(), self._runtime)
            await self._enter(runtime)
        except Exception as exc:
            self._refused(exc, actor)
            raise
        before, self._runtime = self._runtime, runtime
        self._relay = self._relay_of(runtime)
        self._retired.append(before)
        await self._retire()
        self.publish(
            SettingsChanged(
                at=self.clock.now(),
                actor=actor,
                is_echo=is_echo,
                before=before.settings.digest,
                after=settings.digest,
                changed=changed_paths(before.settings, settings),
            )
        )

    def _refused(self, exc: Exception, actor: str) -> None:
        problems = tuple(str(exc).splitlines())
        self.publish(
            SettingsRefused(at=self.clock.now(), actor=actor, problems=problems)
        )

    async def _retire(self) -> None:
        """
        Leave the lifespans of plugins that nobody needs any more.
        """
        self._retired = [old for old in self._retired if old.in_flight]
        needed = {
            loaded.plugin
            for runtime in (*self._retired, self._runtime)
            for loaded in runtime.plugins
        }
        for plugin in [plugin for plugin in self._lives if plugin not in needed]:
            await self._leave(plugin)

    # --- exchanges --------------------------------------------------------------------------

    def exchange(
        self,
        *,
        dialect: Dialect,
        operation: str,
        request: Request,
        headers: CIMultiDictProxy[str],
        peer: str = "",
        path: str = "",
        query: str = "",
        request_id: str | None = None,
        parent: Exchange | None = None,
    ) -> Exchange:
        """
        Begin an exchange; `relay` or `explain` must follow.
        """
        clock = self.clock
        return Exchange(
            id=request_id or new_request_id(clock.now()),
            operation=operation,
            dialect=dialect,
            request=request,
            headers=headers,
            settings=self._runtime.settings,
            clock=clock,
            peer=peer,
            path=path,
            query=query,
            parent=parent,
            started_at=clock.monotonic(),
        )

    def relay(self, exchange: Exchange, sink: Sink) -> Coroutine[Any, Any, None]:
        """
        Answer *exchange* into *sink*; errors are told in the caller's dialect.

        Raises:
            asyncio.CancelledError: if the caller left.
        """
        self._runtime.in_flight += 1
        return self._relay.run(exchange, sink)

    async def refuse(
        self, dialect: Dialect, error: ExchangeError, sink: Sink, request_id: str
    ) -> None:
        """
        Tell the caller of an *error* from before there was an exchange.
        """
        response = dialect.error_response(error, request_id)
        headers = {"x-gw-request-id": request_id, "x-gw-code": error.code}
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, ceil(error.retry_after_s)))
        headers["Content-Type"] = "application/json"
        headers.update(error.headers)
        headers.update(response.headers)
        await sink.whole(response.status, headers, response.encode())

    async def call(self, request: Request, *, parent: Exchange | None) -> Response:
        """
        Ask the gateway itself, as a plugin: a guardrail's judge, an embedding.

        The call goes through every plugin, in the name of *parent*'s caller, who pays.

        Raises:
            InvalidRequest: if calls nest deeper than `MAX_DEPTH`.
            Unavailable: if *parent* is a dry run, in which nobody is asked.
        """
        if parent is not None and parent.dry_run:
            msg = "A dry run asks no model."
            raise Unavailable(msg, code="dry_run")
        if parent is not None and parent.depth + 1 >= MAX_DEPTH:
            msg = f"calls of plugins nest deeper than {MAX_DEPTH}"
            raise InvalidRequest(msg)
        exchange = self.exchange(
            dialect=request.dialect,
            operation=request.operation,
            request=request,
            headers=parent.headers if parent else CIMultiDictProxy(CIMultiDict()),
            peer=parent.peer if parent else "",
            parent=parent,
        )
        if parent is not None:
            exchange.identity = parent.identity
        sink = MemorySink()
        await self.relay(exchange, sink)
        return Response(
            request.dialect, sink.body, status=sink.status, headers=dict(sink.headers)
        )

    async def explain(self, exchange: Exchange) -> dict[str, Any]:
        """
        Tell what would become of *exchange*: nothing is sent, nothing is counted.
        """
        return await self._relay.explain(exchange)

    def _ended(self, exchange: Exchange) -> None:
        exchange.ended_at = self.clock.monotonic()
        exchange.forget_frames()
        self.traces.keep(exchange)
        for observe in self.observers:
            observe(exchange)
        if self._retired and not all(old.in_flight for old in self._retired):
            self.tasks.spawn(self._retire(), name="retire settings")

    # --- reports ----------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """
        Tell every plugin of *event*, in this process alone.
        """
        self.hooks.publish(event)

    async def tell(self, event: Event) -> None:
        """
        Tell every plugin of *event*, in this process alone, and wait until they are done with it.

        Raises:
            Refused: A plugin is not, and whoever brought it about is to know.
        """
        self.publish(event)
        await self.hooks.settle_event(event)

    def broadcast(self, event: Event) -> None:
        """
        Tell every plugin of *event*, here at once and in every other process soon.

        Other processes are the other workers, and whoever else runs on this data directory;
        they hear of it within `gateway.bulletin.LOOK_S`, as an echo (`Event.is_echo`).

        Raises:
            ValueError: *event* is longer than `gateway.bulletin.MAX_EVENT_BYTES`, or no JSON
                can be made of it; nobody was told.
            OSError: The data directory cannot be written to; nobody was told.
        """
        self._bulletin.put_up(event)
        self.publish(event)

    async def recall(
        self, request_id: str, actor: str = "system"
    ) -> Mapping[str, Any] | None:
        """
        Find out what became of an exchange: from memory, or from a plugin that keeps such.

        Args:
            actor: Who is shown it; plugins hear of it where it was one of them that knew.
        """
        trace = self.traces.get(request_id)
        if trace is not None:
            return trace
        found = await self.hooks.recall(request_id)
        if found is not None:
            at = self.clock.now()
            self.publish(TraceRecalled(at=at, actor=actor, request_id=request_id))
        return found

    async def erase_subject(self, subject: str) -> list[tuple[str, str]]:
        """
        Let every plugin forget a person, then wipe what the database still holds of it.

        Returns:
            (plugin, sentence) of those that had something to forget.

        Raises:
            PluginFailed: One could not; the others were asked, and the database was wiped.
            TimeoutError: The database is too busy to be wiped; ask again.
        """
        try:
            return await self.hooks.erase_subject(subject)
        finally:
            if self._storage is not None:
                await self._storage.wipe()

    def models(self, asked: str = "") -> list[ModelListing]:
        """
        List the models that callers may name, whoever they are.

        Args:
            asked: A name that is to be among them if only a star of the settings covers it.
        """
        router = self._runtime.router
        names = dict(router.names())
        covered = router.covered(asked) if asked else None
        if covered is not None:
            names.setdefault(*covered)
        return [
            ModelListing(id=name, provider=provider, leads_to=router.leads_to(name))
            for name, provider in names.items()
        ]

    def model_name(self, provider: str, model: str) -> str | None:
        """
        Return the name by which the settings or the catalog know *model* of *provider*, or None.
        """
        return self._runtime.router.model_name(provider, model)

    async def list_models(self, exchange: Exchange) -> Sequence[ModelListing]:
        """
        List the models that the caller of *exchange* may know of: see `Plugin.list_models`.

        Raises:
            ExchangeError: The caller may not ask.
        """
        try:
            models = self.models(asked=exchange.request.model or "")
            return await self.hooks.list_models(exchange, models)
        except ExchangeError as error:
            told = as_told(error, exchange)
            told.headers = {**exchange.response_headers, **told.headers}
            raise told from None

    def plugin_report(self) -> list[dict[str, Any]]:
        """
        Return one line a plugin, outermost first: what it is and what it cost here.
        """
        return [
            self._plugin_line(order, loaded)
            for order, loaded in enumerate(self.hooks.plugins)
        ]

    def _plugin_line(self, order: int, loaded: LoadedPlugin) -> dict[str, Any]:
        stats = self.hooks.stats[loaded.name]
        return {
            **describe_plugin(order, loaded),
            "calls": stats.calls,
            "total_us": stats.total_ns // 1000,
            "p50_us": stats.percentile_us(0.5),
            "p99_us": stats.percentile_us(0.99),
            "errors": stats.errors,
            "failed_open": stats.failed_open,
            "refused": stats.refused,
            "last_error": stats.last_error,
        }


def describe_plugin(order: int, loaded: LoadedPlugin) -> dict[str, Any]:
    """
    Return what is known of a plugin before it ever ran, as JSON values.
    """
    origins = loaded.origins
    return {
        "order": order,
        "name": loaded.name,
        "phase": loaded.phase.name,
        "version": loaded.version,
        "distribution": loaded.distribution,
        "hooks": sorted(loaded.hooks),
        "on_failure": "open" if loaded.fails_open else "closed",
        "timeout_s": loaded.timeout_s,
        "from": dict(origins),
    }


def changed_paths(before: Settings, after: Settings) -> tuple[str, ...]:
    """
    Name the paths at which two snapshots differ, without values.
    """
    return tuple(sorted(_changed(settings_as_dict(before), settings_as_dict(after))))


def _changed(before: Any, after: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in before.keys() | after.keys():
            below = f"{path}.{key}" if path else str(key)
            found += _changed(before.get(key), after.get(key), below)
        return found
    return [] if before == after else [path]


def _found(plugin: type[Plugin] | FoundPlugin) -> FoundPlugin:
    if isinstance(plugin, FoundPlugin):
        return plugin
    name = plugin.__name__.removesuffix("Plugin").lower() or plugin.__name__.lower()
    return FoundPlugin(name=name, cls=plugin)
