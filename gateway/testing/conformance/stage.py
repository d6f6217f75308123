"""
A gateway without sockets, in which one plugin plays before a vendor that replays.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.app import Gateway
from gateway.exchange import Exchange
from gateway.filters import Edit, StreamFilter, TextFilter
from gateway.hookspecs import Phase, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.providers.vendors import Vendor
from gateway.settings import settings_from_dict
from gateway.sinks import MemorySink
from gateway.sse import Frames
from gateway.testing.conformance.recording import Recording, Replay
from gateway.views import Chunk

_VENDOR: Final = "replay"
_MODEL: Final = f"{_VENDOR}/m"
_PATIENCE_S: Final = 20.0

#: Running texts of a stream by the lane that they are in.
Said = Mapping[str, str]


@attrs.frozen
class Heard:
    """
    What a caller heard.

    Attributes:
        said: The running texts of a stream, put together.
    """

    status: int
    body: bytes = attrs.field(repr=False)
    said: Said
    exchange: Exchange = attrs.field(repr=False)


class Stage:
    """
    The gateway, what it is asked, and what comes of it.
    """

    def __init__(self, gateway: Gateway, replay: Replay) -> None:
        self.gateway = gateway
        self.replay = replay

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        name: str,
        plugin: type[Plugin] | None,
        settings: Mapping[str, Any],
        *,
        beside: Iterable[FoundPlugin] = (),
        hooks: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        tells_plugins: str = "ok",
    ) -> AsyncIterator[Stage]:
        """
        Start a gateway with *plugin* under *name*, and others *beside* it.

        Args:
            tells_plugins: What a model answers to a plugin that asks one.
        """
        replay = Replay(says=tells_plugins)
        found = [*beside, FoundPlugin(name="replay_vendor", cls=_vendor(replay))]
        tables: dict[str, Any] = {
            "providers": {_VENDOR: {"type": _VENDOR, "auth": "none"}},
            "routing": {"retries": 0},
            "hooks": dict(hooks or {}),
        }
        if plugin is not None:
            found.append(FoundPlugin(name=name, cls=plugin))
            tables["plugins"] = {name: dict(settings)}
        folder = Path(mkdtemp(prefix="gatewright-"))
        gateway = Gateway(
            settings_from_dict(tables),
            plugins=found,
            installed=False,
            environ=environ or {},
            data_dir=folder,
        )
        try:
            async with gateway:
                yield cls(gateway, replay)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def exchange(
        self, recording: Recording, headers: Mapping[str, str] | None = None
    ) -> Exchange:
        """
        Begin an exchange that asks what *recording* was asked.
        """
        dialect = self.gateway.dialects[recording.dialect]
        operation = dialect.operations[0]
        return self.gateway.exchange(
            dialect=dialect,
            operation=operation,
            request=dialect.read_request(recording.body(_MODEL), operation),
            headers=CIMultiDictProxy(CIMultiDict(headers or {})),
        )

    async def play(
        self,
        recording: Recording,
        parts: Sequence[bytes],
        headers: Mapping[str, str] | None = None,
    ) -> Heard:
        """
        Relay *recording* in *parts*.
        """
        self.replay.parts = parts
        exchange = self.exchange(recording, headers)
        sink = MemorySink()
        async with asyncio.timeout(_PATIENCE_S):
            await self.gateway.relay(exchange, sink)
        return heard(exchange, sink)


def heard(exchange: Exchange, sink: MemorySink) -> Heard:
    """
    Put together what *sink* was told.
    """
    return Heard(
        sink.status,
        sink.body,
        _said(exchange, sink.body) if sink.is_stream else {},
        exchange,
    )


def _said(exchange: Exchange, body: bytes) -> Said:
    frames = Frames()
    running: dict[str, str] = {}
    for frame in (*frames.feed(body), *frames.finish()):
        for text in Chunk(exchange.dialect, frame).texts():
            if text.form == "delta":
                lane = f"{text.kind} {text.lane}"
                running[lane] = running.get(lane, "") + text.value
    return running


def _vendor(replay: Replay) -> type[Plugin]:
    class ReplayVendorPlugin(Plugin):
        """
        Brings the vendor that replays.
        """

        phase = Phase.ROUTE

        @hookimpl
        def register_providers(self) -> Iterable[Vendor]:
            from gateway.dialects import core_dialects

            names = tuple(dialect.name for dialect in core_dialects())
            return [
                Vendor(
                    name=_VENDOR,
                    dialects=names,
                    base_url="http://replay.invalid",
                    needs_key=False,
                    in_process=lambda: replay,
                )
            ]

    return ReplayVendorPlugin


class _Shouting(TextFilter):
    """
    Writes every e in capitals: an edit a letter, and nothing that could be held.
    """

    def find(self, text: str, start: int, final: bool) -> tuple[Sequence[Edit], int]:
        edits = [
            Edit(at, at + 1, "E") for at in range(start, len(text)) if text[at] == "e"
        ]
        return edits, len(text)


def shouting(phase: Phase) -> type[Plugin]:
    """
    Return a plugin with a filter of its own, to stand beside another one.
    """

    class ShoutingPlugin(Plugin):
        """
        Shouts.
        """

        @hookimpl
        def open_filter(self, exchange: Exchange, attempt: Any) -> StreamFilter:
            return _Shouting()

    ShoutingPlugin.phase = phase
    return ShoutingPlugin
