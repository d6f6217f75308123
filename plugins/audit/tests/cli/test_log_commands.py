"""
The commands of the log, as somebody types them.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway_audit.cli.log_commands import log_commands
from gateway_audit.sequencing.keys import (
    SigningKeys,
    find_origin,
    make_key_file,
    read_key_file,
)
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.spool.frames import encode
from gateway_audit.spool.names import lock_path, segment_path
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.notes import Note, VerifierKey
from gateway_audit.tlog.tiles import Tree
from gateway_audit.witnessing.client import WitnessClient

VERIFIER = Path(__file__).parents[4] / "contrib/verify/verify.py"


class Log:
    """
    A data directory with a log in it, and the command line.
    """

    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.folder = data_dir / "audit"
        self.log = self.folder / "log"
        self.written = 0

    def grow(self, count):
        """
        Have *count* entries written by a worker, and sequenced.
        """
        spool = self.folder / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        worker = f"w{self.written}"
        lines = [
            b'{"id":"E%d","request":"R%d","worker":"%s","seq":%d}'
            % (self.written + at, self.written + at, worker.encode(), at)
            for at in range(count)
        ]
        self.written += count
        content = b"".join(encode(at, line) for at, line in enumerate(lines))
        segment_path(spool, worker, 1).write_bytes(content)
        lock_path(spool, worker).touch()
        origin = find_origin(self.folder, None)
        keys = SigningKeys(self.folder / "keys", self.log / "keys", origin)
        sequencer = Sequencer(self.folder, keys=keys, origin=origin)
        try:
            sequencer.drain()
        finally:
            sequencer.close()
        return self.checkpoint()

    def checkpoint(self):
        return (self.log / "checkpoint").read_bytes()

    def run(self, *words, code=0):
        group = click.Group(commands=list(log_commands()))
        result = CliRunner().invoke(group, [str(word) for word in words])
        assert result.exit_code == code, result.output
        return result.output

    def vkey(self):
        return self.run("keys", "show", "--data-dir", self.data_dir).strip()

    def theirs(self, *words, code=0):
        done = subprocess.run(
            [sys.executable, VERIFIER, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def log(tmp_path, monkeypatch):
    """
    A log of 300 entries.
    """
    monkeypatch.chdir(tmp_path)
    made = Log(tmp_path / "data")
    made.grow(300)
    return made


def test_two_verifiers_say_the_same_of_a_log(log):
    """
    The root is written as the checkpoint has it, so that all three can be compared by eye.
    """
    ours = log.run("verify", log.log, "--vkey", log.vkey()).splitlines()[0]
    theirs = log.theirs(log.log, "--vkey", log.vkey())

    assert theirs == f"{ours}\n"
    assert ours.endswith(f" root {log.checkpoint().decode().splitlines()[2]}")


def test_a_log_is_verified_and_remembered(log):
    """
    The first visit remembers, the second compares, and a log that was set back is found.
    """
    first = log.run("verify", log.log, "--vkey", log.vkey(), "--remember", "seen")
    old = log.checkpoint()
    log.grow(20)
    second = log.run("verify", log.log, "--vkey", log.vkey(), "--remember", "seen")
    (log.log / "checkpoint").write_bytes(old)
    third = log.run(
        *("verify", log.log, "--vkey", log.vkey(), "--remember", "seen"), code=1
    )

    assert "OK: 300 entries" in first
    assert "nothing was remembered" in first
    assert "grew from the 300" in second
    assert "WRONG: the log was set back" in third


def test_what_was_found_is_told_to_programs(log):
    """
    One JSON document.
    """
    found = json.loads(log.run("verify", log.log, "--vkey", log.vkey(), "--json"))

    assert (found["size"], found["first"], found["since"]) == (300, 0, None)


def test_a_log_is_verified_over_http(log):
    """
    The folder, served by anybody, verifies as the folder does; what is missing is named.
    """

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=log.log)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        found = log.run("verify", url, "--vkey", log.vkey())
        theirs = log.theirs(url, "--vkey", log.vkey())
        (log.log / "tile/entries/000").unlink()
        missing = log.run("verify", url, "--vkey", log.vkey(), code=1)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert "OK: 300 entries" in found
    assert "OK: 300 entries" in theirs
    assert "tile/entries/000 is missing" in missing


@pytest.mark.parametrize("which", ["7", "E7", "R7"], ids=["index", "id", "request"])
def test_an_entry_is_proven_to_who_has_the_key_alone(log, which):
    """
    By its index, its id or its request; both verifiers read the entry out of the file.
    """
    log.run("prove", which, "--data-dir", log.data_dir, "-o", "e.tlog-proof")

    ours = log.run("verify", "e.tlog-proof", "--vkey", log.vkey())
    theirs = log.theirs("e.tlog-proof", "--vkey", log.vkey())

    assert "entry 7 of 300" in ours
    assert '"id":"E7"' in ours
    assert "entry 7 of 300" in theirs
    assert '"id":"E7"' in theirs


def test_a_changed_proof_proves_nothing(log):
    """
    Neither verifier takes an entry that was changed in the file.
    """
    log.run("prove", "7", "--log", log.log, "-o", "e.tlog-proof")
    lines = Path("e.tlog-proof").read_bytes().split(b"\n")
    lines[2] = b"index 8"
    Path("e.tlog-proof").write_bytes(b"\n".join(lines))

    log.run("verify", "e.tlog-proof", "--vkey", log.vkey(), code=1)
    log.theirs("e.tlog-proof", "--vkey", log.vkey(), code=1)


def test_what_is_not_there_is_not_proven(log):
    """
    An index past the end, and an id that nobody has.
    """
    assert "no entry 300" in log.run("prove", "300", "--log", log.log, code=1)
    assert "'nobody'" in log.run("prove", "nobody", "--log", log.log, code=1)


def test_two_checkpoints_are_of_one_log(log):
    """
    The older is the beginning of the newer; not the other way round.
    """
    Path("old").write_bytes(log.checkpoint())
    log.grow(100)
    Path("new").write_bytes(log.checkpoint())
    words = ("--log", log.log, "--vkey", log.vkey())

    grown = log.run("consistency", "old", "new", *words)
    newest = json.loads(log.run("consistency", "old", *words, "--json"))
    log.run("consistency", "new", "old", *words, code=1)

    assert "400 entries began with the 300" in grown
    assert (newest["old"], newest["new"]) == (300, 400)


def test_whom_to_believe_must_be_said(log):
    """
    Without a key nothing is verified, and a key that is none is an error of its own.
    """
    assert "whom to believe" in log.run("verify", log.log, code=2)
    assert "whom to believe" in log.theirs(log.log, code=2)
    assert "WRONG" not in log.run("verify", log.log, "--vkey", "nonsense", code=2)
    assert "WRONG" not in log.theirs(log.log, "--vkey", "nonsense", code=2)


@pytest.mark.parametrize(
    "place", ["nowhere", "http://127.0.0.1:1/log", "nope.tlog-proof", "keys"]
)
def test_what_is_not_reached_is_not_called_wrong(log, place):
    """
    A wrong path, a server that is down, a proof that is not there, a folder of something else.
    """
    Path("keys").mkdir()

    ours = log.run("verify", place, "--vkey", log.vkey(), code=3)
    theirs = log.theirs(place, "--vkey", log.vkey(), code=3)

    assert ours.startswith("error: ")
    assert place in theirs
    assert "WRONG" not in ours + theirs
    assert "Traceback" not in ours + theirs


@pytest.fixture
def served(log):
    """
    Serve the log to whoever has the token; ``/moved/`` leads to another host's name.
    """
    asked = []

    class Guarded(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=log.log)

        def do_GET(self):
            credential = self.headers["Authorization"]
            asked.append((self.headers["Host"], self.path, credential))
            if self.path.startswith("/moved/"):
                self.send_response(302)
                port = self.server.server_port
                place = self.path.removeprefix("/moved")
                self.send_header("Location", f"http://localhost:{port}{place}")
                self.end_headers()
            elif credential == "Bearer t-1":
                super().do_GET()
            else:
                self.send_error(401)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    log.asked, log.url = asked, f"http://127.0.0.1:{server.server_port}"
    yield log
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_log_behind_a_token_is_verified_with_it(served, monkeypatch):
    """
    Both programs take it from the environment; without it nothing is said of the log.
    """
    words = (served.url, "--vkey", served.vkey())
    ours = served.run("verify", *words, code=3)
    theirs = served.theirs(*words, code=3)
    monkeypatch.setenv("GATEWRIGHT_TOKEN", "t-1")

    assert "GATEWRIGHT_TOKEN" in ours
    assert "401" in theirs
    assert "OK: 300 entries" in served.run("verify", *words)
    assert "OK: 300 entries" in served.theirs(*words)


def test_a_redirect_does_not_get_the_token(served, monkeypatch):
    """
    It was given for one server, and not for whom that names.
    """
    monkeypatch.setenv("GATEWRIGHT_TOKEN", "t-1")
    words = (f"{served.url}/moved", "--vkey", served.vkey())

    served.run("verify", *words, code=3)
    served.theirs(*words, code=3)

    elsewhere = [each for each in served.asked if each[0].startswith("localhost")]
    assert len(elsewhere) == 2
    assert {credential for *_, credential in elsewhere} == {None}


def test_a_missing_tile_is_wrong_and_not_unreached(log):
    """
    The checkpoint counts it.
    """
    (log.log / "tile/entries/000").unlink()

    assert "WRONG" in log.run("verify", log.log, "--vkey", log.vkey(), code=1)
    assert "WRONG" in log.theirs(log.log, "--vkey", log.vkey(), code=1)


def test_a_proof_is_known_by_its_first_line(log):
    """
    Not by what its file is called; another file is no log either.
    """
    log.run("prove", "7", "--log", log.log, "-o", "receipt.txt")
    Path("other.txt").write_text("x")

    assert "entry 7 of 300" in log.run("verify", "receipt.txt", "--vkey", log.vkey())
    assert "entry 7 of 300" in log.theirs("receipt.txt", "--vkey", log.vkey())
    other = log.run("verify", "other.txt", "--vkey", log.vkey(), code=2)
    assert "neither the folder of a log nor a proof" in other
    root = log.vkey().replace("+", "/root+", 1)
    log.theirs("receipt.txt", "--root", root, code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "{log}", "--vkey", "{vkey}", "--remember", "nodir/x"),
        ("prove", "7", "--log", "{log}", "-o", "nodir/x"),
        ("keys", "root", "seen/x", "--data-dir", "{data}"),
    ],
    ids=["remember", "prove", "root"],
)
def test_a_file_that_cannot_be_written_is_named(log, words):
    """
    In one line, with what to do.
    """
    Path("seen").touch()
    told = {"log": log.log, "vkey": log.vkey(), "data": log.data_dir}

    said = log.run(*(word.format(**told) for word in words), code=2)

    assert re.search(
        r"error: (nodir/x|seen.*) cannot be used: .+ Name one that can", said
    )


def test_a_witness_says_when_it_cannot_listen(log, tmp_path):
    """
    The port of somebody else, and a key that is none.
    """
    words = ("witness", tmp_path / "w", "--name", "w.example/1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        said = log.run(*words, "--log", log.vkey(), "--listen", listen, code=2)
    log.run(*words, "--log", "nonsense", code=2)

    assert f"error: {listen} cannot be listened at" in said


def rotated(log):
    """
    Make a root key and a second signing key; return the root's public half.
    """
    log.run("keys", "root", "root.pem", "--data-dir", log.data_dir)
    log.run("keys", "rotate", "--root-key", "root.pem", "--data-dir", log.data_dir)
    return log.vkey().split("\n")[0].removeprefix("root ")


def test_a_new_key_signs_from_its_size_on(log):
    """
    Before that the old one signs; who knows the root key verifies both, by either program.
    """
    root = rotated(log)
    log.grow(10)
    before = log.run("verify", log.log, "--root", root)
    Path("old").write_bytes(log.checkpoint())
    log.grow(2_500)
    after = log.run("verify", log.log, "--root", root, "--since", "old")
    theirs = log.theirs(log.log, "--root", root, "--since", "old")

    old, new = (
        Signed.parse(each).note for each in (Path("old").read_bytes(), log.checkpoint())
    )
    assert old.signatures[0].id != new.signatures[0].id
    assert "OK: 310 entries" in before
    assert "OK: 2810 entries" in after
    assert "OK: 2810 entries" in theirs


def test_a_replaced_key_signs_nothing_that_is_believed(log):
    """
    Who steals the old key cannot sign past its range, though its signature holds.
    """
    old = log.vkey()
    root = rotated(log)
    log.grow(2_500)
    stolen = log.folder / "keys/signing-0001.pem"
    note = Note.parse(log.checkpoint())
    thief = read_key_file(stolen, old.split("+")[0])
    forged = bytes(Note(note.text).signed(thief.sign(note.text)))
    (log.log / "checkpoint").write_bytes(forged)

    assert "no known key" in log.run("verify", log.log, "--root", root, code=1)
    assert "in its range" in log.theirs(log.log, "--root", root, code=1)
    assert "OK" in log.run("verify", log.log, "--vkey", old)


def test_goes_on_when_the_old_key_was_destroyed(log):
    """
    Its public half in the list is enough to know what was signed.
    """
    root = rotated(log)
    log.grow(2_500)
    (log.folder / "keys/signing-0001.pem").unlink()

    log.grow(10)

    assert "OK: 2810 entries" in log.run("verify", log.log, "--root", root)


def rotate(log, *words, code=0):
    """
    Replace the signing key by the word of the root key that stands in root.pem.
    """
    told = ("--root-key", "root.pem", "--data-dir", log.data_dir, *words)
    return log.run("keys", "rotate", *told, code=code)


def test_a_leaked_key_signs_nothing_more_at_once(log):
    """
    Not on a quiet gateway either: a rotation that was under way is overtaken.
    """
    old = log.vkey()
    root = rotated(log)
    said = rotate(log, "--at", "now")
    before = log.run("verify", log.log, "--root", root)
    log.grow(1)
    after = log.run("verify", log.log, "--root", root)
    theirs = log.theirs(log.log, "--root", root)

    assert "signs from size 301 on" in said
    assert "OK: 300 entries" in before
    assert "OK: 301 entries" in after
    assert "OK: 301 entries" in theirs
    assert "no known key" in log.run("verify", log.log, "--vkey", old, code=1)
    assert len(log.vkey().splitlines()) == 3  # the root, the old key, the newest


def test_a_key_begins_at_a_size_behind_what_was_signed(log):
    """
    No checkpoint loses its signature by a rotation.
    """
    root = rotated(log)

    assert "of 300 entries is signed" in rotate(log, "--at", "300", code=2)
    assert "neither now nor" in rotate(log, "--at", "soon", code=2)
    assert "signs from size 305 on" in rotate(log, "--at", "305")
    for _ in range(2):
        log.grow(4)
        assert "OK" in log.run("verify", log.log, "--root", root)


def test_a_running_sequencer_changes_its_key_at_once(log):
    """
    It looks at the list whenever it signs.
    """
    root = rotated(log)
    origin = find_origin(log.folder, None)
    keys = SigningKeys(log.folder / "keys", log.log / "keys", origin)
    old = keys.signer(301)

    rotate(log, "--at", "now")

    assert keys.signer(301) != old
    assert "OK: 300" in log.run("verify", log.log, "--root", root)


def test_a_checkpoint_that_is_being_signed_stays_believed(log, monkeypatch):
    """
    The list is not replaced between the choice of the key and the checkpoint on the disk.
    """
    root = rotated(log)
    chosen, may_go_on = threading.Event(), threading.Event()
    signer = SigningKeys.signer

    def slow(keys, size):
        found = signer(keys, size)
        if threading.current_thread() is signing:
            chosen.set()
            may_go_on.wait(10)
        return found

    monkeypatch.setattr(SigningKeys, "signer", slow)
    signing = threading.Thread(target=log.grow, args=(10,))
    rotating = threading.Thread(target=rotate, args=(log, "--at", "now"))
    signing.start()
    chosen.wait(10)
    rotating.start()
    rotating.join(0.5)
    may_go_on.set()
    signing.join()
    rotating.join()

    assert "OK: 310 entries" in log.run("verify", log.log, "--root", root)
    assert "  311 - " in log.vkey()


def test_another_root_key_changes_nothing(log):
    """
    The list is replaced with the root key that the gateway knows, or not at all.
    """
    rotated(log)
    log.run("keys", "root", "other.pem", "--data-dir", log.data_dir, code=1)
    make_key_file(Path("other.pem"), "x")
    before = (log.log / "keys").read_bytes()

    said = log.run(
        *("keys", "rotate", "--root-key", "other.pem", "--data-dir", log.data_dir),
        code=1,
    )

    assert "not the root key" in said
    assert (log.log / "keys").read_bytes() == before


def test_a_log_that_is_not_there_has_no_keys(tmp_path):
    """
    The message says what to do.
    """
    made = Log(tmp_path / "none")

    said = made.run("keys", "show", "--data-dir", made.data_dir, code=1)

    assert "start the gateway" in said


def test_the_witness_command_serves_until_it_is_ended(log, tmp_path):
    """
    It says its key and its address, cosigns, and leaves with 0.
    """
    program = (
        "import sys; from gateway_audit.cli.witnessing import witness_command; "
        "witness_command(sys.argv[1:])"
    )
    child = subprocess.Popen(
        [
            *(sys.executable, "-u", "-c", program, tmp_path / "w"),
            *("--name", "w.example/1", "--log", log.vkey(), "--listen", "127.0.0.1:0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        try:
            key = child.stdout.readline().split()[1]
            url = re.search(r"http://\S+", child.stdout.readline())[0]
            client = WitnessClient(url=url, key=VerifierKey.parse(key))
            signed = Signed.parse(log.checkpoint())
            tree = Tree(300, lambda path: (log.log / path).read_bytes())
            found = client.ask(signed, tree)
        finally:
            child.terminate()
        code = child.wait(timeout=10)

    assert [one.name for one in found] == ["w.example/1"]
    assert code == 0
