"""
What the machine says: who runs, on which core, with how much CPU time and memory.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import attrs

PROC = Path("/proc")
_TICKS_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LIBRARIES = ("gatewright", "aiohttp", "uvloop", "orjson", "attrs", "pluggy")


def tree_of(pid: int) -> list[int]:
    """
    List *pid* and all its descendants.

    Raises:
        ProcessLookupError: there is no such process.
    """
    if not (PROC / str(pid)).exists():
        raise ProcessLookupError(f"no process has the id {pid}")
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int(_stat(int(entry.name))[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:  # grows while it is walked
        found += children.get(each, ())
    return found


def cpu_s(pids: list[int]) -> float:
    """
    Sum the CPU seconds, user and system, that *pids* took so far; those gone count 0.
    """
    return sum(_cpu_s(pid) for pid in pids)


def _cpu_s(pid: int) -> float:
    # The kernel's own clock of another process, in nanoseconds (CPUCLOCK_SCHED in
    # include/linux/posix-timers.h); /proc counts ticks of 10 ms.
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        pass
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


def _stat(pid: int) -> list[str]:
    """
    Read the fields of ``/proc/<pid>/stat`` behind the command, which may hold spaces.
    """
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    """
    Say whether *pid* runs; one that has ended and was not waited for does not.
    """
    try:
        return _stat(pid)[0] not in {"Z", "X"}
    except OSError:
        return False


def rss_bytes(pids: list[int]) -> int:
    """
    Sum the resident memory of *pids*; those gone count 0.
    """
    return sum(_rss_bytes(pid) for pid in pids)


def _rss_bytes(pid: int) -> int:
    # Exact, where statm lags behind by up to some pages per thread and core.
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line[:4] == "Rss:") * 1024
    except (OSError, StopIteration):
        pass
    try:
        statm = (PROC / str(pid) / "statm").read_text()
    except OSError:
        return 0
    return int(statm.split()[1]) * _PAGE_BYTES


# --- cores ----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Cores:
    """
    Where subjects run, and where load and upstream do; None is anywhere.
    """

    subject: int | None = None
    load: int | None = None

    @classmethod
    def apart(cls) -> Cores:
        """
        Take the first two cores that this process may use; none if there is only one.
        """
        if not hasattr(os, "sched_getaffinity"):
            return cls()
        cores = sorted(os.sched_getaffinity(0))
        return cls(subject=cores[0], load=cores[1]) if len(cores) > 1 else cls()


@contextlib.contextmanager
def pinned_to(core: int | None) -> Iterator[None]:
    """
    Start programs on *core*: they inherit it, all their threads as well.
    """
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# --- description ----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Machine:
    """
    What figures depend on beside the code.

    Attributes:
        load_average: of one minute, when the bench began: others on the machine.
    """

    date: str
    cpu: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]
    load_average: float


def describe(nginx: str | None) -> Machine:
    """
    Describe this machine, now.

    Args:
        nginx: the program, to be asked for its version.
    """
    versions = {name: found for name in _LIBRARIES if (found := _version(name))}
    if nginx is not None:
        said = subprocess.run(
            [nginx, "-v"], capture_output=True, text=True, check=False, timeout=10
        )
        versions["nginx"] = said.stderr.strip().rpartition("/")[2]
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions=versions,
        load_average=round(os.getloadavg()[0], 2),
    )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in (PROC / "cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
