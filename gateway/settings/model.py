"""
What the settings file says, as values: a class is a table, an attribute a key.

The texts under ``help`` are what ``gatewright schema`` and the documentation show.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args

import attrs

from gateway.errors import ConfigError, PluginError
from gateway.settings.nodes import EMPTY, PluginTable, Table, mark_of_path
from gateway.settings.problems import place
from gateway.settings.serving import (
    AdminToken,
    EgressSettings,
    ServerSettings,
    StorageSettings,
)
from gateway.settings.structure import structure
from gateway.settings.upstreams import (
    ModelSettings,
    ProviderSettings,
    RoutingSettings,
)
from gateway.settings.values import told

PhaseName = Literal[
    "OBSERVE", "IDENTIFY", "GOVERN", "SHAPE", "INSPECT", "ANSWER", "ROUTE"
]

#: Phases that ``hooks.phase`` may name, outermost first.
PHASES: Final[tuple[str, ...]] = get_args(PhaseName)

SettingsT = TypeVar("SettingsT")


@attrs.frozen(kw_only=True)
class HooksSettings:
    """
    Which plugins run, in which order, and how each fails.

    Attributes:
        required: plugins without which the gateway does not start.

        only: the plugins that run, whatever else is installed; None is all.

        disabled: plugins that do not run.

        phase: another phase for a plugin, by its name.

        on_failure: ``open`` lets requests pass when that plugin fails.

        timeout_s: how long one call of that plugin may take.
    """

    required: tuple[str, ...] = attrs.field(
        default=(),
        metadata=told("Plugins without which the gateway does not start."),
    )
    only: tuple[str, ...] | None = attrs.field(
        default=None,
        metadata=told("The plugins that run, whatever is installed; left out: all."),
    )
    disabled: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Plugins that do not run.")
    )
    phase: Mapping[str, PhaseName] = attrs.field(
        factory=dict,
        metadata=told("Another phase for a plugin, by its name."),
    )
    on_failure: Mapping[str, Literal["open", "closed"]] = attrs.field(
        factory=dict,
        metadata=told("open lets requests pass when that plugin fails."),
    )
    timeout_s: Mapping[str, float] = attrs.field(
        factory=dict,
        metadata=told("How long one call of that plugin may take."),
    )


# -- the whole -----------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Settings:
    """
    Everything that the settings file says; a snapshot that never changes.

    Attributes:
        version: of the file's form.

        server: how the gateway listens, and limits.

        admin: credentials for the management API, by name.

        storage: the database in which plugins keep rows.

        egress: the way out to the providers.

        providers: upstream vendors, by name.

        models: names that callers use.

        routing: retries and health.

        hooks: who runs and how it fails.

        plugins: each plugin's own table, not read yet: see `plugin`.

        source: the file; None where there is none.

        digest: SHA-256 of what was said, in hexadecimal.

        document: what it was read from, for the places in messages.
    """

    version: Literal[1] = attrs.field(
        default=1, metadata=told("Version of the file's form.")
    )
    server: ServerSettings = attrs.field(
        factory=ServerSettings, metadata=told("How the gateway listens, and limits.")
    )
    admin: Mapping[str, AdminToken] = attrs.field(
        factory=dict,
        metadata=told("Credentials for the management API, by name."),
    )
    storage: StorageSettings = attrs.field(
        factory=StorageSettings,
        metadata=told("The database in which plugins keep rows."),
    )
    egress: EgressSettings = attrs.field(
        factory=EgressSettings, metadata=told("The way out to the providers.")
    )
    providers: Mapping[str, ProviderSettings] = attrs.field(
        factory=dict, metadata=told("Upstream vendors, by name.")
    )
    models: Mapping[str, ModelSettings] = attrs.field(
        factory=dict, metadata=told("The names that callers use.")
    )
    routing: RoutingSettings = attrs.field(
        factory=RoutingSettings, metadata=told("Retries and health.")
    )
    hooks: HooksSettings = attrs.field(
        factory=HooksSettings, metadata=told("Who runs and how it fails.")
    )
    plugins: Mapping[str, PluginTable] = attrs.field(
        factory=dict, metadata=told("Each plugin's own settings, by its name.")
    )
    source: Path | None = attrs.field(default=None, metadata={"in_file": False})
    digest: str = attrs.field(default="", metadata={"in_file": False})
    document: Table = attrs.field(
        default=EMPTY, repr=False, eq=False, metadata={"in_file": False}
    )

    @property
    def short(self) -> str:
        """
        The first twelve characters of the digest, to tell snapshots apart.
        """
        return self.digest[:12]

    def where(self, path: str) -> str:
        """
        Return ``file:line:column`` of *path*, such as ``providers.x.type``.

        Without a file it is empty; of what does not stand in it, what is above.
        """
        origin = str(self.source) if self.source else ""
        return place(origin, mark_of_path(self.document, path))

    def located(self, error: ConfigError) -> ConfigError:
        """
        Add to each problem that has but a path where that path stands.
        """
        return ConfigError(
            attrs.evolve(problem, where=self.where(problem.path))
            if problem.path and not problem.where
            else problem
            for problem in error.problems
        )

    def provider_type(self, name: str) -> str:
        """
        Return which vendor the provider *name* is.
        """
        return self.providers[name].type or name

    def plugin(self, name: str, settings_class: type[SettingsT]) -> SettingsT:
        """
        Read the table of the plugin *name* as its settings class.

        A table that does not stand in the file is read as an empty one.

        Raises:
            ConfigError: with every problem in it, each with its place.

            PluginError: *settings_class* has a field that no file can hold.
        """
        table = self.plugins.get(name)
        node = table.node if table else EMPTY
        origin = str(self.source) if self.source else ""
        try:
            return structure(
                node, settings_class, path=f"plugins.{name}", origin=origin
            )
        except TypeError as exc:
            msg = f"its settings cannot be read: {exc}"
            raise PluginError(msg, plugin=name) from exc
