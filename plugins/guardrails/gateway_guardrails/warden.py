"""
Guardrails of one worker: everything that the hooks need, put together and kept up to date.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import attrs
import structlog

from gateway import Plugin, codec
from gateway.detecting import DetectorTools
from gateway.settings import find_secrets
from gateway.tasks import running
from gateway_guardrails.findings.models import ModelNames
from gateway_guardrails.findings.recorder import FindingsRecorder
from gateway_guardrails.findings.store import FindingsStore
from gateway_guardrails.inspecting import Inspector
from gateway_guardrails.policy.attachment import Attachment, attachment_of
from gateway_guardrails.policy.nesting import asking
from gateway_guardrails.policy.snapshot import PolicySnapshot
from gateway_guardrails.policy.store import Store
from gateway_guardrails.policy.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

    from gateway import Exchange, Gateway, Request, Response
    from gateway.detecting import Detector
    from gateway.settings import SecretRef
    from gateway_guardrails.policy.guardrail import Scope
    from gateway_guardrails.settings import GuardrailsSettings

log = structlog.get_logger("gateway.guardrails")


@attrs.frozen(eq=False, kw_only=True)
class Warden:
    """
    What guardrails work with, in one worker.  Made by `open`.

    Attributes:
        store: The rules in the database; the management API changes them.
        watch: The snapshot of all rules that is in force.
        recorder: Takes down what is found.
        inspector: Looks at requests and answers.
    """

    gateway: Gateway
    settings: GuardrailsSettings
    store: Store
    watch: Watch
    recorder: FindingsRecorder
    inspector: Inspector

    @classmethod
    @asynccontextmanager
    async def open(
        cls, gateway: Gateway, settings: GuardrailsSettings
    ) -> AsyncIterator[Self]:
        """
        Open the database, read the rules and make them.

        Raises:
            ConfigError: a rule cannot be made or read.
        """
        store = Store(storage=gateway.storage, clock=gateway.clock)
        await store.open()

        def ground() -> tuple[DetectorTools, Mapping[str, Detector]]:
            tools = detector_tools(gateway)
            return attrs.evolve(tools, folder=folder_of(gateway)), gateway.detectors

        recorder = FindingsRecorder(
            FindingsStore(gateway.storage.engine),
            clock=gateway.clock,
            publish=gateway.publish,
            model_of=ModelNames(gateway.models).of,
            max_queued=settings.findings.max_queued,
            keep_days=settings.findings.keep_days,
        )
        async with AsyncExitStack() as stack:
            watch = Watch(store, settings, ground=ground)
            stack.push_async_callback(watch.close)
            await watch.start()
            _tell_strangers(watch.snapshot, gateway)
            stack.push_async_callback(recorder.close)
            await stack.enter_async_context(
                running(
                    watch.run(),
                    recorder.run(),
                    recorder.prune_now_and_then(),
                    name="guardrails-loop",
                )
            )
            inspector = stack.enter_context(
                Inspector.open(
                    gateway,
                    settings,
                    snapshot=lambda: watch.snapshot,
                    record=recorder.record,
                )
            )
            yield cls(
                gateway=gateway,
                settings=settings,
                store=store,
                watch=watch,
                recorder=recorder,
                inspector=inspector,
            )

    def attachment(self, scope: Scope) -> Attachment:
        """
        Tell which names in *scope* nobody bears now.
        """
        return attachment_of(scope, self.gateway)

    @property
    def snapshot(self) -> PolicySnapshot:
        """
        The guardrails in force.
        """
        return self.watch.snapshot


def _tell_strangers(snapshot: PolicySnapshot, gateway: Gateway) -> None:
    """
    Log the names in rules that nobody bears; a later start goes on, for who was stored may go.
    """
    for guardrail in snapshot.guardrails:
        attached = attachment_of(guardrail.scope, gateway)
        if attached.strangers:
            log.warning(
                "guardrail is attached to a name that nobody bears",
                guardrail=guardrail.name,
                why="; ".join(attached.strangers),
                is_nobody=attached.is_nobody,
            )


def folder_of(gateway: Gateway) -> Path:
    """
    Return where detectors keep what takes long to make: see `DetectorTools.folder`.
    """
    return gateway.data_dir / "guardrails"


def detector_tools(gateway: Gateway) -> DetectorTools:
    """
    Return what detectors may need, of *gateway* as it is now.
    """

    def request(
        document: Mapping[str, Any],
        dialect: str = "openai_chat",
        operation: str = "generate",
    ) -> Request:
        return gateway.dialects[dialect].read_request(codec.dumps(document), operation)

    async def call(request: Request, *, parent: Exchange | None) -> Response:
        with asking():
            return await gateway.call(request, parent=parent)

    def references() -> Iterator[SecretRef]:
        plugins = (loaded.settings for loaded in gateway.hooks.plugins)
        for settings in (gateway.settings, *plugins):
            yield from (reference for _, reference in find_secrets(settings))

    # Another plugin comes with other settings, for which tools are made anew.
    keepers = [
        loaded.plugin.knows_credential
        for loaded in gateway.hooks.plugins
        if type(loaded.plugin).knows_credential is not Plugin.knows_credential
    ]

    def knows_credential(value: str) -> bool:
        return any(knows(value) for knows in keepers)

    return DetectorTools(
        settings=gateway.settings,
        secrets=gateway.secrets,
        clock=gateway.clock,
        outbound=gateway.outbound,
        call=call,
        request=request,
        references=references,
        knows_credential=knows_credential if keepers else None,
    )
