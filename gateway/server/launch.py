"""
What ``serve`` was told, the settings that follow from it, and whether one may serve by them.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from gateway.errors import ConfigError, PluginError, Problem
from gateway.installation import installed_plugins
from gateway.plugins import PluginErrors, load_plugins
from gateway.settings import (
    Address,
    Settings,
    find_secrets,
    settings_from_environment,
)
from gateway.settings.load import open_document, read_raw, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.app import Gateway
    from gateway.installation import InstalledPlugin
    from gateway.plugins import FoundPlugin

#: Paths that take effect at a start only; a reload says so.
_AT_START = (
    "server.listen",
    "server.admin_listen",
    "server.data_dir",
    "server.secret_key",
    "server.workers",
    "server.tls",
    "server.log",
    "storage",
    "egress.ca_file",
)
#: The disk's fault, whatever was to be written.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@attrs.frozen(kw_only=True)
class Launch:
    """
    The command line's part of the settings; what is None leaves the file's word.

    Attributes:
        file: The settings file; None takes providers from the environment.
        shown: What the file is called, where *file* is a copy of it.
    """

    file: Path | None = None
    shown: Path | None = None
    listen: Address | None = None
    admin_listen: Address | None = None
    workers: int | None = None
    data_dir: Path | None = None
    log_format: Literal["auto", "text", "json"] | None = None

    def settings(self, environ: Mapping[str, str]) -> Settings:
        """
        Read the settings, now; the command line's word stands above the file's.

        Raises:
            ConfigError: With every problem, the plugins' among them.
        """
        if self.file is None:
            settings = settings_from_environment(environ)
        else:
            settings = _read(self.file, self.shown or self.file)
        return self.over(settings)

    def kept(self) -> Launch:
        """
        Return the launch by a copy in memory, where the file can be read once only.

        So are pipes, which secrets are decrypted into: every worker, and a reload, reads it.

        Raises:
            ConfigError: It cannot be read, or not be kept on this system.
        """
        if self.file is None or not self.file.is_fifo():
            return self
        called = str(self.file)
        if not hasattr(os, "memfd_create"):  # pragma: no cover - not Linux
            msg = "can be read once only, and every worker reads it: give a file"
            raise ConfigError(Problem(msg, where=called))
        raw = read_raw(self.file, called)
        # Open as long as this process lives.
        copy = os.memfd_create("gateway-settings", os.MFD_CLOEXEC)
        with open(copy, "wb", closefd=False) as file:
            file.write(raw)
        return attrs.evolve(self, file=Path(f"/proc/self/fd/{copy}"), shown=self.file)

    def over(self, settings: Settings) -> Settings:
        """
        Put the command line's word above that of *settings*.

        Raises:
            ConfigError: Both listeners would be one.
        """
        told: dict[str, Any] = {
            name: value
            for name in ("listen", "admin_listen", "workers", "data_dir")
            if (value := getattr(self, name)) is not None
        }
        server = settings.server
        if self.log_format is not None:
            told["log"] = attrs.evolve(server.log, format=self.log_format)
        server = attrs.evolve(server, **told)
        if server.admin_listen == server.listen and server.listen.port:
            msg = f"{server.listen} cannot be both --listen and --admin-listen"
            raise ConfigError(msg)
        return attrs.evolve(settings, server=server)

    def as_dict(self) -> dict[str, Any]:
        """
        Write it down for another process.
        """
        return {
            name: str(value) if name != "workers" else value
            for name, value in attrs.asdict(self, recurse=False).items()
            if value is not None
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Launch:
        """
        Read what `as_dict` wrote.
        """
        kinds: dict[str, Any] = {
            "file": Path,
            "shown": Path,
            "listen": Address.parse,
            "admin_listen": Address.parse,
            "data_dir": Path,
        }
        return cls(
            **{
                name: kinds[name](value) if name in kinds else value
                for name, value in told.items()
            }
        )


def _read(file: Path, called: Path) -> Settings:
    document, problems = open_document(file, origin=str(called))
    settings = read_settings(document, problems, source=called)
    if problems:
        # All at once: who mends what the core finds is not to be stopped by a plugin next.
        of_plugins = plugin_problems(settings, installed=installed_plugins())
        raise ConfigError([*problems.error().problems, *of_plugins])
    return settings


# --- whether one may serve ------------------------------------------------------------------


def check_serving(gateway: Gateway, launch: Launch, listen: Address) -> None:
    """
    Check that *gateway* may serve on *listen*, and that its secrets can be looked for.

    Raises:
        ConfigError: With what is wrong and what to do.
        PluginError: A plugin's route cannot be registered.
    """
    from gateway.server.guards import may_listen

    settings = gateway.settings
    try:
        may_listen(settings, gateway, listen)
    except ConfigError as exc:
        if launch.listen is None:
            raise
        # The command line's address stands nowhere in the file.
        raise ConfigError(Problem(exc.problems[0].message)) from None
    _check_admin(settings, launch)
    _check_schemes(gateway)
    _check_paths(gateway)


def _check_paths(gateway: Gateway) -> None:
    from gateway.server.management_routes import check_routes
    from gateway.server.routes import check_dialects

    check_routes(gateway)
    check_dialects(gateway.dialects)


def _check_admin(settings: Settings, launch: Launch) -> None:
    address = settings.server.admin_listen
    if address is None or address.is_loopback or settings.admin:
        return
    loopback = "::1" if ":" in address.host else "127.0.0.1"
    path = "server.admin_listen" if launch.admin_listen is None else ""
    msg = (
        f"{address} would let the network manage this gateway: no admin token is "
        f"declared. Set admin, or listen on {loopback}"
    )
    raise ConfigError(Problem(msg, path=path))


def _check_schemes(gateway: Gateway) -> None:
    schemes = gateway.secrets.schemes
    tables: list[tuple[str, Any]] = [("", gateway.settings)]
    tables += [
        (f"plugins.{plugin.name}.", plugin.settings)
        for plugin in gateway.runtime.plugins
    ]
    problems = [
        Problem(
            f"no store of secrets is called {reference.scheme}: "
            f"there are {' '.join(schemes)}",
            path=above + ".".join(str(step) for step in steps),
        )
        for above, table in tables
        for steps, reference in find_secrets(table)
        if reference.scheme not in schemes
    ]
    if problems:
        raise ConfigError(problems)


def plugin_problems(
    settings: Settings,
    extra: Sequence[FoundPlugin] = (),
    *,
    installed: Sequence[InstalledPlugin] = (),
) -> list[Problem]:
    """
    Load the plugins as a start would, and list why it would not; as `load_plugins`.
    """
    try:
        load_plugins(settings, extra, installed=installed)
    except PluginErrors as exc:
        return problems_of(exc, settings)
    return []


def problems_of(exc: Exception, settings: Settings | None = None) -> list[Problem]:
    """
    List what *exc* says is wrong with the settings or the plugins, located where possible.
    """
    if isinstance(exc, PluginErrors):
        return [p for error in exc.errors for p in problems_of(error, settings)]
    if isinstance(exc, ConfigError):
        located = exc if settings is None else settings.located(exc)
        return list(located.problems)
    if isinstance(exc, PluginError):
        return [Problem(str(exc))]
    from gateway.raised import place_of

    # The text of anybody else's exception may hold a secret; the system's own words do not.
    what = f"{type(exc).__name__} at {place_of(exc)}"
    if isinstance(exc, OSError) and exc.errno is not None:
        why = os.strerror(exc.errno)
        if exc.errno in _NO_ROOM:
            msg = f"what is kept cannot be written: {why}, {place_of(exc)}"
            return [Problem(msg, path="server.data_dir")]
        what += f": {why}"
    return [Problem(f"the settings could not be put in force: {what}")]


def needs_restart(changed: Sequence[str]) -> list[str]:
    """
    Pick from *changed* paths those that take effect at the next start only.
    """
    return [
        path
        for path in changed
        if any(path == at or path.startswith(f"{at}.") for at in _AT_START)
    ]
