"""
Run a server in a thread of its own, for clients that block.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextlib import AbstractAsyncContextManager

import attrs

__all__ = ["ThreadLife"]

_PATIENCE_S = 10.0


@attrs.define(eq=False)
class ThreadLife:
    """
    The life of a fake upstream in a thread of its own.
    """

    fake: AbstractAsyncContextManager[object]
    _thread: threading.Thread | None = None
    _started: threading.Event = attrs.field(factory=threading.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _is_over: asyncio.Event | None = None
    _fault: BaseException | None = None

    def start(self) -> None:
        """
        Start the thread and wait until requests are answered.

        Raises:
            TimeoutError: where that takes too long.
            Exception: what kept the server from starting.
        """
        self._thread = threading.Thread(
            target=self._run, name="fake-upstream", daemon=True
        )
        self._thread.start()
        if not self._started.wait(_PATIENCE_S):
            raise TimeoutError(f"no server after {_PATIENCE_S:g} s")
        if self._fault is not None:
            raise self._fault

    def end(self) -> None:
        """
        Close the server and wait for the thread's end.
        """
        if self._loop is not None and self._is_over is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._is_over.set)
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - told to the thread that waits
            self._fault = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_over = asyncio.Event()
        async with self.fake:
            self._started.set()
            await self._is_over.wait()
