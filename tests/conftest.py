"""
The program as its users run it: a process of its own, ended by its id with the test.  And a
management API that says what a test tells it to.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

PATIENCE_S = 60.0
ASK = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}


@attrs.frozen
class HttpReply:
    """
    What a running gateway answered.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.define(eq=False)
class Serving:
    """
    One ``gatewright serve``.
    """

    process: subprocess.Popen[bytes]
    log: Path
    started: dict[str, Any] = attrs.field(factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def read_line(self) -> dict[str, Any]:
        """
        Wait for the line that says where it serves; without one, show its log.
        """
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline() if ready else b""
        assert line, f"it said nothing; its log: {self.log.read_text()}"
        self.started = json.loads(line)
        return self.started

    def connect(self, listener: str = "calls") -> HTTPConnection:
        parts = urlsplit(self.started[listener])
        return HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)

    def open(
        self,
        path: str,
        document: Any = None,
        *,
        listener: str = "calls",
        **headers: str,
    ) -> HTTPResponse:
        """
        Ask, on a connection of its own, and return the answer unread.
        """
        connection = self.connect(listener)
        told = {"Content-Type": "application/json", "Connection": "close"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if document is None else json.dumps(document)
        method = "GET" if document is None else "POST"
        try:
            connection.request(method, path, body=body, headers=told)
            return connection.getresponse()
        except BaseException:
            # Whoever is killed may have said half of a word, which leaves it open.
            connection.close()
            raise

    def call(self, path: str, document: Any = None, **told: str) -> HttpReply:
        with self.open(path, document, **told) as answer:
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return HttpReply(answer.status, headers, answer.read())

    def admin(self, path: str, document: Any = None, **headers: str) -> HttpReply:
        return self.call(path, document, listener="admin", **headers)

    def ask(self) -> str:
        """
        Ask the demo provider; returns the request id.
        """
        answer = self.call("/v1/chat/completions", ASK)
        assert answer.status == 200, answer.body
        return answer.headers["x-gw-request-id"]

    def until(self, comes_true: Callable[[], object]) -> None:
        """
        Ask again and again until *comes_true*, for what tells nobody that it happened.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not comes_true():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """
        Ask it to end; returns its exit code.
        """
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


#: Plugins of this tree that change what becomes of a request.
POLICIES = ("audit", "caching", "governance", "guardrails")
Serve = Callable[..., Serving]


@pytest.fixture
def run_serve(tmp_path: Path) -> Iterator[Serve]:
    """
    Start ``gatewright serve`` on a free port, by settings of one's own.
    """
    running: list[Serving] = []

    def start(
        *options: str,
        settings: str = "version: 1\nproviders: {demo: {}}\n",
        environ: dict[str, str] | None = None,
        listen: str = "127.0.0.1:0",
    ) -> Serving:
        if "hooks" not in settings:
            # The core without the policies that happen to be installed beside it.
            unasked = [name for name in POLICIES if name not in settings]
            settings += f"hooks: {{disabled: [{', '.join(unasked)}]}}\n"
        file = tmp_path / "gateway.yaml"
        file.write_text(settings)
        log = tmp_path / f"log-{len(running)}"
        command = [sys.executable, "-m", "gateway.cli.program", "serve"]
        command += ["-c", str(file), "--listen", listen, *options]
        # This tree first, then what the caller of the tests put on the path: its plugins.
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=tmp_path,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": str(tmp_path),
                    "PYTHONPATH": path,
                    **(environ or {}),
                },
            )
        serving = Serving(process, log)
        running.append(serving)
        serving.read_line()
        return serving

    yield start
    for serving in running:
        if serving.process.poll() is None:
            serving.process.kill()
        serving.process.wait(PATIENCE_S)
        if serving.process.stdout is not None:
            serving.process.stdout.close()


@attrs.define(eq=False)
class ToldApi:
    """
    Answers by ``METHOD /path``, and notes what it was asked.
    """

    url: str = ""
    answers: dict[str, tuple[int, Any]] = attrs.field(factory=dict)
    asked: list[tuple[str, dict[str, str], Any]] = attrs.field(factory=list)


@pytest.fixture
def api(monkeypatch) -> Iterator[ToldApi]:
    """
    Serve a management API on a free port.
    """
    told = ToldApi()

    class Answering(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            route = f"{self.command} {self.path}"
            told.asked.append((route, dict(self.headers), body))
            status, document = told.answers.get(route, (404, {}))
            raw = (
                document
                if isinstance(document, bytes)
                else json.dumps(document).encode()
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the standard library

        def log_message(self, *args: Any) -> None: ...

    for variable in ("GATEWRIGHT_URL", "GATEWRIGHT_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield told
        server.shutdown()
        thread.join()
