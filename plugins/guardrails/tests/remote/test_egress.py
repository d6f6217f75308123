"""
The way to every service: the settings' authorities and proxy, and no other.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode

import pytest
from authorities import Authority
from fakes.asking import ENVIRON, made, open_tools
from fakes.services import SERVICES

from gateway.detecting import DetectorFailed

by_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
HOME = ipaddress.ip_address("127.0.0.1")
PASSWORD = "proxy-password-" + "of-a-test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """
    A house's own authority.
    """
    house = Authority(tmp_path_factory.mktemp("authority"))
    return house.file, house.context(HOME)


@by_service
async def test_a_houses_own_authority_is_trusted_where_it_is_named(service, authority):
    """
    With ``egress.ca_file`` a private endpoint is asked over TLS.
    """
    ca_file, context = authority
    async with (
        service.fake(ssl_context=context) as fake,
        open_tools(egress={"ca_file": str(ca_file)}) as tools,
        made(service.detector, tools, **service.options_for(fake.url)) as judge,
    ):
        await judge.judge(service.asked)

    assert len(fake.asked) == 1
    assert fake.violations == []


@by_service
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    service, authority, tools
):
    """
    Nothing is sent to whom is not known; there is no switch for it.
    """
    _, context = authority
    async with (
        service.fake(ssl_context=context) as fake,
        made(service.detector, tools, **service.options_for(fake.url)) as judge,
    ):
        with pytest.raises(DetectorFailed, match="unreachable"):
            await judge.judge(service.asked)

    assert fake.asked == []


@by_service
async def test_asks_by_way_of_the_settings_proxy(service):
    """
    The proxy is told where to, and gets its own credentials.
    """
    environ = {**ENVIRON, "PROXY": PASSWORD}
    async with service.fake() as fake:
        proxy = {"url": fake.url, "user": "gateway", "secret": "env.PROXY"}
        options = service.options_for("http://service.example", allow_http=True)
        async with (
            open_tools(environ=environ, egress={"proxy": proxy}) as tools,
            made(service.detector, tools, **options) as judge,
        ):
            await judge.judge(service.asked)

    (head,) = fake.heads
    told = b64encode(f"gateway:{PASSWORD}".encode()).decode()
    assert head["host"] == "service.example"
    assert head["proxy-authorization"] == f"Basic {told}"
    assert fake.violations == []


@by_service
async def test_no_other_proxy_is_asked(service, monkeypatch):
    """
    What the environment says of proxies is for others.
    """
    async with service.fake() as fake, service.fake() as other:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        options = service.options_for(fake.url)
        async with (
            open_tools() as tools,
            made(service.detector, tools, **options) as judge,
        ):
            await judge.judge(service.asked)

    assert other.heads == []
    assert len(fake.asked) == 1


@by_service
def test_nothing_goes_over_a_network_in_clear_unasked(service):
    """
    http:// to another machine must be allowed in words.
    """
    with pytest.raises(ValueError, match="allow_http"):
        service.detector.Options(**service.options_for("http://service.example"))
