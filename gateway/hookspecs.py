"""
Every hook, typed and documented: the reference that ``gatewright hooks`` prints.

A plugin is a class that inherits from `Plugin`, implements the hooks it needs, each marked with
`hookimpl`, and is named by an entry point of the group ``gateway.plugins``.

One rule tells the colours: a ``def`` hook may not wait, an ``async def`` hook may.  Those that
settle, `after_attempt` and `on_complete`, may be written either way: where nobody waits, what is
done needs no task to shield it from a caller who leaves.

pluggy keeps the register and validates; the calling is done in `gateway.hooks`, for with async
hooks pluggy cannot stop early, awaits nothing, and silently drops arguments with defaults.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec

import attrs
import pluggy

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Coroutine,
        Iterable,
        Mapping,
        Sequence,
    )
    from contextlib import AbstractAsyncContextManager

    import click

    from gateway.app import Gateway
    from gateway.catalog import ModelFacts
    from gateway.detecting import Detector
    from gateway.dialects import Dialect
    from gateway.errors import Problem
    from gateway.events import Event
    from gateway.exchange import Answer, Attempt, CallerKind, Exchange
    from gateway.filters import StreamFilter
    from gateway.listing import ModelListing
    from gateway.providers.vendors import Vendor
    from gateway.registrations import (
        Embedder,
        Encoding,
        Metric,
        ProcessSpec,
        Route,
        SecretStore,
    )
    from gateway.routing.targets import Target
    from gateway.secrets import Secrets
    from gateway.settings import Settings as CoreSettings
    from gateway.taps import Tap
    from gateway.views import Chunk, Response

PROJECT: Final = "gateway"
GROUP: Final = "gateway.plugins"

#: Hooks of either colour.
EITHER_COLOUR: Final = frozenset({"after_attempt", "on_complete"})

P = ParamSpec("P")

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


def _either(
    spec: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, Awaitable[None] | None]:
    """
    Let type checkers accept implementations of *spec* that are written with ``def``.
    """
    return spec


class Phase(enum.IntEnum):
    """
    Where a plugin stands: requests pass outermost first, answers come back in reverse.
    """

    #: Telemetry and audit: they see everything, and see it settled.
    OBSERVE = 1
    #: Who calls.
    IDENTIFY = 2
    #: May they, can they pay.
    GOVERN = 3
    #: Prompt templates and decorators: text is added before it is inspected.
    SHAPE = 4
    #: Guardrails.
    INSPECT = 5
    #: Caches and canned answers.
    ANSWER = 6
    #: Which target.
    ROUTE = 7


@attrs.frozen
class NoSettings:
    """
    The settings of a plugin that has none: its table must be empty or absent.
    """


class Plugin:
    """
    What a plugin may implement.

    Construct it from its settings alone: ``MyPlugin(MyPlugin.Settings())`` works in a REPL.
    Use ``@attrs.define(eq=False)`` where the plugin is an attrs class, for the register needs
    it hashable.

    Attributes:
        phase: Where it stands by default; the operator may say otherwise.
        Settings: An attrs class; the table ``plugins.<name>`` is structured into it.
        authenticates_callers: Whether it refuses callers without a credential; see
            `authenticates`.
    """

    phase: ClassVar[Phase] = Phase.OBSERVE
    Settings: ClassVar[type] = NoSettings
    authenticates_callers: bool = False

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def authenticates(self, settings: CoreSettings) -> bool:
        """
        Tell whether it refuses callers without a credential, as it is configured.

        While no plugin does, the gateway serves this machine only.  Override it where that
        depends on more than the class.

        Args:
            settings: The gateway's own.
        """
        return self.authenticates_callers

    def knows_credential(self, value: str) -> bool:
        """
        Tell whether *value* is a credential that it lets callers in by.

        For those who look for credentials in texts: it is asked of strangers' words, often, and
        from any thread; so it neither waits nor remembers.
        """
        return False

    def problems(self, settings: CoreSettings) -> Iterable[Problem]:
        """
        Tell what is wrong between the plugin's own settings and the gateway's.

        What is wrong with its own alone its ``Settings`` class tells, by raising `ConfigError`.

        Args:
            settings: The gateway's own.

        Returns:
            A problem each, with its path from the top of the file; its place there is found.
        """
        return ()

    def detector_problems(self, detectors: Mapping[str, Detector]) -> Iterable[Problem]:
        """
        Tell what is wrong between the plugin's settings and the detectors that there are.

        Args:
            detectors: Everybody's, by name; see `register_detectors`.

        Returns:
            As `problems`.
        """
        return ()

    def find_caller(self, kind: CallerKind, name: str) -> str | None:
        """
        Find the id of the caller of that *name* or id now.

        Whoever tells callers apart overrides it, for others whose settings and questions name
        them and who have to say that a name is nobody's: see `gateway.Gateway.find_caller`.
        Before the start it may not know those that are stored.

        Returns:
            ``""`` where it is nobody's, ``None`` where it does not know.
        """
        return None

    def model_problems(self, check_model: Callable[[str], None]) -> Iterable[Problem]:
        """
        Tell which models that the plugin's settings name nobody has.

        Args:
            check_model: Raises `ModelNotFound` or `UnsupportedOperation` for a model that cannot
                be asked to generate; what plugins make of a name, by `choose_targets`, it does
                not know.

        Returns:
            As `problems`.
        """
        return ()

    async def start_problems(
        self, gateway: Gateway, secrets: Secrets | None
    ) -> Iterable[Problem]:
        """
        Tell what `lifespan` would refuse of the plugin's settings, as far as nothing is opened.

        ``gatewright check`` asks for it where nothing else is wrong, and so does a reload before
        any lifespan is entered: what is told here changes nothing then, for no plugin.

        Args:
            gateway: One that was made and is never started.
            secrets: Resolves references; None where they are to be left alone.

        Returns:
            As `problems`.
        """
        return ()

    def advice(self, gateway: Gateway) -> Iterable[Problem]:
        """
        Tell what of the plugin's settings works, but hardly as it is meant.

        ``gatewright check`` warns of it, where nothing is wrong.

        Args:
            gateway: One that was made and is never started.

        Returns:
            As `problems`.
        """
        return ()

    def not_ready(self) -> str:
        """
        Tell why no requests should be sent here at the moment: it would refuse all of them.

        ``GET /readyz`` is then 503 and says so.  It is asked each time, in every worker, by
        whoever comes: the answer is at hand, names no secret, and nothing waits for it.

        Returns:
            A few words; ``""`` where nothing is in the way.
        """
        return ""

    def warnings(self) -> Iterable[str]:
        """
        Tell what an operator should see to; ``gatewright status`` shows it.

        It is asked in every worker, once its lifespan was entered; what several say alike is
        shown once.  Nothing waits for it.

        Returns:
            A sentence each, without secrets.
        """
        return ()

    # --- registering ------------------------------------------------------------------------

    @hookspec
    def register_providers(self) -> Iterable[Vendor]:
        """
        Add kinds of providers to the table that ``providers.<name>.type`` names.

        When: once, before the settings are used.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            Rows of the table.

        Example::

            return [Vendor(name="house", base_url="https://llm.house.example", key_env="HOUSE_KEY")]
        """
        return ()

    @hookspec
    def register_dialects(self) -> Iterable[Dialect]:
        """
        Add wire formats; callers reach each at the paths of its ``served_at``.

        When: once, before the settings are used.  The paths are settled when a process starts: a
            reload that brings new ones says that they wait for a restart.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            One instance each; a dialect has no state.

        Example::

            return [HouseDialect()]
        """
        return ()

    @hookspec
    def register_routes(self) -> Iterable[Route]:
        """
        Add routes to the management API.

        When: once per worker, before the settings are used; a reload brings and takes them.
        Order: by phase; the same method and path twice is an error that names both plugins.

        Returns:
            Routes below ``/api/``, each with the permission that it needs.  `gateway.management`
            makes them, and has for their handlers who asks, what was sent and how to answer.

        Example::

            return [ApiRoot("bells").route("GET", "", bells, "Lists bells.")]
        """
        return ()

    @hookspec
    def register_commands(self) -> Iterable[click.Command]:
        """
        Add commands to the command line.

        When: when the command line is used; no gateway runs and no settings were read, so the
            plugin is constructed with the defaults of its settings.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            click commands or groups.

        Example::

            return [bells]  # a click command
        """
        return ()

    @hookspec
    def register_secret_stores(self) -> Iterable[SecretStore]:
        """
        Add places where secret references may lead.

        When: once, before the first secret is resolved.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            Stores, found by the scheme of a reference.

        Example::

            return [VaultStore(self.settings.vault)]
        """
        return ()

    @hookspec
    def register_detectors(self) -> Iterable[Detector]:
        """
        Add detectors for guardrails to use.

        When: once, after every plugin was constructed.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            Detectors, found as ``gateway.detectors[name]``; see `gateway.detecting`.

        Example::

            return [Detector(name="badges", Options=BadgeOptions, make=make_badges)]
        """
        return ()

    @hookspec
    def register_embedders(self) -> Iterable[Embedder]:
        """
        Add embedders for similarity search to use.

        When: once, after every plugin was constructed.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            Embedders, found as ``gateway.embedders[name]``.

        Example::

            return [SentenceEmbedder(self.settings.model_file)]
        """
        return ()

    @hookspec
    def register_models(self) -> Iterable[ModelFacts]:
        """
        Add facts of models, prices above all, to the catalog.

        When: at the start and at every reload, after every plugin was constructed.
        Order: by phase; facts of one model from two plugins are an error that names both.

        Returns:
            Facts; they outweigh the catalog's own, which hold for what they do not say.

        Example::

            return [ModelFacts(provider="house", model="m-1", context_window=32_768)]
        """
        return ()

    @hookspec
    def register_encodings(self) -> Iterable[Encoding]:
        """
        Add token encodings for counting offline.

        When: once, after every plugin was constructed.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            Encodings, found as ``gateway.encodings[name]``.

        Example::

            return [HouseEncoding()]
        """
        return ()

    @hookspec
    def register_processes(self) -> Iterable[ProcessSpec]:
        """
        Add processes that run once per data directory, whatever the number of workers.

        When: once, before the first worker starts; the supervisor owns them.  A reload that
            brings new ones says that they wait for a restart.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            What to run.

        Example::

            return [ProcessSpec(name="bell-ringer", target="gateway_bells.ringer:run")]
        """
        return ()

    @hookspec
    def register_metrics(self) -> Iterable[Metric]:
        """
        Add numbers to what ``GET /metrics`` shows.

        When: once per settings snapshot, in every process; each number is asked for whenever
            metrics are read.
        Order: by phase; two of one name are an error that names both plugins.

        Returns:
            What to show.

        Example::

            return [Metric(name="bells_rung", told="Bells rung.", value=lambda: self.rung)]
        """
        return ()

    # --- life -------------------------------------------------------------------------------

    @hookspec
    def lifespan(self, gateway: Gateway) -> AbstractAsyncContextManager[None]:
        """
        Start what the plugin needs, and stop it again.

        When: once per worker, before the first exchange; left after the last.
        Order: entered by phase, left in reverse.

        Returns:
            An async context manager; what raises while entering keeps the gateway from
            starting.

        Example::

            @asynccontextmanager
            async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
                async with open_bells(gateway.data_dir) as self.bells:
                    yield
        """
        raise NotImplementedError

    # --- the way in -------------------------------------------------------------------------

    @hookspec
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Inspect, change, answer or refuse a request before it goes upstream.

        When: after the request was read, before a target is chosen; who calls is known from
            IDENTIFY and GOVERN on.
        Order: by phase; the first answer ends the round.

        Returns:
            ``None`` to carry on, or an answer that is sent instead of asking a provider.
            To change the request, edit ``exchange.request`` in place.  A plugin that identifies
            callers sets ``exchange.identity``; in a dry run by ``exchange.explained_key``, where
            there is one, instead of the headers.  A nested call (``exchange.parent``) carries
            its caller's identity already.

        Raises:
            Refused: to say no; the status and code reach the caller.

        Example::

            if exchange.request.model not in self.settings.models:
                raise NotAllowed("This model is not for you.")
            return None
        """
        return None

    @hookspec
    def choose_targets(
        self, exchange: Exchange, targets: Sequence[Target]
    ) -> Sequence[Target]:
        """
        Narrow, weigh or reorder the candidate targets.

        When: after `pre_request`, once per exchange, unless a plugin answered.  Where the
            router has none for the model, with the request's own fallbacks alone.
            ``exchange.targets(name)`` and ``exchange.offers(name)`` find further ones.
        Order: by phase; each sees what the one before returned.

        Returns:
            The targets in the order in which they are tried; empty means none is left, and
            the caller gets 503, or 404 where the router had none and no first choice
            was added.

        Raises:
            Refused: to say no with a reason of its own.

        Example::

            return [target for target in targets if target.provider != "far-away"]
        """
        return targets

    @hookspec
    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Look at one upstream try before it is sent, with its target and so its price known.

        When: once for each upstream try; another provider key is another try.  In a dry run
            too, where holds become checks.
        Order: reversed, innermost first: a guardrail edits before governance prices, and
            audit writes last before the wire.

        Returns:
            Nothing.  ``attempt.request``, ``attempt.headers`` and the output cap may be
            edited; the caller's request stays as it was.

        Raises:
            Refused: to skip this target; with ``ends=True`` to end the exchange.  If every
                target was refused, the first refusal is the answer; any upstream failure
                outweighs a refusal.

        Example::

            attempt.headers["x-cost-center"] = self.cost_center_of(exchange.identity)
        """

    # --- the way back -----------------------------------------------------------------------

    @hookspec
    def open_tap(self, exchange: Exchange, attempt: Attempt) -> Tap | None:
        """
        Watch what the provider sends, before translation and filters.

        When: when the provider's stream begins; not for answers of plugins.
        Order: none; taps do not see one another.

        Returns:
            A `Tap`, or None to stay out.  It cannot edit; it may raise `Refused`, which cuts
            the stream even behind a filter that holds everything back.  One with
            ``wants_frames`` spares a stream that nobody else looks into from being parsed.

        Example::

            return Stopwatch() if exchange.request.is_stream else None
        """
        return None

    @hookspec
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        """
        Change what is sent to the caller, in a stream or whole.

        When: when the answer begins; *attempt* is None for an answer of a plugin.
        Order: reversed; only plugins outside the one that answered.

        Returns:
            A `StreamFilter` for this answer, or None to stay out.  A `TextFilter` is run
            over whole answers too.

        Example::

            return WordFilter(self.settings.words, self.settings.mask)
        """
        return None

    @hookspec
    async def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Chunk | None:
        """
        Change one event of a stream; the short spelling for a filter without state.

        When: for each event that is about to be sent to the caller.
        Order: reversed; only plugins outside the one that answered.

        Returns:
            The chunk, edited or not, or None to drop it.

        Raises:
            Refused: to cut the stream.

        Example::

            for text in chunk.texts():
                text.replace(text.value.replace("colour", "color"))
            return chunk
        """
        return chunk

    @hookspec
    async def post_response(
        self, exchange: Exchange, response: Response
    ) -> Response | None:
        """
        Look at the whole answer, or replace it.

        When: after a whole answer was filtered; after a stream, with the answer assembled
            from it, when it is too late to change it; not after a stream of more than 64 MiB,
            of which the trail says so.
        Order: reversed; only plugins outside the one that answered.

        Returns:
            ``None`` to leave it, or the response that takes its place.

        Raises:
            Refused: to refuse it; after a stream this is only recorded.

        Example::

            self.seen[exchange.id] = response.finish_reasons
            return None
        """
        return None

    @hookspec
    @_either
    async def after_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Settle one upstream try.

        When: exactly once for each try for which this plugin's `before_attempt` returned,
            also if the caller left, shielded from cancellation.  ``attempt.usage``,
            ``attempt.state``, ``attempt.error`` and ``attempt.not_sent`` tell how it went.
        Order: reversed.
        Colour: ``def`` where there is nothing to wait for, which costs less.

        Example::

            if attempt.usage is not None:
                self.tokens += attempt.usage.total_output
        """

    @hookspec
    @_either
    async def on_complete(self, exchange: Exchange) -> None:
        """
        Record how the exchange ended.

        When: exactly once per exchange: answered, refused, failed, or the caller left; when
            the result is settled, before the last write (a whole answer's body, a stream's
            closing event), so that what is recorded is recorded when the caller knows.
            Shielded from cancellation.
        Order: reversed, so that the outermost sees it settled.
        Colour: ``def`` where there is nothing to wait for, which costs less.

        Raises:
            Refused: what cannot be recorded must not be served: the answer is replaced by
                the refusal, a stream is cut.

        Example::

            log.info("done", request_id=exchange.id, outcome=exchange.outcome)
        """

    # --- beside exchanges -------------------------------------------------------------------

    @hookspec
    def on_event(self, event: Event) -> None:
        """
        Hear of something that happened outside an exchange; must not block.

        When: as it happens, in the process in which it happens.
        Order: by phase; an exception is logged and hides the event from nobody else.

        Example::

            if isinstance(event, SettingsChanged):
                self.cache.clear()
        """

    @hookspec
    async def settle_event(self, event: Event) -> None:
        """
        Wait until what `on_event` began for *event* is done.

        When: after `on_event`, where somebody waits for it: an operator who changed something
            by the management API (`gateway.events.AdminActed`) is answered afterwards.
        Order: by phase; all of them, whatever one of them raises.

        Raises:
            Refused: it is not, and the operator is to know: what was changed stays changed, and
                the answer is the refusal.

        Example::

            await self.written(event)
        """

    @hookspec
    async def list_models(
        self, exchange: Exchange, models: Sequence[ModelListing]
    ) -> Sequence[ModelListing]:
        """
        Narrow the list of models to those that the caller may use.

        When: a caller asks which models there are, or for one of them by name.  This is the only
            hook that is called for such an exchange: it has the caller's headers, its operation
            is ``list_models``, its request names the one model or none, and a plugin that
            identifies callers does so here as in `pre_request`.
        Order: by phase; each sees what the one before returned.

        Returns:
            The models that the caller may know of.  One that is left out is told to be unknown
            (404), as one that does not exist.

        Raises:
            Refused: to tell nothing: 401 where a credential is required.

        Example::

            return [model for model in models if not model.id.startswith("internal/")]
        """
        return models

    @hookspec
    async def recall(self, request_id: str) -> Mapping[str, Any] | None:
        """
        Tell what became of an exchange that is not in memory any more.

        When: an operator asks for a request id (``gatewright explain REQUEST_ID``) that no worker
            remembers; in one worker, whichever it is.
        Order: by phase; the first who knows ends the round.

        Returns:
            What ``GET /api/explain/{request_id}`` answers, as JSON values, in the members that
            `gateway.traces.Trace.as_dict` has; None if it is not known here either.

        Example::

            return await self.archive.find(request_id)
        """
        return None

    @hookspec
    async def erase_subject(self, subject: str) -> str | None:
        """
        Forget a person.

        When: an operator asked for it.
        Order: by phase.

        Returns:
            One sentence for the report, or None if there was nothing to forget.

        Example::

            count = await self.store.forget(subject)
            return f"{count} rows forgotten" if count else None
        """
        return None
