from __future__ import annotations

import attrs
import pytest

from gateway.settings.values import (
    Address,
    SecretRef,
    above,
    at_least,
    between,
    header_name,
    not_empty,
    read_url,
    told,
)


class TestSecretRef:
    @pytest.mark.parametrize(
        ("text", "scheme", "name"),
        [
            ("env.OPENAI_API_KEY", "env", "OPENAI_API_KEY"),
            ("file./run/secrets/a.b", "file", "/run/secrets/a.b"),
            ("vault.kv/data/gw#key", "vault", "kv/data/gw#key"),
        ],
    )
    def test_reads_and_writes_a_reference(self, text, scheme, name):
        """
        A reference is split at its first dot and written as it was.
        """
        reference = SecretRef.parse(text)

        assert (reference.scheme, reference.name) == (scheme, name)
        assert str(reference) == text

    @pytest.mark.parametrize(
        ("text", "remedy"),
        [
            ("sk-proj-1234567890", "never as itself"),
            ("hunter2", "never as itself"),
            ("sk-ant.api03-xyz", "never as itself"),
            ("p4ssw0rd.dotted", "never as itself"),
            ("eyJhbGciOi.eyJzdWIi.c2ln", "never as itself"),
            ("", "never as itself"),
            ("env.", "never as itself"),
            ("env.sk-proj-12345", "name of an environment variable"),
            ("env.$HOME", "name of an environment variable"),
            ("file.secret/openai", "an absolute path"),
            ("file.sk-proj-12345", "an absolute path"),
        ],
    )
    def test_refuses_what_is_none_without_repeating_it(self, text, remedy):
        """
        A literal secret is refused with how to write a reference, and not shown.
        """
        with pytest.raises(ValueError, match=remedy) as caught:
            SecretRef.parse(text)

        assert text in ("", "env.") or text not in str(caught.value)


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "host", "port"),
        [
            ("127.0.0.1:8080", "127.0.0.1", 8080),
            ("localhost:0", "localhost", 0),
            ("[::1]:8080", "::1", 8080),
            ("0.0.0.0:65535", "0.0.0.0", 65535),
        ],
    )
    def test_reads_and_writes_host_and_port(self, text, host, port):
        """
        Brackets of IPv6 belong to the spelling, not to the host.
        """
        address = Address.parse(text)

        assert (address.host, address.port) == (host, port)
        assert str(address) == text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "8080",
            ":8080",
            "host:",
            "host:http",
            "host:65536",
            "host:-1",
            "host:٣",
            "::1:8080",
            "[::1]",
            "[zz]:80",
            "[]:80",
        ],
    )
    def test_refuses_what_is_no_address(self, text):
        """
        Whatever could be read in two ways is refused.
        """
        with pytest.raises(ValueError, match=r"host:port|a port is"):
            Address.parse(text)

    @pytest.mark.parametrize(
        ("host", "is_loopback"),
        [
            ("127.0.0.1", True),
            ("127.9.9.9", True),
            ("::1", True),
            ("localhost", True),
            ("0.0.0.0", False),
            ("::", False),
            ("10.0.0.1", False),
            ("localhost.evil.example", False),
        ],
    )
    def test_knows_loopback(self, host, is_loopback):
        """
        Only what surely stays on this machine counts as loopback.
        """
        assert Address(host, 80).is_loopback is is_loopback


@attrs.frozen(kw_only=True)
class Limits:
    low: int | None = attrs.field(default=1, validator=at_least(1))
    high: float = attrs.field(default=1.0, validator=above(0))
    share: float = attrs.field(default=0.5, validator=between(0, 1))
    names: tuple[str, ...] | None = attrs.field(default=None, validator=not_empty)
    header: str | None = attrs.field(default=None, validator=header_name)


class TestValidators:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"low": 0}, "must be at least 1, not 0"),
            ({"high": 0.0}, r"must be greater than 0, not 0\.0"),
            ({"share": 1.5}, r"must be from 0 to 1, not 1\.5"),
            ({"share": -0.5}, r"must be from 0 to 1, not -0\.5"),
            ({"names": ()}, "must not be empty"),
            ({"header": ""}, "is no name of a header"),
            ({"header": "x y"}, "is no name of a header"),
            ({"header": "x" * 101}, "is no name of a header"),
        ],
        ids=str,
    )
    def test_say_what_is_demanded(self, arguments, message):
        """
        The message is a whole sentence, as it stands behind the path of the field.
        """
        with pytest.raises(ValueError, match=message):
            Limits(**arguments)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"low": 1},
            {"low": None},
            {"high": 0.1},
            {"share": 0},
            {"share": 1},
            {"header": "X-User"},
            {"header": None},
        ],
        ids=str,
    )
    def test_let_bounds_and_none_through(self, arguments):
        """
        Bounds are included where the words say so, and None is nothing to check.
        """
        assert Limits(**arguments)

    def test_metadata_carries_the_help(self):
        """
        What a field is told to say is found under help.
        """
        assert told("Why.") == {"help": "Why."}


class TestReadUrl:
    def test_takes_an_http_url_apart(self):
        """
        A port, a path and an IPv6 host are no obstacle.
        """
        url = read_url("https://[::1]:8443/openai/v1")

        assert (url.hostname, url.port, url.path) == ("::1", 8443, "/openai/v1")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("ftp://host", "http:// or https://"),
            ("host:8080", "http:// or https://"),
            ("https://", "with a host"),
            ("https://user:canary@host", "user or password"),
            ("https://canary@host", "user or password"),
            ("https://host/?key=canary", "a query"),
            ("https://host/#canary", "a fragment"),
            ("https://host/a canary", "white space"),
            ("https://host:canary/", "no URL"),
            ("https://host:99999/", "no URL"),
            ("https://[canary/", "no URL"),
        ],
    )
    def test_refuses_others_without_repeating_them(self, text, message):
        """
        A URL may hold a credential, so that what is refused is not shown.
        """
        with pytest.raises(ValueError, match=message) as caught:
            read_url(text)

        assert "canary" not in str(caught.value)
