"""
A witness: remembers one checkpoint of each log, on the disk before it answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import structlog

from gateway_audit.sequencing.files import Files
from gateway_audit.tlog.checkpoints import Checkpoint
from gateway_audit.tlog.witness import MAX_REQUEST_BYTES, Reply, Witness

log = structlog.get_logger("gateway.audit.witness")

#: Seconds that a client may take for one request.
PATIENCE_S: Final = 10.0
#: Connections that are served at a time; more are closed at once.
MAX_CONNECTIONS: Final = 64


class FileMemory:
    """
    Keeps the newest checkpoint of each log in a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._files = Files(folder)

    def last(self, origin: str) -> Checkpoint | None:
        """
        Return the newest checkpoint of *origin*.

        Raises:
            TlogError: Its file is damaged; a witness that forgot would sign anything.
        """
        content = self._files.find(_name(origin))
        return Checkpoint.parse(content.decode()) if content is not None else None

    def keep(self, checkpoint: Checkpoint) -> None:
        """
        Remember *checkpoint*, durably.
        """
        self._files.write([(_name(checkpoint.origin), checkpoint.text.encode())])


def _name(origin: str) -> str:
    return f"{sha256(origin.encode()).hexdigest()}.checkpoint"


class WitnessServer(ThreadingHTTPServer):
    """
    Answers ``POST /add-checkpoint``; one request after the other where it counts.

    Args:
        address: Host and port.
        now: Tells Unix seconds.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], witness: Witness, now: Callable[[], float]
    ) -> None:
        super().__init__(address, _Requests)
        self._witness = witness
        self._now = now
        self._one_at_a_time = threading.Lock()
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """
        Serve a connection in a thread, if there are not too many.
        """
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """
        Be the thread.
        """
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def answer(self, content: bytes) -> Reply:
        """
        Answer one request.
        """
        # Reading what was seen and remembering the new one is one step; otherwise a slow
        # request could set the log back (tlog-witness, the race at its end).
        with self._one_at_a_time:
            return self._witness.add_checkpoint(content, self._now())


class _Requests(BaseHTTPRequestHandler):
    """
    HTTP/1.1 with keep-alive, as the protocol wishes.
    """

    protocol_version = "HTTP/1.1"
    server_version = "gatewright-witness"
    sys_version = ""
    timeout = PATIENCE_S
    server: WitnessServer

    def do_POST(self) -> None:
        """
        Answer a request.
        """
        if self.path.split("?")[0].rstrip("/").rpartition("/")[2] != "add-checkpoint":
            self._send(Reply(status=404, body=b"not here\n"))
            return
        content = self._content()
        if content is None:
            self.close_connection = True
            self._send(Reply(status=413, body=b"no length, or too much\n"))
            return
        try:
            reply = self.server.answer(content)
        except Exception:
            log.exception("cannot answer")
            reply = Reply(status=500, body=b"the witness cannot answer\n")
        self._send(reply)

    def _content(self) -> bytes | None:
        told = self.headers.get("Content-Length", "")
        if not (told.isascii() and told.isdigit()) or len(told) > 9:
            return None
        size = int(told)
        return self.rfile.read(size) if size <= MAX_REQUEST_BYTES else None

    def _send(self, reply: Reply) -> None:
        self.send_response(HTTPStatus(reply.status))
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """
        Log by our own means.
        """
        log.info("witness", request=format % args)
