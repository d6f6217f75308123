"""
A gateway on a real socket, for tests: with plugins, in front of a fake vendor.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from aiohttp import web

from gateway import codec
from gateway.app import Gateway
from gateway.server.application import callers_app, make_runner
from gateway.server.fleet import Solo
from gateway.server.health import Health
from gateway.server.launch import Launch
from gateway.server.logs import LogOutput
from gateway.server.management_routes import management_routes
from gateway.server.station import Station
from gateway.settings import Address, Settings, settings_from_dict

if TYPE_CHECKING:
    from gateway.hookspecs import Plugin
    from gateway.plugins import FoundPlugin
    from gateway.testing.fake import FakeUpstream

#: Bytes from which on aiohttp does not want a body at once.
_LARGE = 1 << 20
_JSON = {"Content-Type": "application/json"}


class GatewayClient:
    """
    Runs a gateway on a port of its own, and asks it.

    ::

        async with FakeUpstream() as fake:
            async with GatewayClient(settings_for(fake), plugins=[MyPlugin]) as client:
                answer = await client.post("/v1/chat/completions", {...})

    The management routes, the plugins' among them, stand beside the callers': ``client.ask("PUT",
    "/api/bells/1", {...})``.

    Attributes:
        gateway: The gateway itself.

    Args:
        settings: A snapshot, or the mapping to make one of.
        plugins: Plugin classes that take part.
        installed: Whether plugins that happen to be installed take part too.
        environ: Where references ``env.…`` lead.
        data_dir: Where plugins keep their files; left out: a folder that goes with the client.
    """

    def __init__(
        self,
        settings: Settings | Mapping[str, Any],
        *,
        plugins: Sequence[type[Plugin] | FoundPlugin] = (),
        installed: bool = False,
        environ: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        if not isinstance(settings, Settings):
            settings = settings_from_dict(settings)
        self._environ = dict(environ or {})
        self._folder: Path | None = None
        if data_dir is None and settings.server.data_dir is None:
            # Made by whoever keeps something there; a name that nobody guesses.
            data_dir = Path(gettempdir(), f"gatewright-{token_hex(16)}")
            self._folder = data_dir
        self.gateway = Gateway(
            settings,
            plugins=plugins,
            installed=installed,
            environ=environ,
            data_dir=data_dir,
        )
        self._runner: web.BaseRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """
        The root: the base URL of Anthropic's clients.
        """
        return f"http://127.0.0.1:{self._port}"

    @property
    def openai_url(self) -> str:
        """
        The base URL of OpenAI's clients.
        """
        return f"{self.url}/v1"

    async def __aenter__(self) -> Self:
        await self.gateway.start()
        health = Health(ask=self.gateway.not_ready)
        app = callers_app(self.gateway, health, routes=self._management())
        self._runner = make_runner(app, self.gateway)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        health.ready()
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.gateway.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _management(self) -> Sequence[web.AbstractRouteDef]:
        station = Station(self.gateway, LogOutput(BytesIO(), is_text=False))
        fleet = Solo(station, Launch(), Address("127.0.0.1", 0), self._environ)
        return management_routes(fleet, is_shared=True)

    async def post(
        self,
        path: str,
        document: Mapping[str, Any] | bytes,
        headers: Mapping[str, str] | None = None,
    ) -> ClientAnswer:
        """
        Post *document*, and read the whole answer.
        """
        return await self.ask("POST", path, document, headers)

    async def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> ClientAnswer:
        """
        Ask by any *method*, with *document* as JSON or as it is, and read the whole answer.
        """
        if self._session is None:
            msg = "the client is an async context manager: enter it first"
            raise RuntimeError(msg)
        raw = document
        if document is not None and not isinstance(document, bytes):
            raw = codec.dumps(document)
        if isinstance(raw, bytes) and len(raw) > _LARGE:
            raw = BytesIO(raw)  # aiohttp sends it piece by piece
        async with self._session.request(
            method, self.url + path, data=raw, headers={**_JSON, **(headers or {})}
        ) as response:
            body = await response.read()
            return ClientAnswer(response.status, dict(response.headers), body)


class ClientAnswer:
    """
    What a caller got.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def __repr__(self) -> str:
        return f"<ClientAnswer {self.status} {len(self.body)} bytes>"

    @property
    def json(self) -> Any:
        """
        The body as a JSON document.
        """
        return codec.loads(self.body)

    def events(self) -> list[Any]:
        """
        Return the documents of a stream's events, without ``[DONE]`` and comments.
        """
        data = [
            line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")
        ]
        return [codec.loads(one) for one in data if one != b"[DONE]"]


def settings_for(fake: FakeUpstream, **more: Any) -> dict[str, Any]:
    """
    Return settings with *fake* as two providers: ``openai`` and ``anthropic``.

    Args:
        more: Further tables of the settings.
    """
    return {
        "providers": {
            "openai": {
                "type": "openai-compatible",
                "base_url": fake.openai_url,
                "auth": "none",
            },
            "anthropic": {
                "type": "anthropic-compatible",
                "base_url": fake.url,
                "auth": "none",
            },
        },
        **more,
    }
