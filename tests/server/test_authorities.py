"""
The system's authorities, read late: believed all the same.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
import subprocess
import sys

import pytest
from authorities import Authority

from gateway.server.authorities import LateContext, read_late

HOME = ipaddress.IPv4Address("127.0.0.1")


@pytest.fixture(name="late")
def _late(tmp_path, monkeypatch) -> tuple[Authority, ssl.SSLContext]:
    """
    The system's only authority, and a context that has not read it yet.
    """
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with read_late():
        context = ssl.create_default_context()
    assert isinstance(context, LateContext)
    return authority, context


async def greet(port: int, context: ssl.SSLContext) -> bytes:
    """
    Return what the server at *port* says to whoever trusts it.
    """
    reader, writer = await asyncio.open_connection(str(HOME), port, ssl=context)
    said = await reader.read()
    writer.close()
    return said


def test_the_authorities_are_believed(late):
    """
    Who is signed for by the system's authority is spoken to, and nobody else.
    """
    authority, context = late

    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def meet() -> bytes:
        shown = authority.context(HOME)
        async with await asyncio.start_server(hello, str(HOME), ssl=shown) as server:
            return await greet(server.sockets[0].getsockname()[1], context)

    assert asyncio.run(meet()) == b"hello"
    assert type(context) is ssl.SSLContext


def test_a_stranger_is_refused(late, tmp_path):
    """
    A certificate of another authority is none, at the first use as well.
    """
    _, context = late
    (tmp_path / "stranger").mkdir()
    stranger = Authority(tmp_path / "stranger").context(HOME)
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(here, there, server_hostname=str(HOME))
    server = stranger.wrap_bio(there, here, server_side=True)

    with pytest.raises(ssl.SSLCertVerificationError):
        for end in (client, server, client):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_whoever_asks_is_told_of_them(late):
    """
    They are counted and listed as if they had been there.
    """
    _, context = late

    assert context.cert_store_stats()["x509_ca"] == 1
    assert len(context.get_ca_certs()) == 1


def test_contexts_made_afterwards_read_at_once(late):
    """
    Nothing is changed for anybody but those that were made meanwhile.
    """
    context = ssl.create_default_context()

    assert type(context) is ssl.SSLContext
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize(
    "started",
    ["gateway.cli.serve_command:serve", "gateway.server.worker:main"],
    ids=["alone", "worker"],
)
def test_a_gateway_has_not_read_them(started, tmp_path):
    """
    What aiohttp made while our programs were imported waits for its first use.
    """
    authority = Authority(tmp_path)
    program, _, name = started.partition(":")
    how = {
        "serve": f"from {program} import serve; serve(['--config', 'none.yaml'])",
        "main": "import runpy, sys; sys.argv[1:] = ['"
        f"{program}'];"
        "runpy.run_module('gateway.server.lean', run_name='__main__')",
    }
    code = (
        "import contextlib\n"
        f"with contextlib.suppress(SystemExit, Exception): {how[name]}\n"
        "import gc, ssl\n"
        "kinds = [type(c).__name__ for c in gc.get_objects() if isinstance(c, ssl.SSLContext)]\n"
        "print(*sorted(set(kinds)))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "SSL_CERT_FILE": str(authority.file)},
    )

    assert said.stdout.split() == ["LateContext"]
