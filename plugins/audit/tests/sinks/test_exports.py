"""
The sinks beside the sequencer, in its process.
"""

from __future__ import annotations

import http.server
import json
import random
import signal
import subprocess
import sys
import threading

import pytest

from gateway import codec
from gateway.settings import EgressSettings, settings_as_dict, settings_from_dict
from gateway_audit.process import sequencer
from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.settings import AuditSettings
from gateway_audit.sinks.backoff import Backoff
from gateway_audit.sinks.exports import Exports, companion
from gateway_audit.sinks.settings import sinks_from_json
from gateway_audit.spool.frames import encode
from gateway_audit.spool.names import lock_path, segment_path

ORIGIN = "gw.test/log"


def write(folder, worker, first, count):
    """
    Leave a spool as a worker would have left it.
    """
    spool = folder / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    frames = [
        encode(
            at,
            codec.dumps(
                {"at": 1_790_000_000_000, "type": "x", "worker": worker, "seq": at}
            ),
        )
        for at in range(first, first + count)
    ]
    segment_path(spool, worker, first + 1).write_bytes(b"".join(frames))
    lock_path(spool, worker).touch()


def make_exports(folder, **sinks):
    return Exports(
        folder / "sinks",
        sinks_from_json(sinks),
        egress=EgressSettings(),
        environ={},
        backoff=lambda: Backoff(rng=random.Random(1), first_s=0.01, most_s=0.05),
    )


def make_sequencer(folder, exports):
    return Sequencer(
        folder,
        keys=SigningKeys(folder / "keys", folder / "log" / "keys", ORIGIN),
        origin=ORIGIN,
        companions=[exports],
    )


def until(comes_true):
    pause = threading.Event()
    for _ in range(3000):
        if comes_true():
            return
        pause.wait(0.01)
    pytest.fail("it never came true")


def exported(path):
    """
    Tell the entries' indexes and the checkpoints' sizes in a file.
    """
    told = [json.loads(line)["unmapped"] for line in path.read_bytes().splitlines()]
    return [each.get("index", f"#{each.get('tree_size')}") for each in told]


def test_a_dead_sink_holds_back_nobody(tmp_path):
    """
    The log grows and the other sink has all of it, while one cannot be reached; its lag is told.
    """
    folder = tmp_path / "audit"
    out = tmp_path / "out.jsonl"
    exports = make_exports(
        folder,
        dead={"type": "http", "url": "http://127.0.0.1:9"},
        file={"type": "file", "path": str(out)},
    )
    sequencer = make_sequencer(folder, exports)
    try:
        for at in range(3):
            write(folder, f"w{at}", 0, 50)
            sequencer.turn(at_once=True)
        until(lambda: exports.document().get("file", {}).get("index") == 150)

        told = exports.document()
    finally:
        sequencer.close()
    assert told["dead"]["lag_entries"] == 150
    assert told["dead"]["problem"] is not None
    assert told["dead"]["lag_s"] > 0
    assert told["file"]["lag_entries"] == 0
    assert exports.needed_from() == 0
    assert [each for each in exported(out) if type(each) is int] == list(range(150))


def test_every_checkpoint_goes_out(tmp_path):
    """
    Also those that were signed while the sink was not there.
    """
    folder, out = tmp_path / "audit", tmp_path / "out.jsonl"
    quiet = make_sequencer(folder, make_exports(folder))
    for at in range(3):
        write(folder, f"w{at}", 0, 2)
        quiet.turn(at_once=True)
    quiet.close()
    exports = make_exports(folder, file={"type": "file", "path": str(out)})

    sequencer = make_sequencer(folder, exports)
    sequencer.turn()
    until(lambda: exports.document().get("file", {}).get("index") == 6)
    sequencer.close()

    assert exported(out) == [0, 1, "#2", 2, 3, "#4", 4, 5, "#6"]


def test_what_comes_in_last_is_exported_before_the_end(tmp_path):
    """
    The process is asked to end: what was signed just before goes out with it.
    """
    folder, out = tmp_path / "audit", tmp_path / "out.jsonl"
    exports = make_exports(folder, file={"type": "file", "path": str(out)})
    sequencer = make_sequencer(folder, exports)
    write(folder, "wa", 0, 20)

    sequencer.drain()
    sequencer.close()

    assert exported(out) == [*range(20), "#20"]


def test_the_process_is_told_of_sinks_and_the_way_out(tmp_path):
    """
    What the supervisor writes down for it is read as it was meant.
    """
    table = {
        "sinks": {
            "splunk": {
                "type": "splunk-hec",
                "url": "https://hec.bank.example",
                "secret": "env.HEC_TOKEN",
            }
        }
    }
    proxy = {"url": "http://proxy.bank.example:3128", "user": "gw", "secret": "env.P"}
    settings = settings_from_dict(
        {"plugins": {"audit": table}, "egress": {"proxy": proxy}}
    )
    audit = settings.plugin("audit", AuditSettings)

    told = sequencer(audit).arguments_for(tmp_path, settings)
    (order,) = [
        codec.loads(codec.dumps(each["arguments"]))
        for each in told["companions"]
        if "sinks" in each["target"]
    ]
    made = companion(**order)

    assert made._sinks == dict(audit.sinks)
    assert made._egress == settings.egress


class _Taking(http.server.BaseHTTPRequestHandler):
    """
    A collector that takes everything, and now and then is out of order.
    """

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.count += 1
        if self.server.count % 5 == 0:
            self.send_response(503)
        else:
            self.server.taken += body.splitlines()
            self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    server.taken, server.count = [], 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_process_killed_at_any_time_loses_nothing(tmp_path, collector):
    """
    The sequencer's process is killed again and again while it exports: all comes in, and what comes
    twice is told by its index.
    """
    folder = tmp_path / "audit"
    order = {
        "folder": str(folder),
        "origin": ORIGIN,
        "companions": [
            {
                "target": "gateway_audit.sinks.exports:companion",
                "arguments": {
                    "folder": str(folder / "sinks"),
                    "sinks": {
                        "c": {
                            "type": "http",
                            "url": f"http://127.0.0.1:{collector.server_port}",
                        }
                    },
                    "egress": settings_as_dict(settings_from_dict({}))["egress"],
                },
            }
        ],
    }
    program = (
        "import json, sys; from gateway_audit.sequencing.process import run; "
        "run(**json.loads(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, json.dumps(order)]
    total = 0
    for at in range(4):
        write(folder, f"w{at}", 0, 1500)
        total += 1500
        before = len(collector.taken)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            if at < 3:
                until(lambda: len(collector.taken) > before)  # noqa: B023
                process.send_signal(signal.SIGKILL)
            else:
                until(lambda: len(_indexes(collector)) == total)  # noqa: B023
                process.terminate()

    assert _indexes(collector) == set(range(total))
    cursor = json.loads((folder / "sinks" / "c.json").read_bytes())
    assert cursor["position"]["index"] == total


def _indexes(collector):
    found = [json.loads(line)["unmapped"] for line in list(collector.taken)]
    return {each["index"] for each in found if "index" in each}
