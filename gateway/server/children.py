"""
Child processes that are started again when they end by themselves.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway import codec

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Mapping

log = structlog.get_logger("gateway.supervisor")

#: Seconds before a child is started again: doubled while it keeps ending, up to the most.
FIRST_PAUSE_S: Final = 0.1
MAX_PAUSE_S: Final = 10.0
#: A child that lived so long was well: its next end is a first one again.
STEADY_S: Final = 30.0
#: Seconds that a child may take to say that it is there.
START_S: Final = 60.0
MAX_LINE_BYTES: Final = 256 * 1024


class ChildFailed(Exception):
    """
    A child said why it cannot start, or nothing; *problems* is what it said.
    """

    def __init__(self, name: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(f"{name} did not start")
        self.name = name
        self.problems = problems


class Child:
    """
    One child process after another, in one place.

    Args:
        name: For the log.
        module: What ``python -m`` runs.
        order: Makes the line that it is told.
        reports: Whether it answers with a line when it is ready.
        restarts: Whether it is started again.
        on_ready: Called with its line whenever a later one of them is ready.
    """

    def __init__(
        self,
        name: str,
        module: str,
        order: Callable[[], bytes],
        environ: Mapping[str, str],
        *,
        reports: bool = True,
        restarts: bool = True,
        on_ready: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.restarted = 0
        self._module = module
        #: Writes down what it is to do, when it is about to be started.
        self.order = order
        self._environ = environ
        self._reports = reports
        self._restarts = restarts
        self._on_ready = on_ready
        self._child: Process | None = None
        self._ready: Process | None = None
        self._is_stopping = False

    @property
    def pid(self) -> int | None:
        """
        The process that runs now.
        """
        child = self._child
        return child.pid if child is not None and child.returncode is None else None

    @property
    def is_ready(self) -> bool:
        """
        Whether the process that runs now has said that it is ready.
        """
        return self.pid is not None and self._ready is self._child

    async def start(self) -> dict[str, Any]:
        """
        Start the process and wait until it is ready.

        Returns:
            What it said.

        Raises:
            ChildFailed: It is not.
        """
        child = self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.server.lean",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if self._reports else None,
            # A terminal's Ctrl-C goes to the supervisor alone, which then ends the others.
            start_new_session=True,
            env=dict(self._environ),
            limit=MAX_LINE_BYTES,
        )
        if self._is_stopping:
            child.terminate()
        if child.stdin is not None:
            child.stdin.write(self.order())
        if not self._reports or child.stdout is None:
            return {}
        try:
            async with asyncio.timeout(START_S):
                told = codec.loads(await child.stdout.readline())
        except (TimeoutError, ValueError):
            await self._give_up(child)
            raise ChildFailed(self.name, []) from None
        if told.get("event") != "started":
            await self._give_up(child)
            raise ChildFailed(self.name, told.get("problems") or [])
        self._ready = child
        report: dict[str, Any] = told
        return report

    async def _give_up(self, child: Process) -> None:
        self.kill()
        await child.wait()
        _let_go(child)

    async def keep(self) -> None:
        """
        Start it again whenever it ends, until `stop`.
        """
        pause = FIRST_PAUSE_S
        clock = asyncio.get_running_loop().time
        while self._child is not None:
            began = clock()
            code = await self._child.wait()
            _let_go(self._child)
            if self._is_stopping:
                return
            log.warning(
                "process ended", child=self.name, pid=self._child.pid, code=code
            )
            if not self._restarts:
                return
            pause = FIRST_PAUSE_S if clock() - began > STEADY_S else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_S)
            await self._start_again()

    async def _start_again(self) -> None:
        if self._is_stopping:
            return
        self.restarted += 1
        try:
            told = await self.start()
        except (ChildFailed, OSError) as exc:
            log.warning("process did not start", child=self.name, error=str(exc))
            return
        log.info("process started again", child=self.name, pid=self.pid)
        if self._on_ready is not None:
            await self._on_ready(told)

    def terminate(self) -> None:
        """
        Ask it to end.
        """
        self._is_stopping = True
        if self.pid is not None and self._child is not None:
            self._child.terminate()

    def renew(self) -> None:
        """
        Ask it to end, and have it started again by what its order says then.
        """
        if self._restarts and self.pid is not None and self._child is not None:
            self._child.terminate()

    def kill(self) -> None:
        """
        End it at once.
        """
        if self.pid is not None and self._child is not None:
            self._child.kill()

    async def stop(self, timeout_s: float) -> None:
        """
        Ask it to end, and end it at once if it takes longer than *timeout_s*.
        """
        self.terminate()
        child = self._child
        if child is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await child.wait()
        except TimeoutError:
            log.warning("process would not end", child=self.name, pid=child.pid)
            child.kill()
            await child.wait()
        _let_go(child)


def _let_go(child: Process) -> None:
    """
    Close the pipes to a child that has ended; nobody else does so for its standard input.
    """
    transport = child._transport  # type: ignore[attr-defined]  # noqa: SLF001
    transport.close()
