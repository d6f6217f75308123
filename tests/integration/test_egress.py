"""
The way out, and the gateway's own TLS: certificates, proxies and redirects over real sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ipaddress
import json
import ssl
from base64 import b64encode
from urllib.parse import urlsplit

import attrs
import pytest
from authorities import Authority

from gateway.testing import FakeUpstream, GatewayClient, Script

ASK = {"model": "house/m", "messages": [{"role": "user", "content": "hi"}]}
DEMO = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
CHAT = "/v1/chat/completions"
HOME = ipaddress.ip_address("127.0.0.1")
ELSEWHERE = ipaddress.ip_address("127.0.0.2")
PATIENCE_S = 30


# --- certificates ---------------------------------------------------------------------------


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


# --- a proxy --------------------------------------------------------------------------------


@attrs.define
class Proxy:
    """
    An HTTP proxy that notes what it is asked for, and passes it on.

    Attributes:
        pair: ``user:password`` of who may ask; "" lets everybody.
    """

    status: int = 200
    pair: str = ""
    seen: list[str] = attrs.field(factory=list)
    url: str = ""

    @contextlib.asynccontextmanager
    async def running(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        self.seen.append(line.decode())
        method, target, _ = line.decode().split()
        if self.status != 200:
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self.status)
            writer.close()
            return
        rest, told = self._taken_out(rest)
        if self.pair and told != f"Basic {b64encode(self.pair.encode()).decode()}":
            writer.write(
                b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\n"
                b"Content-Length: 5\r\n\r\nproxy"
            )
            await writer.drain()
            writer.close()
            return
        if method == "CONNECT":
            there = urlsplit(f"//{target}")
            sent, told = b"", b"HTTP/1.1 200 Connected\r\n\r\n"
        else:
            there = urlsplit(target)
            sent, told = f"{method} {there.path} HTTP/1.1\r\n".encode() + rest, b""
        up_reader, up_writer = await asyncio.open_connection(there.hostname, there.port)
        up_writer.write(sent)
        writer.write(told)
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))

    @staticmethod
    def _taken_out(rest: bytes) -> tuple[bytes, str]:
        """
        Take the proxy's own credentials out of the headers, as RFC 9110 asks of a proxy.
        """
        told = ""
        kept = []
        for line in rest.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name.lower() == b"proxy-authorization":
                told = value.decode()
            else:
                kept.append(line)
        return b"\r\n".join(kept), told


async def pump(reader, writer):
    """
    Pass on what comes until nothing does.
    """
    with contextlib.suppress(OSError), contextlib.closing(writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@pytest.fixture(name="proxy")
async def _proxy():
    async with Proxy().running() as proxy:
        yield proxy


# --- a gateway ------------------------------------------------------------------------------


async def ask(fake, **way):
    """
    Ask *fake*, through a gateway of its own; see `gateway_of`.
    """
    async with gateway_of(fake, **way) as client:
        return await client.post(CHAT, ASK)


def gateway_of(fake, *, own_proxy=None, environ=None, **egress) -> GatewayClient:
    """
    Make a gateway whose only provider is *fake*, and whose way out is *egress*.
    """
    house = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    if own_proxy is not None:
        house["proxy"] = own_proxy
    settings = {
        "providers": {"house": house},
        "routing": {"retries": 0},
        "egress": {
            name: value if isinstance(value, dict) else str(value)
            for name, value in egress.items()
        },
    }
    return GatewayClient(settings, environ=environ)


@pytest.fixture(name="private_fake")
async def _private_fake(authority):
    """
    A vendor whose certificate the system does not know.
    """
    async with FakeUpstream(ssl_context=authority.context(HOME)) as fake:
        yield fake


class TestCertificates:
    async def test_a_private_authority_is_trusted_where_it_is_named(
        self, private_fake, authority
    ):
        """
        With ``egress.ca_file`` a house's own authority vouches for a provider.
        """
        answer = await ask(private_fake, ca_file=authority.file)

        assert answer.status == 200
        assert b"echo: hi" in answer.body

    async def test_a_private_authority_is_unknown_otherwise(self, private_fake):
        """
        Without it nothing is sent, and the caller is told no address.
        """
        answer = await ask(private_fake)

        assert answer.status == 502
        assert answer.headers["x-gw-code"] == "upstream_failed"
        assert str(private_fake.port).encode() not in answer.body
        assert len(private_fake.requests) == 0

    async def test_the_name_must_be_right_as_well(self, authority):
        """
        A certificate of a trusted authority, but for another address, is refused.
        """
        context = authority.context(ELSEWHERE)
        async with FakeUpstream(ssl_context=context) as fake:
            answer = await ask(fake, ca_file=authority.file)

            assert answer.status == 502
            assert len(fake.requests) == 0


class TestProxies:
    async def test_a_proxy_is_asked_for_the_whole_url(self, fake, proxy):
        """
        Where ``egress.proxy`` is set, requests to http providers go there.
        """
        answer = await ask(fake, proxy=proxy.url)

        assert answer.status == 200
        assert proxy.seen == [f"POST {fake.openai_url}/chat/completions HTTP/1.1"]

    async def test_a_proxy_sees_only_where_tls_leads(
        self, private_fake, authority, proxy
    ):
        """
        Requests to https providers go through a tunnel, and their certificate is checked.
        """
        answer = await ask(private_fake, proxy=proxy.url, ca_file=authority.file)
        refused = await ask(private_fake, proxy=proxy.url)

        place = f"127.0.0.1:{private_fake.port}"
        assert answer.status == 200
        assert refused.status == 502
        assert proxy.seen == [f"CONNECT {place} HTTP/1.1"] * 2
        assert len(private_fake.requests) == 1

    async def test_a_providers_own_proxy_comes_first(self, fake, proxy):
        """
        What stands at the provider is used for it, and ``egress.proxy`` is not.
        """
        async with Proxy().running() as own:
            answer = await ask(fake, own_proxy=own.url, proxy=proxy.url)

        assert answer.status == 200
        assert len(own.seen) == 1
        assert proxy.seen == []

    async def test_the_environment_names_no_proxy(self, fake, proxy, monkeypatch):
        """
        Who asks whom stands in the settings; variables of a shell change nothing.
        """
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.upper(), proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)

        answer = await ask(fake)

        assert answer.status == 200
        assert proxy.seen == []

    @pytest.mark.parametrize("status", [403, 407, 502])
    async def test_a_proxy_that_refuses_is_an_upstream_failure(
        self, private_fake, authority, status
    ):
        """
        The caller gets 502 and no word of the proxy; nothing goes round it.
        """
        async with Proxy(status=status).running() as proxy:
            answer = await ask(private_fake, proxy=proxy.url, ca_file=authority.file)

        assert answer.status == 502
        assert proxy.url.rpartition(":")[2].encode() not in answer.body
        assert len(proxy.seen) == 1
        assert len(private_fake.requests) == 0

    async def test_a_proxy_that_is_away_is_an_upstream_failure(self, fake, unused_port):
        """
        Without its proxy a provider is not asked directly.
        """
        answer = await ask(fake, proxy=f"http://127.0.0.1:{unused_port}")

        assert answer.status == 502
        assert str(unused_port).encode() not in answer.body
        assert len(fake.requests) == 0


class TestProxyThatAsksWhoComes:
    @pytest.fixture(params=["http", "https"])
    async def way(self, request, authority):
        """
        A provider that is asked through the proxy itself, or through a tunnel.
        """
        context = authority.context(HOME) if request.param == "https" else None
        async with FakeUpstream(ssl_context=context) as fake:
            yield fake, ({"ca_file": authority.file} if context else {})

    @pytest.mark.parametrize(
        ("told", "secret"),
        [
            ({"user": "gw"}, "p@ss: wörd"),
            ({}, "gw:p@ss: wörd"),
        ],
        ids=["user", "pair"],
    )
    async def test_lets_the_gateway_through(self, way, told, secret):
        """
        The credentials come from the reference, and reach the proxy alone.
        """
        fake, trust = way
        async with Proxy(pair="gw:p@ss: wörd").running() as proxy:
            told = {"url": proxy.url, "secret": "env.PAIR", **told}
            environ = {"PAIR": secret}
            answer = await ask(fake, proxy=told, environ=environ, **trust)

        assert answer.status == 200
        (request,) = fake.requests
        assert "proxy-authorization" not in {name.lower() for name in request.headers}

    @pytest.mark.parametrize("secret", ["wrong", None], ids=["wrong", "none"])
    async def test_is_an_upstream_failure_otherwise(self, way, secret):
        """
        A refusal of the proxy is no answer of the provider, and names neither.
        """
        fake, trust = way
        async with Proxy(pair="gw:right").running() as proxy:
            told: object = proxy.url
            if secret is not None:
                told = {"url": proxy.url, "user": "gw", "secret": "env.PW"}
            environ = {"PW": secret or ""}
            answer = await ask(fake, proxy=told, environ=environ, **trust)

        assert answer.status == 502
        assert answer.headers["x-gw-code"] == "upstream_failed"
        assert b"proxy" not in answer.body.lower()
        assert len(fake.requests) == 0

    async def test_is_told_a_new_password_once_its_file_says_so(
        self, private_fake, authority, tmp_path, monkeypatch
    ):
        """
        Passwords are changed while the gateway runs; a tunnel of before is not used again.
        """
        monkeypatch.setattr("gateway.secrets.LOOK_AGAIN_S", 0)
        file = tmp_path / "password"
        file.touch(0o600)
        file.write_text("old")
        async with Proxy(pair="gw:old").running() as proxy:
            told = {"url": proxy.url, "user": "gw", "secret": f"file.{file}"}
            async with gateway_of(
                private_fake, proxy=told, ca_file=authority.file
            ) as client:
                before = await client.post(CHAT, ASK)
                proxy.pair = "gw:newer"
                file.write_text("newer")
                after = await client.post(CHAT, ASK)

        assert (before.status, after.status) == (200, 200)
        assert len(proxy.seen) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_leads_nowhere(fake, status):
    """
    A provider that points elsewhere has failed: nobody is asked in its place.
    """
    async with FakeUpstream() as elsewhere:
        location = f"{elsewhere.openai_url}/chat/completions"
        fake.script("m", Script(status=status, headers={"Location": location}))

        answer = await ask(fake)

        assert answer.status == 502
        assert "location" not in answer.headers
        assert len(fake.requests) == 1
        assert len(elsewhere.requests) == 0


# --- the gateway's own listeners --------------------------------------------------------------


@pytest.fixture(name="tls_settings")
def _tls_settings(authority) -> str:
    certificate, private_key = authority.issue(HOME)
    return (
        "version: 1\n"
        "providers: {demo: {}}\n"
        f"server: {{tls: {{certificate: {certificate}, private_key: {private_key}}}}}\n"
    )


def call(
    url: str, context: ssl.SSLContext, path: str, document=None
) -> tuple[int, str]:
    """
    Ask a gateway over TLS; returns status and protocol version.
    """
    place = urlsplit(url)
    connection = http.client.HTTPSConnection(
        place.hostname, place.port, timeout=PATIENCE_S, context=context
    )
    with contextlib.closing(connection):
        body = None if document is None else json.dumps(document)
        method = "GET" if document is None else "POST"
        headers = {"Content-Type": "application/json", "Connection": "close"}
        connection.request(method, path, body, headers)
        version = connection.sock.version()
        answer = connection.getresponse()
        answer.read()
        return answer.status, version


class TestListeners:
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_both_listeners_speak_tls(
        self, run_serve, authority, tls_settings, workers
    ):
        """
        With ``server.tls`` callers and operators are shown the certificate that is set.
        """
        context = ssl.create_default_context(cafile=authority.file)
        serving = run_serve(
            *("--admin-listen", "127.0.0.1:0", "--workers", workers),
            settings=tls_settings,
        )

        answered, version = call(serving.started["calls"], context, CHAT, DEMO)
        told, _ = call(serving.started["admin"], context, "/api/status")

        assert serving.started["calls"].startswith("https://")
        assert (answered, told) == (200, 200)
        assert version == "TLSv1.3"

    def test_who_does_not_know_the_authority_hears_nothing(
        self, run_serve, tls_settings
    ):
        """
        The certificate is ours and nobody else's: other clients refuse it.
        """
        serving = run_serve(settings=tls_settings)

        with pytest.raises(ssl.SSLCertVerificationError):
            call(serving.started["calls"], ssl.create_default_context(), CHAT, DEMO)

    def test_plain_http_is_not_answered(self, run_serve, tls_settings):
        """
        Who speaks no TLS to a TLS listener gets no answer, and harms nobody.
        """
        serving = run_serve(settings=tls_settings)
        place = urlsplit(serving.started["calls"])
        plain = http.client.HTTPConnection(
            place.hostname, place.port, timeout=PATIENCE_S
        )

        with contextlib.closing(plain):
            plain.request("GET", "/healthz")
            with pytest.raises((http.client.HTTPException, OSError)):
                plain.getresponse()

        assert serving.end() == 0
