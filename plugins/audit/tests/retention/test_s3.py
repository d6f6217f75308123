"""
An archive in storage that speaks S3, through boto3, against a server of our own.
"""

from __future__ import annotations

import http.server
import re
import threading
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from gateway.secrets import Secrets
from gateway.settings import EgressSettings, SecretRef
from gateway_audit.retention.archives import ArchiveProblem, put_checked
from gateway_audit.retention.s3 import S3Archive
from gateway_audit.retention.settings import ArchiveSettings
from gateway_audit.tlog.tiles import entries_path
from gateway_audit.verifying.checking import verify
from gateway_audit.verifying.trust import Trust

KEY_ID, SECRET = "AKIA" + "TEST", "s3-" + "secret"


class Storage(http.server.BaseHTTPRequestHandler):
    """
    One bucket: objects are put, read, removed and listed, two to a page.
    """

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        if self._is_allowed():
            length = int(self.headers["content-length"])
            self.server.objects[self._key] = self.rfile.read(length)
            self._say(200)

    def do_GET(self):
        if not self._is_allowed():
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._say(200, self._listing(query))
        elif self._key in self.server.objects:
            self._say(200, self.server.objects[self._key])
        else:
            self._refuse(404, "NoSuchKey")

    def do_DELETE(self):
        if self._is_allowed():
            self.server.objects.pop(self._key, None)
            self._say(204)

    @property
    def _key(self):
        path = unquote(urlsplit(self.path).path)
        bucket, _, key = path.lstrip("/").partition("/")
        assert bucket == "bank-audit"
        return key

    def _is_allowed(self):
        self.server.asked.append((self.command, self.path))
        said = self.headers.get("authorization", "")
        if self.server.fault:
            self._refuse(*self.server.fault)
        elif not re.match(rf"AWS4-HMAC-SHA256 Credential={KEY_ID}/\d+/", said):
            self._refuse(403, "InvalidAccessKeyId")
        else:
            return True
        return False

    def _listing(self, query):
        prefix = query["prefix"][0]
        found = sorted(key for key in self.server.objects if key.startswith(prefix))
        after = query.get("continuation-token", [""])[0]
        left = [key for key in found if key > after]
        page, more = left[:2], len(left) > 2
        rows = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in page)
        token = (
            f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        )
        return (
            '<?xml version="1.0"?><ListBucketResult>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}"
            "</ListBucketResult>"
        ).encode()

    def _refuse(self, status, code):
        if length := self.headers.get("content-length"):
            self.rfile.read(int(length))
        self._say(
            status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        )

    def _say(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def storage():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    server.daemon_threads = True
    server.objects, server.asked, server.fault = {}, [], None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def archive_of(storage, environ=None):
    settings = ArchiveSettings(
        url="s3://bank-audit/gw",
        endpoint=f"http://127.0.0.1:{storage.server_port}",
        region="eu-central-1",
        key_id=SecretRef("env", "ID"),
        secret=SecretRef("env", "SECRET"),
    )
    known = {"ID": KEY_ID, "SECRET": SECRET} if environ is None else environ
    return S3Archive(
        settings, "gw.test_log", egress=EgressSettings(), secrets=Secrets(known)
    )


@pytest.fixture
def archive(storage):
    found = archive_of(storage)
    yield found
    if found._known is not None:
        found._known[1].close()


def test_what_is_stored_comes_back(archive, storage):
    """
    Under the settings' prefix and the log's own folder.
    """
    put_checked(archive, [("tile/entries/000", b"\0\x01x"), ("bodies/000/a", b"b")])

    assert archive.get("tile/entries/000") == b"\0\x01x"
    assert archive.get("tile/entries/001") is None
    assert set(storage.objects) == {
        "gw/gw.test_log/tile/entries/000",
        "gw/gw.test_log/bodies/000/a",
    }


def test_all_below_a_name_is_removed_and_nothing_beside_it(archive, storage):
    """
    However many pages the list has.
    """
    for name in ("bodies/000/a", "bodies/000/b", "bodies/000/c", "bodies/0001/a"):
        archive.put(name, b"x")

    archive.remove("bodies/000")

    assert set(storage.objects) == {"gw/gw.test_log/bodies/0001/a"}


def test_a_refusal_is_told_by_its_code(archive, storage):
    """
    Neither the bucket's words nor a credential.
    """
    storage.fault = (403, "AccessDenied")

    with pytest.raises(ArchiveProblem, match="^S3 answered AccessDenied$"):
        archive.put("tile/entries/000", b"x")


def test_credentials_that_lead_nowhere_are_told(storage):
    """
    By their reference.
    """
    with pytest.raises(ArchiveProblem, match=r"env\.ID"):
        archive_of(storage, environ={}).get("x")


def test_a_log_is_archived_and_pruned_there(house, archive, storage):
    """
    What was archived verifies together with what is here, and goes when it expires.
    """
    house.archive = archive
    house.keep()
    house.append_days(0, 1000)
    house.append_days(100, 1000)
    house.settle()
    signer = house.log._keys.signer(house.log.size)
    trust = Trust.of(vkeys=[str(signer.verifier)])
    assert house.keeper.document()["problem"] is None
    assert not (house.folder / "log" / entries_path(0)).exists()
    assert len(storage.objects) == 3
    verify(house.read, trust)

    house.append_days(300, 1000)
    house.settle()

    assert archive.get(entries_path(0)) is None
    assert archive.get(entries_path(3)) is not None
    verify(house.read, trust, first=house.log.min_index)


def test_a_server_that_fails_for_a_while_is_asked_again(house, archive, storage):
    """
    Nothing goes from here meanwhile.
    """
    house.archive = archive
    house.keep()
    house.append_days(0, 1000)
    house.append_days(100, 1000)
    storage.fault = (403, "AccessDenied")
    house.settle()
    assert (house.folder / "log" / entries_path(0)).exists()
    assert house.keeper.document()["problem"] == "S3 answered AccessDenied"

    storage.fault = None
    house.settle()

    assert house.keeper.document()["local_from"] == 768
