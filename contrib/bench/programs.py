"""
Starting other programs, listening to them, and ending them by their ids.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self

import attrs

from bench.machine import is_alive, pinned_to, tree_of

ROOT: Final = Path(__file__).resolve().parents[2]
_LIBC: Final = ctypes.CDLL(None)
#: <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1
_END_S: Final = 8.0
_LAST_LINES: Final = 20


class BenchError(Exception):
    """
    Something kept the bench from measuring; says what, and what to do.
    """


@attrs.define(eq=False)
class Program:
    """
    A program that was started here; a context manager that ends it, and so does our own end.

    What it writes is read all the time, because a log that nobody reads stops who
    writes it; the last lines are kept.  One that *talks* is listened to line by line
    instead, and only its standard error is read like that.
    """

    name: str
    _popen: subprocess.Popen[bytes]
    _log: IO[bytes]
    _last: deque[bytes] = attrs.field(factory=lambda: deque(maxlen=_LAST_LINES))
    _reader: threading.Thread = attrs.field(init=False)
    _got: bytes = b""

    def __attrs_post_init__(self) -> None:
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls,
        name: str,
        arguments: Sequence[str],
        *,
        core: int | None = None,
        talks: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """
        Start a program on *core*, with *environ* on top of our environment.

        Raises:
            BenchError: it cannot be started.
        """
        with pinned_to(core):
            try:
                popen = subprocess.Popen(
                    list(arguments),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE if talks else subprocess.STDOUT,
                    env={**os.environ, **(environ or {})},
                    start_new_session=True,
                    # Two system calls, which need no lock that a thread may hold.
                    preexec_fn=_ends_with(os.getpid()),  # noqa: PLW1509
                )
            except OSError as error:
                raise BenchError(f"{name} cannot be started: {error}") from None
        log = popen.stderr if talks else popen.stdout
        assert log is not None
        return cls(name, popen, log)

    @classmethod
    def python(
        cls,
        name: str,
        arguments: Sequence[str],
        *,
        core: int | None = None,
        talks: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """
        Start this Python, which finds the bench and the tree that it belongs to.
        """
        found = (str(ROOT), str(ROOT / "contrib"), os.environ.get("PYTHONPATH", ""))
        path = os.pathsep.join(filter(None, found))
        # With its bytecode kept, as whoever installs a program has it: to compile at every
        # start costs memory for good.
        kept = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
        environ = {**(environ or {}), **kept}
        # -P: not what stands in the current folder and is called like a module of ours.
        command = (sys.executable, "-P", *arguments)
        return cls.start(name, command, core=core, talks=talks, environ=environ)

    @property
    def pid(self) -> int:
        """
        Its id.
        """
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """
        Whether it has not ended.
        """
        return self._popen.poll() is None

    def last_words(self) -> str:
        """
        Return the last lines that it wrote to standard error.
        """
        return b"".join(self._last).decode(errors="replace").strip()

    def fault(self, what: str) -> BenchError:
        """
        Make an error out of *what* went wrong and its last words.
        """
        said = self.last_words()
        return BenchError(
            f"{self.name} {what}" + (f"; it said:\n{said}" if said else "")
        )

    def tell(self, line: bytes) -> None:
        """
        Write *line* to its standard input.

        Raises:
            BenchError: it has ended.
        """
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(line + b"\n")
            self._popen.stdin.flush()
        except OSError:
            raise self.fault("has ended") from None

    def hear(self, timeout_s: float) -> bytes:
        """
        Return the next line of its standard output.

        Raises:
            BenchError: none came within *timeout_s*, or it has ended.
        """
        assert self._popen.stdout is not None
        until = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._popen.stdout, selectors.EVENT_READ)
            while b"\n" not in self._got:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise self.fault(f"said nothing for {timeout_s:g} s")
                data = os.read(self._popen.stdout.fileno(), 65536)
                if not data:
                    raise self.fault("has ended")
                self._got += data
        line, _, self._got = self._got.partition(b"\n")
        return line

    def end(self) -> None:
        """
        End it, and what it started, by their ids.
        """
        pids = []
        with contextlib.suppress(ProcessLookupError):
            pids = tree_of(self.pid)[1:]
        self._popen.terminate()
        try:
            self._popen.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(_END_S)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == self.pid:  # ours still, not a new owner of the id
                    os.kill(pid, signal.SIGKILL)
                    _wait_gone(pid)
        self._reader.join(_END_S)  # before the pipe is closed that it reads
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _drain(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self._log.fileno(), 1 << 20):
                self._last.extend(data.splitlines(keepends=True)[-_LAST_LINES:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()


def _ends_with(parent: int) -> Callable[[], None] | None:
    """
    Make what a child does before it becomes the program: ask for SIGTERM when *parent* ends.

    However it ends, SIGKILL included, which lets nobody clean up.  Linux alone has it; the
    thread that starts the program counts as the parent, and the bench starts all from its main
    one.
    """
    prctl = getattr(_LIBC, "prctl", None)
    if prctl is None:
        return None

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it ended before it could be told
            os._exit(1)

    return ask


def _wait_gone(pid: int) -> None:
    """
    Wait until *pid*, which is nobody's child any more, has ended.
    """
    until = time.monotonic() + _END_S
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.005)


def free_port() -> int:
    """
    Find a port of the loopback that nobody listens on.
    """
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_ready(program: Program, port: int, path: str, timeout_s: float = 30.0) -> None:
    """
    Wait until *path* is answered with status 200.

    Raises:
        BenchError: not within *timeout_s*, or the program has ended.
    """
    until = time.monotonic() + timeout_s
    while not answers(port, path):
        if not program.is_running:
            time.sleep(0.1)  # its last words may still be on the way
            raise program.fault("ended before it was ready")
        if time.monotonic() > until:
            raise program.fault(f"was not ready within {timeout_s:g} s")
        time.sleep(0.003)


def answers(port: int, path: str) -> bool:
    """
    Say whether ``GET path`` gets status 200.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            sock.sendall(request)
            return sock.recv(4096)[9:12] == b"200"
    except OSError:
        return False
