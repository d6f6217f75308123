"""
Who is measured: the upstream itself, the calibrator, nginx, the gateway, any other one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from bench.machine import Cores, cpu_s, rss_bytes, tree_of
from bench.programs import BenchError, Program, free_port, wait_ready

DIRECT: Final = "direct"
CALIBRATOR: Final = "calibrator"
NGINX: Final = "nginx"
GATEWAY: Final = "gateway"
WITH_PLUGINS: Final = "gateway+plugins"

#: The credential that callers show; long enough for any gateway's taste.
CALLER_KEY: Final = "bench-key-of-no-one-0123456789abcdef"
_CHAT: Final = "/v1/chat/completions"
_PROVIDER: Final = "bench"

#: What a plugin has to do for its figure to mean anything: governance has five meters, all of
#: them far from their limits; the cache answers, for the load asks the same again and again;
#: guardrails look at every text with every local detector.
PLUGIN_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "audit": {"level": "intent"},
    "caching": {"store": "memory", "default": {"sampled": True}},
    "guardrails": {
        "rules": {
            "data": {"detectors": ["pii", "secrets"], "action": "redact"},
            "attacks": {
                "detectors": ["injection"],
                "stages": ["input"],
                "action": "block",
            },
        }
    },
    "governance": {
        "require_key": True,
        "teams": {"bench": {"budgets": [{"limit_usd": 1_000_000, "per": "month"}]}},
        "virtual_keys": {
            "bench": {
                "team": "bench",
                "secret": "env.GATEWRIGHT_BENCH_KEY",
                "budgets": [{"limit_usd": 100_000, "per": "day"}],
                "rate_limits": [
                    {"requests": 100_000_000, "per": "minute"},
                    {"tokens": 100_000_000_000, "per": "minute"},
                ],
                "max_parallel": 10_000,
            }
        },
        "pricing_overrides": {
            "bench": {"model": "*", "prices": {"input": 0.5, "output": 1.5}}
        },
    },
}


@attrs.define(eq=False, kw_only=True)
class Subject:
    """
    Somebody who answers chat requests.

    Attributes:
        path: of the chat endpoint.
        pid: the first of its processes; None where its CPU time means nothing here.
        prefix: stands before the model's name in requests to it.
        key: the credential that callers show to it.
    """

    name: str
    port: int
    host: str = "127.0.0.1"
    path: str = _CHAT
    pid: int | None = None
    prefix: str = f"{_PROVIDER}/"
    key: str = CALLER_KEY

    def cpu_s(self) -> float:
        """
        Return the CPU seconds that it and its children took so far.
        """
        return cpu_s(self._pids())

    def rss_bytes(self) -> int:
        """
        Return the memory of it and its children.
        """
        return rss_bytes(self._pids())

    def _pids(self) -> list[int]:
        if self.pid is None:
            return []
        try:
            return tree_of(self.pid)
        except ProcessLookupError:
            raise BenchError(f"{self.name} has ended: no process {self.pid}") from None


@attrs.frozen(kw_only=True)
class Starter:
    """
    Starts subjects, each on the subjects' core.

    Attributes:
        cores: where.
        folder: for their files.
        plugins: names of the plugins that `with_plugins` runs with.
        command: starts the gateway; its settings file's name is put behind.
        burn_us: CPU that the calibrator wastes on each request.
    """

    cores: Cores
    folder: Path
    plugins: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    burn_us: float = 0.0

    @contextmanager
    def upstream(self, port: int) -> Iterator[Subject]:
        """
        Start the upstream, which is the subject that nothing stands before.
        """
        arguments = ("-m", "bench.upstream", str(port))
        core = self.cores.load
        with Program.python("upstream", arguments, core=core, talks=True) as program:
            yield Subject(name=DIRECT, port=int(program.hear(20)))

    @contextmanager
    def calibrator(self, upstream_port: int) -> Iterator[Subject]:
        """
        Start the proxy of thirty lines.
        """
        port = free_port()
        file = Path(__file__).with_name("calibrator.py")
        url = f"http://127.0.0.1:{upstream_port}"
        arguments = (str(file), url, str(port), str(self.burn_us))
        with Program.python(CALIBRATOR, arguments, core=self.cores.subject) as program:
            wait_ready(program, port, "/healthz")
            yield Subject(name=CALIBRATOR, port=port, pid=program.pid)

    @contextmanager
    def nginx(self, upstream_port: int) -> Iterator[Subject]:
        """
        Start nginx: one worker, connections to the upstream kept.
        """
        program_path = find_nginx()
        if program_path is None:
            raise BenchError("nginx is not installed (Debian: nginx-light)")
        port = free_port()
        home = self.folder / "nginx"
        home.mkdir(exist_ok=True)
        file = home / "nginx.conf"
        file.write_text(nginx_settings(home, port, upstream_port))
        arguments = (program_path, "-p", str(home), "-e", "stderr", "-c", str(file))
        with Program.start(NGINX, arguments, core=self.cores.subject) as program:
            wait_ready(program, port, "/healthz")
            yield Subject(name=NGINX, port=port, pid=program.pid)

    def gateway(self, upstream_port: int) -> AbstractContextManager[Subject]:
        """
        Start the gateway's core alone in one process, its log read and thrown away.
        """
        return self._gateway(GATEWAY, upstream_port, ())

    def with_plugins(self, upstream_port: int) -> AbstractContextManager[Subject]:
        """
        Start the gateway with the plugins.
        """
        return self._gateway(WITH_PLUGINS, upstream_port, self.plugins)

    @contextmanager
    def _gateway(
        self, name: str, upstream_port: int, plugins: tuple[str, ...]
    ) -> Iterator[Subject]:
        port = free_port()
        home = self.folder / f"gateway-{port}"
        home.mkdir()
        file = home / "gateway.yaml"
        settings = gateway_settings(home, port, upstream_port, plugins)
        file.write_text(json.dumps(settings, indent=1))  # JSON is YAML as well
        environ = {"GATEWRIGHT_BENCH_KEY": CALLER_KEY}
        core = self.cores.subject
        arguments = ("serve", "-c", str(file), "--log-format", "json")
        if self.command:
            whole = (*self.command, *arguments)
            started = Program.start(name, whole, core=core, environ=environ)
        else:
            # As the console script does, which need not be installed.
            whole = ("-c", "from gateway.cli import main; main()", *arguments)
            started = Program.python(name, whole, core=core, environ=environ)
        with started as program:
            wait_ready(program, port, "/healthz")
            yield Subject(name=name, port=port, pid=program.pid)

    def start(self, name: str, upstream: Subject) -> AbstractContextManager[Subject]:
        """
        Start the subject called *name* in front of *upstream*, which may be it.
        """
        start = {
            CALIBRATOR: self.calibrator,
            NGINX: self.nginx,
            GATEWAY: self.gateway,
            WITH_PLUGINS: self.with_plugins,
        }
        return nullcontext(upstream) if name == DIRECT else start[name](upstream.port)

    @contextmanager
    def all(self, names: Sequence[str], upstream: Subject) -> Iterator[list[Subject]]:
        """
        Start those of *names* in front of *upstream*; all run at the same time.
        """
        with ExitStack() as stack:
            yield [stack.enter_context(self.start(name, upstream)) for name in names]


def find_nginx() -> str | None:
    """
    Find nginx on the path, or where Debian keeps its servers.
    """
    return shutil.which(NGINX, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def nginx_settings(home: Path, port: int, upstream_port: int) -> str:
    """
    Write nginx's settings: everything it writes stands in *home*.
    """
    folders = "".join(
        f"  {kind}_temp_path {home}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
daemon off;
master_process off;
worker_processes 1;
pid {home}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
  access_log off;
{folders}\
  keepalive_requests 1000000;
  client_max_body_size 64m;
  client_body_buffer_size 256k;
  upstream upstream {{
    server 127.0.0.1:{upstream_port};
    keepalive 64;
    keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /healthz {{ return 200 ok; }}
    location / {{
      proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


def gateway_settings(
    home: Path, port: int, upstream_port: int, plugins: tuple[str, ...]
) -> dict[str, Any]:
    """
    Write the gateway's settings: one provider, which is the upstream.
    """
    return {
        "version": 1,
        "server": {"listen": f"127.0.0.1:{port}", "data_dir": str(home / "state")},
        "providers": {
            _PROVIDER: {
                "type": "openai-compatible",
                "base_url": f"http://127.0.0.1:{upstream_port}/v1",
                "auth": "none",
            }
        },
        "hooks": {"only": list(plugins)},
        "plugins": {
            name: PLUGIN_SETTINGS[name] for name in plugins if name in PLUGIN_SETTINGS
        },
    }


def other_subject(written: str) -> Subject:
    """
    Read ``NAME=URL,PID[,KEY[,PREFIX]]``.

    Args:
        written: *URL* is the base URL of OpenAI clients, ``http://127.0.0.1:4000/v1``.

    Raises:
        ValueError: it is not written like that.
    """
    name, _, rest = written.partition("=")
    url, *more = rest.split(",")
    where = urlsplit(url)
    if not name or where.scheme != "http" or not where.hostname or not more:
        raise ValueError(f"{written!r} is not NAME=http://HOST:PORT/PATH,PID")
    if not more[0].isdigit():
        raise ValueError(f"{more[0]!r} is no process id")
    return Subject(
        name=name,
        host=where.hostname,
        port=where.port or 80,
        path=where.path.rstrip("/") + "/chat/completions",
        pid=int(more[0]),
        key=more[1] if len(more) > 1 else CALLER_KEY,
        prefix=more[2] if len(more) > 2 else f"{_PROVIDER}/",
    )
