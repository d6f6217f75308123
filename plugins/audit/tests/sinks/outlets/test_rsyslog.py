"""
A real rsyslog takes what we send, over TLS.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytestmark = pytest.mark.needs_rsyslog

CONFIGURATION = """
global(
  workDirectory="{folder}"
  defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="{folder}/ca.pem"
  defaultNetstreamDriverCertFile="{folder}/server.pem"
  defaultNetstreamDriverKeyFile="{folder}/server.key"
)
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="{mode}")
template(name="raw" type="string" string="%rawmsg%\\n")
template(name="parsed" type="string"
  string="%pri-text% %timereported:::date-rfc3339% %hostname% %app-name% %msgid%\\n")
ruleset(name="all") {{
  action(type="omfile" file="{folder}/raw.log" template="raw" asyncWriting="off" flushOnTXEnd="on")
  action(type="omfile" file="{folder}/parsed.log" template="parsed")
}}
input(
  type="imtcp" port="{port}" address="127.0.0.1" listenPortFileName="{folder}/port" ruleset="all"
)
"""


class Authority:
    """
    Certificates of a test's own.
    """

    def __init__(self, folder):
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        own = self._draft(self._name, self._key).add_extension(constraints, True)
        self._write("ca.pem", self._sign(own.add_extension(usage, True)))

    def issue(self, name):
        """
        Make a certificate for this machine, and its key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        hosts = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        draft = self._draft(subject, key).add_extension(
            x509.SubjectAlternativeName(hosts), False
        )
        draft = draft.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
            False,
        )
        self._write(f"{name}.pem", self._sign(draft))
        spelt = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self.folder / f"{name}.key").write_bytes(spelt)

    def _draft(self, subject, key):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
        )

    def _sign(self, draft):
        return draft.sign(self._key, hashes.SHA256())

    def _write(self, name, certificate):
        spelt = certificate.public_bytes(serialization.Encoding.PEM)
        (self.folder / name).write_bytes(spelt)


class Rsyslog:
    """
    A server that writes down every message as it came, and as it was understood.
    """

    def __init__(self, folder):
        self.folder = folder
        self.port = 0
        self._process = None

    def start(self, mode="anon"):
        text = CONFIGURATION.format(folder=self.folder, port=self.port, mode=mode)
        (self.folder / "rsyslog.conf").write_text(text)
        (self.folder / "port").unlink(missing_ok=True)
        path = f"{os.environ['PATH']}:/usr/sbin"
        command = [
            shutil.which("rsyslogd", path=path),
            "-n",
            "-i",
            str(self.folder / "pid"),
        ]
        command += ["-f", str(self.folder / "rsyslog.conf")]
        with (self.folder / "errors").open("ab") as errors:
            self._process = subprocess.Popen(command, stdout=errors, stderr=errors)
        deadline = time.monotonic() + 20
        while not self._listens():
            assert time.monotonic() < deadline, (self.folder / "errors").read_text()
            assert self._process.poll() is None, (self.folder / "errors").read_text()
            time.sleep(0.02)

    def _listens(self):
        with contextlib.suppress(FileNotFoundError, ValueError, ConnectionRefusedError):
            # It tells its port only where it chose it.
            self.port = self.port or int((self.folder / "port").read_text())
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def lines(self, name="raw"):
        path = self.folder / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []

    def places(self):
        return [place_of(each) for each in self.lines()]


def place_of(message):
    found = re.search(r"cn1Label=(index|treeSize) cn1=(\d+)", message)
    return int(found[2]) if found[1] == "index" else f"#{found[2]}"


@pytest.fixture
def rsyslog(tmp_path):
    folder = tmp_path / "rsyslog"
    folder.mkdir()
    authority = Authority(folder)
    authority.issue("server")
    authority.issue("client")
    found = Rsyslog(folder)
    yield found
    found.kill()


def settings_of(rsyslog, **more):
    table = {"type": "syslog", "url": f"tls://127.0.0.1:{rsyslog.port}"}
    ca = str(rsyslog.folder / "ca.pem")
    return {**table, "ca_file": ca, "hostname": "gw-1", "settle_s": 0.2, **more}


async def test_it_understands_every_message(yard, signing, rsyslog):
    """
    A line each, with the facility, time, name and type that we gave it.
    """
    rsyslog.start()
    signing.write(400)
    signing.write(1, type="auth.denied", actor="x\nCEF:0|Evil|Evil|1|a|b|9|")

    await yard.deliver(yard.ship(**settings_of(rsyslog)))
    await yard.until(lambda: len(rsyslog.lines()) == 403)

    assert rsyslog.places() == [*range(400), "#400", 400, "#401"]
    parsed = rsyslog.lines("parsed")
    assert re.fullmatch(r"\S+\.info \S+ gw-1 gatewright outcome", parsed[0])
    assert parsed[401].endswith("gw-1 gatewright auth.denied")


async def test_a_server_that_is_killed_gets_all_in_the_end(yard, signing, rsyslog):
    """
    It dies while messages are under way, and another takes its place: nothing is lost.
    """
    rsyslog.start()
    signing.write(600)
    ship = yard.ship(**settings_of(rsyslog, settle_s=5.0))
    async with yard.sailing(ship):
        await yard.until(lambda: len(rsyslog.lines()) > 10)
        rsyslog.kill()
        signing.write(300)
        yard.look()
        rsyslog.start()

        await yard.until(lambda: ship.is_level)
        await yard.until(lambda: rsyslog.places()[-1:] == ["#900"])

    # A line that it was writing when it died has the next one behind it.
    text = "\n".join(rsyslog.lines()).replace("<110>1 ", "\n<110>1 ")
    whole = [line for line in text.splitlines() if line.endswith("cat=success")]
    whole += [line for line in text.splitlines() if "cs2Label=rootHash" in line]
    found = {place_of(line) for line in whole}
    assert {*range(900), "#600", "#900"} - found == set()


async def test_it_may_want_to_know_who_we_are(yard, signing, rsyslog):
    """
    A certificate of ours, which it believes; without one nothing is taken.
    """
    rsyslog.start(mode="x509/certvalid")
    signing.write(2)
    own = {
        "cert_file": str(rsyslog.folder / "client.pem"),
        "key_file": str(rsyslog.folder / "client.key"),
    }
    stranger = yard.ship("stranger", **settings_of(rsyslog))
    await yard.ailing(stranger)
    assert stranger.document()["index"] == 0

    await yard.deliver(yard.ship(**settings_of(rsyslog, **own)))
    await yard.until(lambda: len(rsyslog.lines()) == 3)

    assert rsyslog.places() == [0, 1, "#2"]


async def test_a_server_that_we_do_not_know_gets_nothing(yard, signing, rsyslog):
    """
    Its certificate is of no authority that we trust: the sink says so.
    """
    rsyslog.start()
    signing.write(1)
    settings = settings_of(rsyslog)
    del settings["ca_file"]
    ship = yard.ship(**settings)

    await yard.ailing(ship)

    assert ship.problem.startswith("its certificate is not believed: ")
    assert rsyslog.lines() == []
