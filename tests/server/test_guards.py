"""
Tests of `gateway.server.guards`.
"""

from __future__ import annotations

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.errors import ConfigError, InvalidRequest, NotAllowed
from gateway.server import guards
from gateway.server.guards import (
    Door,
    check_headers,
    check_target,
    is_loopback,
    may_listen,
    wants_websocket,
)
from gateway.settings import (
    Address,
    ServerSettings,
    Settings,
    settings_from_dict,
)

from .conftest import JSON, Serve


@attrs.frozen
class Plugins:
    authenticates_callers: bool


# --- targets and headers --------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    ["/", "/v1/x?a=b", "/v1/x?a=../b", "/v1/models/a%2Fb", "/a.b/c..d", "/v1/x?q=%00"],
)
def test_takes_paths(target: str) -> None:
    """
    A path with any query is a target.
    """
    check_target(target)


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/v1/x",
        "evil.example:443",
        "*",
        "//evil.example/v1",
        "/v1/../admin",
        "/v1/./x",
        "/..",
        "/v1/%2e%2e/x",
        "/v1/%252E%252e/x",
        "/v1/..%2fx",
        "/v1/..%5cx",
        "/v1\\x",
        "/v1/x#y",
        "/v1/\u00e9",
        "/v1/\udcff",
        "/v1/x%00",
        "/v1/ x",
    ],
)
def test_refuses_other_targets(target: str) -> None:
    """
    Absolute forms, climbing paths and odd characters are refused, and not repeated.
    """
    with pytest.raises(InvalidRequest) as caught:
        check_target(target)

    assert caught.value.code == "bad_request_target"
    assert target not in str(caught.value) or len(target) < 3


@pytest.mark.parametrize(
    "value", ["plain", "na\u00efve", "tab\there", "\U0001f600", ""]
)
def test_takes_header_values(value: str) -> None:
    """
    Text in UTF-8 may stand in a header.
    """
    check_headers(CIMultiDictProxy(CIMultiDict({"x-a": value, "host": "a"})))


@pytest.mark.parametrize("value", ["\udcff", "a\x01", "a\x7f", "a\nb"])
def test_refuses_header_values(value: str) -> None:
    """
    What cannot be forwarded is refused by the header's name, without its value.
    """
    headers = CIMultiDictProxy(CIMultiDict({"host": "a", "x-odd": f"secret{value}"}))

    with pytest.raises(InvalidRequest, match="x-odd") as caught:
        check_headers(headers)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("websocket", True),
        ("WebSocket", True),
        ("h2c, websocket", True),
        ("h2c", False),
    ],
)
def test_knows_who_wants_websocket(value: str, expected: bool) -> None:
    """
    Only an upgrade to WebSocket counts.
    """
    headers = CIMultiDictProxy(CIMultiDict({"Upgrade": value}))

    assert wants_websocket(headers) is expected


# --- who may come in ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.8.7", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        (guards.UNIX_PEER, True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_knows_this_machine(peer: str, expected: bool) -> None:
    """
    Every spelling of loopback is this machine; who is not known is not.
    """
    assert is_loopback(peer) is expected


def door(*hosts: str, authenticates: bool = False) -> Door:
    settings = Settings(server=ServerSettings(allowed_hosts=hosts))
    return Door.of(settings, Plugins(authenticates))


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "localhost."],
)
def test_admits_names_of_this_machine(host: str) -> None:
    """
    The names of loopback are admitted, with any port.
    """
    assert door().admits(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1:evil.example",
        "127.0.0.1:8080@evil.example",
        "127.0.0.1:99999",
        "localhost:80:80",
        "::1",
        "localhost/",
        "127.0.0.1 ",
        "10.0.0.1",
    ],
)
def test_admits_no_other_name(host: str) -> None:
    """
    Names that only begin like one, or are no name at all, are not admitted.
    """
    assert not door().admits(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("gw.example", True),
        ("GW.Example:443", True),
        ("other.example:8443", True),
        ("other.example", False),
        ("other.example:443", False),
        ("localhost", True),
    ],
)
def test_admits_allowed_hosts(host: str, expected: bool) -> None:
    """
    A name in allowed_hosts is admitted; one with a port with that port only.
    """
    assert door("gw.example", "other.example:8443").admits(host) is expected


def test_remembers_few_names() -> None:
    """
    However many names are tried, what is remembered of them stays small.
    """
    rules = door()

    for number in range(1000):
        assert not rules.admits(f"host-{number}")
    assert not rules.admits("a" * 100_000)

    assert len(rules._known) <= 64


