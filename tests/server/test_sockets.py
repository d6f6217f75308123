from __future__ import annotations

import socket

import pytest

from gateway.errors import ConfigError
from gateway.server.sockets import address_of, bind, reserve, tls_context, url_of
from gateway.settings import Address, TlsSettings

FREE = Address("127.0.0.1", 0)


def test_port_0_takes_a_free_one():
    """
    The real port is known as soon as the socket is bound.
    """
    with bind(FREE) as sock:
        assert address_of(sock).port > 0


def test_a_port_in_use_is_told():
    """
    The error names the address and the reason.
    """
    with bind(FREE) as sock:
        taken = address_of(sock)

        with pytest.raises(ConfigError, match=f"{taken} cannot be listened on"):
            bind(taken)


def test_an_unknown_host_is_told():
    """
    A name that leads nowhere is an error, not a traceback.
    """
    with pytest.raises(ConfigError, match="cannot be listened on"):
        bind(Address("no-such-host.invalid", 0))


def test_a_shared_port_is_had_twice():
    """
    Workers bind the port that the supervisor holds.
    """
    with bind(FREE, is_shared=True) as first:
        address = address_of(first)
        with bind(address, is_shared=True) as second:
            assert address_of(second) == address


def test_the_port_of_another_gateways_workers_is_not_to_be_had():
    """
    Whoever shares a port with others does not share it with a second gateway.
    """
    with reserve(FREE) as first:
        taken = address_of(first)
        with bind(taken, is_shared=True) as worker:
            worker.listen()

            with pytest.raises(ConfigError, match="another program does so: end it"):
                reserve(taken)


def test_a_port_is_to_be_had_again_when_its_workers_are_gone():
    """
    What is kept for workers is let go of with them, at once.
    """
    with reserve(FREE) as first, bind(address_of(first), is_shared=True) as worker:
        worker.listen()
        left = address_of(first)

    with reserve(left) as second:
        assert address_of(second) == left


def test_a_shared_socket_takes_no_connection_before_it_is_served():
    """
    The supervisor's socket only keeps the port: it never gets a caller.
    """
    with (
        bind(FREE, is_shared=True) as sock,
        socket.socket() as caller,
        pytest.raises(ConnectionRefusedError),
    ):
        caller.connect((FREE.host, address_of(sock).port))


def test_url_says_what_is_spoken():
    """
    With a certificate it is https; IPv6 stands in brackets.
    """
    assert url_of(Address("::1", 80)) == "http://[::1]:80"
    assert url_of(FREE, is_tls=True) == "https://127.0.0.1:0"


class TestTls:
    def test_none_is_plain_http(self):
        """
        Without settings there is no context.
        """
        assert tls_context(None) is None

    def test_what_is_no_certificate_is_told(self, tmp_path):
        """
        A file that is no PEM is named, with where it stands in the settings.
        """
        file = tmp_path / "cert.pem"
        file.write_text("no certificate")
        tls = TlsSettings(certificate=file, private_key=file)

        with pytest.raises(ConfigError, match=r"server\.tls: .*cert\.pem"):
            tls_context(tls)

    def test_a_missing_file_is_told(self, tmp_path):
        """
        A file that is not there is told as such.
        """
        file = tmp_path / "none.pem"

        with pytest.raises(ConfigError, match="No such file"):
            tls_context(TlsSettings(certificate=file, private_key=file))
