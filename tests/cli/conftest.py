"""
A management API that says what a test tells it to.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest


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

        do_GET = do_POST = _answer  # noqa: N815 - names of the standard library

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