async def test_a_page_of_another_origin_is_refused(serve: Serve) -> None:
    """
    A page on the web cannot spend this machine's keys; the answer says what to set.
    """
    wire = await (await serve()).wire()

    await wire.post(headers=JSON + b"Origin: https://evil.example\r\n")
    reply = await wire.read()

    assert (reply.status, reply.code) == (403, "origin_not_allowed")
    assert "plugins.governance.require_key" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    "origin",
    [b"null", b"https://localhost.evil.example", b"file://localhost", b"localhost"],
)
async def test_odd_origins_are_refused(serve: Serve, origin: bytes) -> None:
    """
    An origin that is none of this machine's is refused, whatever it looks like.
    """
    wire = await (await serve()).wire()

    await wire.post(headers=JSON + b"Origin: " + origin + b"\r\n")

    assert (await wire.read()).code == "origin_not_allowed"


async def test_a_page_of_this_machine_is_answered(serve: Serve) -> None:
    """
    A page that this machine serves, on whatever port, may call.
    """
    wire = await (await serve()).wire()

    await wire.post(headers=JSON + b"Origin: http://localhost:3000\r\n")

    assert (await wire.read()).status == 200


async def test_a_rebound_name_is_refused(serve: Serve) -> None:
    """
    A request that came here under another name is refused, before its body is read.
    """
    wire = await (await serve()).wire()

    await wire.head(
        "POST", "/v1/messages", JSON + b"Content-Length: 9\r\n", host=b"evil.example"
    )
    reply = await wire.read()

    assert (reply.status, reply.code) == (403, "host_not_allowed")
    assert "server.allowed_hosts" in reply.json["error"]["message"]


async def test_with_authentication_any_name_is_answered(serve: Serve) -> None:
    """
    Where callers authenticate, names and origins are theirs to choose.
    """
    wire = await (await serve(authenticates=True)).wire()

    await wire.post(headers=JSON + b"Origin: https://a.example\r\n", host=b"gw.example")

    assert (await wire.read()).status == 200


async def test_allowed_hosts_bind_authenticated_callers_too(serve: Serve) -> None:
    """
    With allowed_hosts set, Host is checked whoever authenticates.
    """
    served = await serve(authenticates=True, allowed_hosts=("gw.example",))
    wire = await served.wire()

    await wire.post(host=b"gw.example:8080")
    known = await wire.read()
    await wire.post(host=b"evil.example")
    other = await wire.read()

    assert (known.status, other.code) == (200, "host_not_allowed")


async def test_a_reload_changes_the_rules(serve: Serve) -> None:
    """
    The next request meets the rules of the settings that are then in force.
    """
    served = await serve()
    wire = await served.wire()
    await wire.post(host=b"gw.example")
    before = await wire.read()

    served.gateway.settings = Settings(
        server=ServerSettings(allowed_hosts=("gw.example",))
    )
    await wire.post(host=b"gw.example")
    after = await wire.read()

    assert (before.status, after.status) == (403, 200)


def test_other_peers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While nothing authenticates callers, other machines are refused with the remedy.
    """
    monkeypatch.setattr(guards, "peer_of", lambda request: "10.0.0.7")

    with pytest.raises(NotAllowed, match=r"plugins\.governance\.require_key") as caught:
        door().check(None)  # type: ignore[arg-type]

    assert caught.value.code == "loopback_only"


# --- where may be listened ------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "localhost:1", "[::1]:8080"])
def test_may_listen_on_this_machine(address: str) -> None:
    """
    Loopback needs no credential.
    """
    may_listen(Settings(), Plugins(False), Address.parse(address))


def test_may_listen_anywhere_where_callers_authenticate() -> None:
    """
    A plugin that authenticates callers lifts the rule.
    """
    may_listen(Settings(), Plugins(True), Address.parse("0.0.0.0:8080"))


def test_says_what_a_listener_would_spend() -> None:
    """
    Another address is refused with what is at stake and what to do.
    """
    keys = {"keys": {"main": {"secret": "env.OPENAI_API_KEY"}}}
    settings = settings_from_dict({"providers": {"openai": keys}})

    with pytest.raises(ConfigError) as caught:
        may_listen(settings, Plugins(False), Address.parse("0.0.0.0:8080"))

    assert str(caught.value) == (
        "server.listen: 0.0.0.0:8080 would let the network spend OPENAI_API_KEY: no "
        "caller credential is required. Set plugins.governance.require_key and admin, "
        "or listen on 127.0.0.1"
    )


def test_does_not_name_every_credential() -> None:
    """
    Many credentials are counted; where admin tokens are set, they are not asked for.
    """
    keys = {f"k{i}": {"secret": f"file./run/k{i}"} for i in range(5)}
    admin = {"oncall": {"secret": "env.ONCALL", "role": "admin"}}
    settings = settings_from_dict(
        {"providers": {"openai": {"keys": keys}}, "admin": admin}
    )

    with pytest.raises(ConfigError) as caught:
        may_listen(settings, Plugins(False), Address.parse("[::]:80"))

    assert "file./run/k2 and 2 more credentials:" in str(caught.value)
    assert "Set plugins.governance.require_key, or listen on ::1" in str(caught.value)
