"""
What commands work with that need no running gateway: its settings, its data, its secrets.

::

    @click.command()
    @config_option
    @data_dir_option
    def polish(file: Path | None, data_dir: Path | None) -> None:
        with told():
            place = Offline.open(file, data_dir, os.environ)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import attrs
import click

from gateway.clock import SystemClock, utc_text
from gateway.errors import ConfigError, GatewayError, Problem
from gateway.events import AdminActed
from gateway.notices import leave
from gateway.secrets import Secrets, root_key
from gateway.settings import (
    SecretRef,
    Settings,
    default_data_dir,
    load_settings,
    settings_from_environment,
)

if TYPE_CHECKING:
    from gateway.storage import Storage

DEFAULT_FILE: Final = Path("gateway.yaml")

config_option = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file; else gateway.yaml here, else none.",
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the gateway keeps its data, if the settings do not say.",
)


@attrs.frozen(kw_only=True)
class Offline:
    """
    A gateway that does not run.
    """

    settings: Settings
    data_dir: Path
    secrets: Secrets

    @classmethod
    def open(
        cls, file: Path | None, data_dir: Path | None, environ: Mapping[str, str]
    ) -> Self:
        """
        Read the settings that ``gatewright serve`` would read.

        Raises:
            ConfigError: with every problem.
        """
        if file is None and DEFAULT_FILE.exists():
            file = DEFAULT_FILE
        settings = (
            settings_from_environment(environ) if file is None else load_settings(file)
        )
        # What the command says outweighs the file, as it does for serve.
        place = data_dir or settings.server.data_dir or default_data_dir(environ)
        return cls(settings=settings, data_dir=place, secrets=Secrets(environ))

    def derive(
        self, purpose: str, length: int = 32, *, root: SecretRef | None = None
    ) -> bytes:
        """
        Derive the key for one purpose, as `Gateway.derive` does.

        Args:
            root: Another root of all keys than ``server.secret_key``, such as one of before.

        Raises:
            ConfigError: The root is missing or too short, or cannot be made.
        """
        reference = root or self.settings.server.secret_key
        found = root_key(reference, self.data_dir, secrets=self.secrets)
        return found.derive(purpose, length)

    def note_acted(self, action: str, *targets: str) -> None:
        """
        Have the next gateway that starts tell its plugins what a command did here.

        Args:
            action: The command: ``gatewright db rekey``.
            targets: What it changed, as in `AdminActed`; an event each.

        Raises:
            ConfigError: The data directory cannot be written to.
        """
        at = SystemClock().now()
        events = [
            AdminActed(
                at=at,
                actor="cli",
                action=action,
                target=target,
                details={"done_at": utc_text(at)},
            )
            for target in targets
        ]
        try:
            leave(self.data_dir, events)
        except OSError as exc:
            msg = (
                f"this was done, but cannot be noted for the next start: {exc.strerror}"
            )
            raise ConfigError(Problem(msg, where=str(self.data_dir))) from None

    def storage(self) -> Storage:
        """
        Return the database; to be closed.

        Raises:
            ConfigError: The settings' URL cannot be found, or is none.
        """
        from gateway.storage import Storage, find_url

        return Storage(self.data_dir, find_url(self.settings.storage, self.secrets.get))


@contextmanager
def told() -> Iterator[None]:
    """
    Tell of what the gateway's own errors say, one line each, and exit with 1.
    """
    try:
        yield
    except GatewayError as exc:
        for line in str(exc).splitlines():
            click.echo(f"error: {line}", err=True)
        raise SystemExit(1) from None
