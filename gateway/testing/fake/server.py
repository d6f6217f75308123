"""
A fake upstream: a real HTTP server that talks like the vendors.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from gateway.testing.fake.ask import Rules
from gateway.testing.fake.bill import Bill, Departure, Record, SeenRequest
from gateway.testing.fake.canned import CannedAnswers
from gateway.testing.fake.listener import CountingServer
from gateway.testing.fake.script import Script
from gateway.testing.fake.seal import Seal
from gateway.testing.fake.state import Account, Records, Scripts
from gateway.testing.fake.thread_life import ThreadLife
from gateway.testing.fake.visit import Visit

__all__ = ["FakeUpstream"]

_CLOSING_S = 2.0


class FakeUpstream:
    """
    Speaks the documented formats of OpenAI and Anthropic, and keeps a bill.

    ::

        async with FakeUpstream() as fake:
            fake.script("gpt-x", Script(text="hello"))
            client = openai.AsyncOpenAI(base_url=fake.openai_url, api_key="any")

    Args:
        keys: the API keys that are accepted; ``None`` accepts any, and none.
        models: the models that exist; ``None`` accepts any name.
        default: how requests are answered that no other script is for; one that
            is canned answers all of them, and no other script is looked for.
        strict: refuse unknown top-level fields, conversations that do not add up,
            and reasoning that another account sealed.
        owner: the vendor account; reasoning sealed by one is refused by another.
        patience_s: the longest time that a stall or an endless stream goes on.
        remember: how many requests and charges are kept; sums are kept for good.
        clock: monotonic seconds, in which departures are recorded.
        wall_clock: seconds since 1970, for a retry date.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keys: Collection[str] | None = None,
        models: Collection[str] | None = None,
        default: Script | None = None,
        strict: bool = False,
        owner: str = "fake",
        patience_s: float = 30.0,
        remember: int = 10_000,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._port = port
        self._ssl = ssl_context
        self._account = Account(
            rules=Rules(is_strict=strict, seal=Seal(owner)),
            keys=None if keys is None else frozenset(keys),
            models=None if models is None else tuple(models),
            patience_s=patience_s,
            clock=clock,
            wall_clock=wall_clock,
        )
        self._scripts = Scripts(default or Script())
        self._records = Records(remember)
        self._canned = CannedAnswers()
        self._visits: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        self._runner: web.ServerRunner | None = None

    @property
    def host(self) -> str:
        """
        The address that is listened on.
        """
        return self._host

    @property
    def port(self) -> int:
        """
        The port that is listened on; before the start the one asked for.
        """
        return self._port

    @property
    def url(self) -> str:
        """
        The root, as the base URL of Anthropic clients.
        """
        scheme = "http" if self._ssl is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    @property
    def openai_url(self) -> str:
        """
        The base URL of OpenAI clients.
        """
        return f"{self.url}/v1"

    @property
    def bill(self) -> Bill:
        """
        What was charged, request by request.
        """
        return self._records.bill

    @property
    def requests(self) -> Record[SeenRequest]:
        """
        What was asked, to the byte.
        """
        return self._records.requests

    @property
    def departures(self) -> Record[Departure]:
        """
        The callers who left before their answer was finished, and when.
        """
        return self._records.departures

    @property
    def in_flight(self) -> int:
        """
        How many requests are being answered.
        """
        return self._records.in_flight

    @property
    def open_connections(self) -> int:
        """
        How many connections are open, busy or idle.
        """
        return self._records.connections

    @property
    def connections_made(self) -> int:
        """
        How many connections there ever were.
        """
        return self._records.connections_made

    def script(self, model: str, script: Script) -> None:
        """
        Answer every request for *model* by *script*; ``*`` stands for all others.
        """
        self._scripts.by_model[model] = script

    def enqueue(self, *scripts: Script) -> None:
        """
        Answer the next requests by *scripts*, one each, whatever their model.
        """
        self._scripts.queue.extend(scripts)

    async def wait_for(
        self, is_met: Callable[[], object], timeout: float = 5.0
    ) -> None:
        """
        Wait until *is_met* is true; looked at when something changed here.

        Raises:
            TimeoutError: after *timeout* seconds; tells what is the case instead.
        """
        try:
            await self._records.watch.wait(is_met, timeout)
        except TimeoutError:
            raise self._too_late(timeout) from None

    def wait_here_for(self, is_met: Callable[[], object], timeout: float = 5.0) -> None:
        """
        Wait as `wait_for` does, in another thread than the server's.

        Raises:
            TimeoutError: after *timeout* seconds.
        """
        try:
            self._records.watch.wait_here(is_met, timeout)
        except TimeoutError:
            raise self._too_late(timeout) from None

    def _too_late(self, timeout: float) -> TimeoutError:
        seen = ", ".join(f"{k}={v}" for k, v in self._records.describe().items())
        return TimeoutError(f"not so within {timeout:g} s: {seen}")

    async def start(self) -> None:
        """
        Listen; a port of 0 becomes a free one.

        Raises:
            OSError: where the address cannot be listened on.
        """
        server = CountingServer(self._serve, self._records)
        self._runner = web.ServerRunner(server, shutdown_timeout=_CLOSING_S)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner,
            self._host,
            self._port,
            ssl_context=self._ssl,
            reuse_address=True,
        )
        try:
            await site.start()
        except OSError:
            await self.close()
            raise
        self._port = site.port

    async def close(self) -> None:
        """
        Stop listening and end what is still going on.
        """
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._is_closing = True
        for task in tuple(self._visits):
            task.cancel()
        if self._visits:
            await asyncio.wait(tuple(self._visits), timeout=_CLOSING_S)
        await runner.cleanup()
        self._is_closing = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @classmethod
    @contextlib.contextmanager
    def in_thread(cls, **options: Any) -> Iterator[FakeUpstream]:
        """
        Run in a thread with a loop of its own, for clients that block.

        Args:
            options: as for the class.
        """
        fake = cls(**options)
        life = ThreadLife(fake)
        try:
            life.start()
            yield fake
        finally:
            life.end()

    def _is_ending(self) -> bool:
        return self._is_closing

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        records = self._records
        task = asyncio.current_task()
        if task is not None:
            self._visits.add(task)
        visit = Visit(
            request,
            self._account,
            self._scripts,
            records,
            self._canned,
            self._is_ending,
            records.begin(),
        )
        try:
            return await visit.run()
        finally:
            records.end()
            if task is not None:
                self._visits.discard(task)
