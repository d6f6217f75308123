"""
Rules for every test in this tree: the core's, the plugins' and the template's.

Here and not in ``tests/``, because ``plugins/*/tests`` live by the same rules.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import sysconfig
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The kit that authors of plugins get through its entry point.  Loaded by name here,
# with the entry point blocked in setup.cfg, so that coverage sees it imported.
pytest_plugins = (
    ["gateway.testing.pytest_plugin"]
    if find_spec("gateway.testing") and find_spec("gateway.testing.pytest_plugin")
    else []
)

# A marker, the program it asks for, and what Debian calls it.
PROGRAMS = {
    "needs_compiler": ("cc", "gcc libc6-dev"),
    "needs_curl": ("curl", "curl"),
    "needs_nginx": ("nginx", "nginx-light"),
    "needs_postgresql": ("postgres", "postgresql"),
    "needs_redis": ("redis-server", "redis-server"),
    "needs_rsyslog": ("rsyslogd", "rsyslog rsyslog-gnutls"),
}

# One folder a release, the newest last.
POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

# Same examples on every machine: a failure that comes and goes teaches nobody.
settings.register_profile("default", derandomize=True, deadline=None, database=None)
settings.register_profile("deep", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile("default")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """
    Give each test random numbers of its own, whatever ran before it.

    The run's seed stands in pytest's header; ``--randomly-seed=N`` changes it.
    """
    seed = request.config.getoption("randomly_seed", 0)
    return random.Random(f"{seed}:{request.node.nodeid}")  # noqa: S311


def pytest_runtest_setup(item: pytest.Item) -> None:
    """
    Skip a test whose program is not installed, and say how to get it.
    """
    for marker, (program, package) in PROGRAMS.items():
        if item.get_closest_marker(marker) and find_program(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {package})")
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if item.get_closest_marker("needs_compiler") and not headers.exists():
        pytest.skip("Python's headers are not installed (Debian: python3-dev)")


def find_program(name: str) -> str | None:
    """
    Find *name* on the path, or where Debian keeps its servers.
    """
    places = (os.environ.get("PATH", ""), "/usr/sbin", *map(str, POSTGRESQL))
    return shutil.which(name, path=os.pathsep.join(places))


@pytest.fixture(name="find_program")
def _find_program() -> Callable[[str], str | None]:
    """
    Where a program is that a test is marked to need.
    """
    return find_program


# With GATEWRIGHT_NO_SKIP set, a skip is a failure: a green run has run everything.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Turn a skipped test into a failed one where skipping is forbidden.
    """
    report = yield
    if not hasattr(report, "wasxfail"):  # an expected failure did run
        forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """
    Do the same for a module that skips itself while it is collected.
    """
    report = yield
    forbid_skip(report)
    return report


def forbid_skip(report: Any) -> None:
    """
    Rewrite *report* if it is a skip and GATEWRIGHT_NO_SKIP is set.
    """
    if report.outcome != "skipped" or not os.environ.get("GATEWRIGHT_NO_SKIP"):
        return
    reason = report.longrepr
    if isinstance(reason, tuple):  # path, line, reason
        reason = reason[2]
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} skipped, GATEWRIGHT_NO_SKIP forbids: {reason}"


@pytest.fixture
def unused_port() -> int:
    """
    A port of this machine that nobody listens on.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
