from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Address, ProxySettings, SecretRef, default_data_dir


def test_reads_every_key_of_the_server(load):
    """
    Each key of the server's table finds its attribute.
    """
    settings = load(
        """
server:
  listen: "[::]:8443"
  admin_listen: 127.0.0.1:0
  data_dir: /var/lib/gw
  secret_key: env.ROOT
  workers: 4
  tls: {certificate: /c.pem, private_key: /k.pem}
  drain_timeout_s: 5
  max_body_bytes: 1024
  header_timeout_s: 1
  body_timeout_s: 2
  keep_alive_s: 3
  stream_ping_s: 4
  write_stall_s: 5
  max_in_flight: 6
  allowed_hosts: [gw.example]
  cors: {allow_origins: ["https://chat.example", "http://[::1]:3000"]}
  translation: strict
  server_timing: false
  log: {format: json, level: debug, access: false}
admin:
  oncall: {secret: env.A, role: admin}
  grafana: {secret: env.B}
storage: {url: "postgresql://gw@db.example/gw", secret: env.DB_PASSWORD}
egress: {proxy: "http://proxy:3128", ca_file: /ca.pem}
"""
    )

    server = settings.server
    assert server.listen == Address("::", 8443)
    assert server.admin_listen == Address("127.0.0.1", 0)
    assert server.data_dir == Path("/var/lib/gw")
    assert server.secret_key == SecretRef("env", "ROOT")
    assert server.tls.private_key == Path("/k.pem")
    assert (server.workers, server.drain_timeout_s) == (4, 5.0)
    assert (server.header_timeout_s, server.body_timeout_s) == (1.0, 2.0)
    assert (server.keep_alive_s, server.stream_ping_s) == (3.0, 4.0)
    assert (server.write_stall_s, server.max_in_flight) == (5.0, 6)
    assert (server.max_body_bytes, server.allowed_hosts) == (1024, ("gw.example",))
    assert server.cors.allow_origins == ("https://chat.example", "http://[::1]:3000")
    assert (server.translation, server.server_timing) == ("strict", False)
    assert (server.log.format, server.log.level) == ("json", "debug")
    assert server.log.access is False
    assert settings.admin["oncall"].role == "admin"
    assert settings.admin["grafana"].role == "viewer"
    assert settings.storage.url == "postgresql://gw@db.example/gw"
    assert settings.storage.secret == SecretRef("env", "DB_PASSWORD")
    assert settings.egress.proxy == ProxySettings(url="http://proxy:3128")
    assert settings.egress.ca_file == Path("/ca.pem")


def test_a_proxy_may_ask_who_comes(load):
    """
    In a table of its own the proxy has credentials, by reference.
    """
    settings = load(
        """
egress: {proxy: {url: "http://proxy:3128", user: gw, secret: env.PROXY}}
providers:
  demo: {proxy: {url: "http://other:3128", secret: file./run/pair}}
"""
    )

    assert settings.egress.proxy == ProxySettings(
        url="http://proxy:3128", user="gw", secret=SecretRef("env", "PROXY")
    )
    assert settings.providers["demo"].proxy.user is None


def test_the_whole_url_of_a_database_may_be_a_secret(load):
    """
    A reference stands where the URL may stand.
    """
    settings = load("storage: {url: env.DATABASE_URL}\n")

    assert settings.storage.url == SecretRef("env", "DATABASE_URL")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "server: {listen: 8080}",
            (
                "gateway.yaml:1:18 server.listen: an address is host:port, "
                "such as 127.0.0.1:8080 or [::1]:8080"
            ),
        ),
        (
            "server: {workers: 0}",
            "gateway.yaml:1:19 server.workers: must be from 1 to 256, not 0",
        ),
        (
            "server: {keep_alive_s: 0}",
            "gateway.yaml:1:24 server.keep_alive_s: must be greater than 0, not 0.0",
        ),
        (
            "server: {tls: {certificate: /c.pem}}",
            "gateway.yaml:1:15 server.tls.private_key: required, but missing",
        ),
        *(
            (
                f"server: {{cors: {{allow_origins: ['{wrong}']}}}}",
                (
                    f'gateway.yaml:1:32 server.cors.allow_origins: "{wrong}" is no origin: '
                    "scheme://host or scheme://host:port, or *"
                ),
            )
            for wrong in ("chat.example", "https://chat.example/", "null", "https://*")
        ),
        (
            "server: {log: {format: xml}}",
            (
                "gateway.yaml:1:24 server.log.format: must be one of auto text json, "
                'not "xml"'
            ),
        ),
        (
            "admin: {oncall: {secret: canary-token}}",
            (
                "gateway.yaml:1:26 admin.oncall.secret: a secret is written as a "
                "reference, never as itself: env.NAME, file./path or <store>.<name>"
            ),
        ),
        (
            "admin: {oncall: {secret: env.A, role: root}}",
            'gateway.yaml:1:39 admin.oncall.role: must be admin or viewer, not "root"',
        ),
        (
            "storage: {url: 'postgresql://gw:canary@db/gw'}",
            (
                "gateway.yaml:1:16 storage.url: must not hold a password: "
                "name it by storage.secret"
            ),
        ),
        (
            "storage: {url: 'mysql://db/gw'}",
            (
                "gateway.yaml:1:16 storage.url: must be a URL such as "
                "postgresql://gateway@db.example/gateway or sqlite:////srv/gateway.db, "
                "or a reference to a secret that is one"
            ),
        ),
        (
            "storage: {secret: env.DB}",
            (
                "gateway.yaml:1:19 storage.secret: is the password of storage.url, "
                "which is not set"
            ),
        ),
        (
            'egress: {proxy: "http://user:canary@proxy"}',
            (
                "gateway.yaml:1:17 egress.proxy: must not hold a user or password: "
                "credentials are secrets"
            ),
        ),
        (
            'egress: {proxy: {url: "http://user:canary@proxy"}}',
            (
                "gateway.yaml:1:23 egress.proxy.url: must not hold a user or "
                "password: credentials are secrets"
            ),
        ),
        (
            'egress: {proxy: {url: "http://proxy", user: gw}}',
            ("gateway.yaml:1:17 egress.proxy: needs a secret beside its user"),
        ),
        (
            'egress: {proxy: {url: "http://proxy", user: "a:b", secret: env.A}}',
            "gateway.yaml:1:45 egress.proxy.user: must not hold a colon",
        ),
        (
            "egress: {proxy: proxy:3128}",
            (
                "gateway.yaml:1:17 egress.proxy: must be an http:// or https:// URL "
                "with a host"
            ),
        ),
    ],
)
def test_says_what_is_wrong(complaints, text, message):
    """
    Each wrong value is told with its place, and no secret is repeated.
    """
    assert complaints(text) == [message]
    assert "canary" not in message


def test_data_stands_where_the_platform_says(monkeypatch, tmp_path):
    """
    XDG_STATE_HOME is honoured, a home is the default.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert default_data_dir() == tmp_path / "gatewright"
