"""
A log asks a witness over HTTP, and the witness remembers before it answers.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time

import attrs
import pytest

from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.sequencing.status import read_status
from gateway_audit.sequencing.witnesses import Witnesses
from gateway_audit.spool.frames import encode
from gateway_audit.spool.names import lock_path, segment_path
from gateway_audit.testing import WrittenLog
from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.errors import TlogError, Unproven
from gateway_audit.tlog.growing import GrowingTree
from gateway_audit.tlog.notes import COSIGNATURE, Note, SigningKey
from gateway_audit.tlog.tiles import Tree
from gateway_audit.tlog.witness import Witness
from gateway_audit.verifying.checking import verify
from gateway_audit.verifying.sources import source_of
from gateway_audit.verifying.trust import Trust
from gateway_audit.witnessing.client import (
    WitnessAhead,
    WitnessClient,
    WitnessProblem,
)
from gateway_audit.witnessing.server import MAX_CONNECTIONS, FileMemory, WitnessServer

ORIGIN = "gw.example/log"
KEY = SigningKey.of_seed(ORIGIN, bytes(range(32)))
WITNESS = SigningKey.of_seed("w.example/1", bytes(range(1, 33)), kind=COSIGNATURE)
OTHER = SigningKey.of_seed("w.example/1", bytes(32), kind=COSIGNATURE)


class Grown:
    """
    A log in memory.
    """

    def __init__(self):
        self.tree, self.files = GrowingTree(), {}

    def grow(self, count, word=b"entry"):
        self.files.update(
            self.tree.extend([b"%s %d" % (word, at) for at in range(count)])
        )
        return self.signed()

    def signed(self):
        point = Checkpoint(origin=ORIGIN, size=self.tree.size, root=self.tree.root())
        note = Note(point.text)
        return Signed(checkpoint=point, note=note.signed(KEY.sign(note.text)))

    def tiles(self):
        return Tree(self.tree.size, self.files.__getitem__)


class Served:
    """
    A witness on this machine.
    """

    def __init__(self, folder, logs=None):
        self.memory = FileMemory(folder)
        logs = {ORIGIN: (KEY.verifier,)} if logs is None else logs
        witness = Witness(key=WITNESS, logs=logs, memory=self.memory)
        self.server = WitnessServer(("127.0.0.1", 0), witness, lambda: 1_700_000_000.0)
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def client(self, key=WITNESS):
        return WitnessClient(url=self.url, key=key.verifier)


@pytest.fixture
def serve(tmp_path):
    """
    Start witnesses; the default folder is kept between them.
    """
    made = []

    def start(name="witness", **more):
        made.append(Served(tmp_path / name, **more))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_growth_is_cosigned_step_by_step(serve):
    """
    Every cosignature is of the witness, over the checkpoint that was asked for.
    """
    log, client = Grown(), serve().client()
    for count in (5, 300, 700):
        signed = log.grow(count)

        [found] = client.ask(signed, log.tiles())

        assert WITNESS.verifier.check(signed.note.text, found.content) == 1_700_000_000
    assert client.seen == 1005


def test_a_client_that_knows_nothing_learns_the_size(serve):
    """
    A restarted log asks from nothing, is told 409 with the size, and proves from there.
    """
    log, witness = Grown(), serve()
    witness.client().ask(log.grow(300), log.tiles())
    signed = log.grow(5)

    [found] = witness.client().ask(signed, log.tiles())

    assert found.name == "w.example/1"


def test_a_witness_remembers_across_restarts(serve):
    """
    What it cosigned is on its disk before the answer: another process refuses a fork.
    """
    log, fork = Grown(), Grown()
    serve().client().ask(log.grow(300), log.tiles())
    again = serve()

    with pytest.raises(WitnessProblem):
        again.client().ask(fork.grow(400, b"another"), fork.tiles())

    assert again.memory.last(ORIGIN) == log.signed().checkpoint


def test_a_log_that_was_set_back_is_told(serve):
    """
    The witness saw more than there is: that is no ordinary refusal.
    """
    log, short, witness = Grown(), Grown(), serve()
    witness.client().ask(log.grow(300), log.tiles())

    with pytest.raises(WitnessAhead, match="300"):
        witness.client().ask(short.grow(200), short.tiles())


def test_a_stranger_that_answers_is_not_believed(serve):
    """
    Only a cosignature of the witness's own key counts.
    """
    log = Grown()

    with pytest.raises(WitnessProblem, match="no signature of its key"):
        serve().client(OTHER).ask(log.grow(3), log.tiles())


def test_an_unknown_log_is_refused(serve):
    """
    404, as the protocol has it.
    """
    log = Grown()

    with pytest.raises(WitnessProblem, match="404"):
        serve(logs={}).client().ask(log.grow(3), log.tiles())


def test_a_witness_that_is_not_there_is_a_problem_of_its_own():
    """
    The log says that it cannot be reached.
    """
    log = Grown()

    with pytest.raises(WitnessProblem, match="cannot be reached"):
        WitnessClient(url="http://127.0.0.1:1").ask(log.grow(3), log.tiles())


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/add-checkpoint", {}, b"nonsense", 400),
        ("POST", "/elsewhere", {}, b"", 404),
        ("GET", "/add-checkpoint", {}, None, 501),
        ("POST", "/add-checkpoint", {"Content-Length": "99999999"}, None, 413),
        ("POST", "/add-checkpoint", {"Content-Length": "-1"}, None, 413),
    ],
    ids=["nonsense", "elsewhere", "get", "huge", "negative"],
)
def test_requests_that_are_none_are_answered(
    serve, method, path, headers, body, status
):
    """
    Nothing from outside stops the witness.
    """
    witness = serve()
    connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=5)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    reply.read()
    connection.close()

    assert reply.status == status


def test_too_many_connections_are_closed_and_make_room_again(serve):
    """
    A client that opens connections and says nothing does not stop the witness for ever.
    """
    witness = serve()
    idle = [
        socket.create_connection(("127.0.0.1", witness.port), timeout=10)
        for _ in range(MAX_CONNECTIONS)
    ]
    with socket.create_connection(("127.0.0.1", witness.port), timeout=10) as late:
        turned_away = late.recv(1)
    for each in idle:
        each.close()
    log = Grown()
    signed = log.grow(3)

    found = until_cosigned(witness, signed, log)

    assert turned_away == b""
    assert len(found) == 1


def until_cosigned(witness, signed, log):
    for _ in range(1000):
        try:
            return witness.client().ask(signed, log.tiles())
        except WitnessProblem:
            time.sleep(0.01)
    raise AssertionError("never")


def test_a_damaged_memory_signs_nothing(serve, tmp_path):
    """
    A witness that forgot what it saw would sign a fork; it answers 500 instead.
    """
    log, witness = Grown(), serve()
    witness.client().ask(log.grow(3), log.tiles())
    [path] = (tmp_path / "witness").glob("*.checkpoint")
    path.write_bytes(path.read_bytes()[:10])

    with pytest.raises(WitnessProblem, match="500"):
        witness.client().ask(log.grow(3), log.tiles())


def sequenced(folder, client, count, number):
    """
    Sequence *count* entries more, with the witness asked.
    """
    spool = folder / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    content = b"".join(encode(at, b"entry %d" % at) for at in range(count))
    segment_path(spool, f"w{number}", 1).write_bytes(content)
    lock_path(spool, f"w{number}").touch()
    keys = SigningKeys(folder / "keys", folder / "log/keys", ORIGIN)
    sequencer = Sequencer(folder, keys=keys, origin=ORIGIN, witnesses=[client])
    sequencer.drain()
    sequencer._witnesses.join(10)
    sequencer.turn()
    sequencer.close()
    return keys.signer(0).verifier


def test_the_sequencer_publishes_cosigned_checkpoints(serve, tmp_path):
    """
    A verifier that demands the witness accepts the log; one that demands another does not.
    """
    folder = tmp_path / "audit"
    keys = SigningKeys(folder / "keys", folder / "log/keys", ORIGIN)
    logs = {ORIGIN: (keys.signer(0).verifier,)}
    vkey = sequenced(folder, serve(logs=logs).client(), 300, 1)
    read = source_of(str(folder / "log"))

    report = verify(
        read, Trust.of(vkeys=[str(vkey)], witnesses=[str(WITNESS.verifier)])
    )

    assert (report.checkpoint.size, report.witnesses) == (300, 1)
    with pytest.raises(Unproven, match="0 of 1"):
        verify(read, Trust.of(vkeys=[str(vkey)], witnesses=[str(OTHER.verifier)]))


def test_a_sequencer_whose_log_was_set_back_is_not_healthy(serve, tmp_path):
    """
    Files, state and checkpoint of an earlier day agree with each other; the witness knows better.
    """
    folder = tmp_path / "audit"
    keys = SigningKeys(folder / "keys", folder / "log/keys", ORIGIN)
    witness = serve(logs={ORIGIN: (keys.signer(0).verifier,)})
    sequenced(folder, witness.client(), 300, 1)
    for path in ("log", "state.json"):
        (folder / path).rename(tmp_path / path)

    sequenced(folder, witness.client(), 10, 2)

    problems = read_status(folder, 0).problems
    assert any("saw a tree of 300" in problem for problem in problems)


def test_how_long_a_witness_has_failed_is_told(tmp_path):
    """
    From the first time on, until it cosigns again.
    """
    log, client = WrittenLog(tmp_path), Moody(url="http://w.test")
    log.write(3)
    witnesses = Witnesses([client], Files(tmp_path / "log"), interval_s=1.0)

    said = []
    for now, is_there in ((0.0, False), (100.0, False), (200.0, True)):
        client.is_there = is_there
        witnesses.turn(log.log, now)
        witnesses.join(10)
        (told,) = witnesses.document(now + 5).values()
        said.append((told["problem"], told["failing_s"]))

    assert said == [("it is away", 5.0), ("it is away", 105.0), (None, 0)]


@attrs.define(kw_only=True)
class Moody(WitnessClient):
    """
    A witness that is not always there.
    """

    is_there: bool = False

    def ask(self, signed, tree):
        if not self.is_there:
            raise WitnessProblem("it is away")
        return ()


def test_a_memory_that_cannot_be_read_is_an_error(tmp_path):
    """
    Not the same as having seen nothing.
    """
    memory = FileMemory(tmp_path)
    memory.keep(Grown().signed().checkpoint)
    [path] = tmp_path.glob("*.checkpoint")
    path.write_bytes(b"x")

    with pytest.raises(TlogError):
        memory.last(ORIGIN)
