"""
What a gateway finds where it is installed: its version, its catalog, the plugins beside it.

A value that can be found by another process, with all that finding it needs: see
`gateway.server.apart`.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import attrs

from gateway.hookspecs import GROUP

if TYPE_CHECKING:
    from gateway.catalog import Catalog


@attrs.frozen(kw_only=True)
class InstalledPlugin:
    """
    A plugin that a distribution names; not imported yet.

    Attributes:
        value: What it is, ``package.module:Class``.
    """

    name: str
    value: str
    distribution: str = ""
    version: str = ""

    def load(self) -> Any:
        """
        Import it.

        Raises:
            Exception: Whatever its import raises.
        """
        module, _, attribute = self.value.partition(":")
        return attrgetter(attribute)(import_module(module))


@attrs.frozen(kw_only=True)
class Installation:
    """
    One look at what is installed.

    Attributes:
        version: The gateway's own.
        catalog: The one that comes with the gateway.
        plugins: By name.
    """

    version: str
    catalog: Catalog
    plugins: tuple[InstalledPlugin, ...] = ()

    @classmethod
    def find(cls) -> Self:
        """
        Look now.
        """
        from gateway.catalog import Catalog

        return cls(
            version=gateway_version(),
            catalog=Catalog.builtin(),
            plugins=installed_plugins(),
        )


def gateway_version() -> str:
    """
    Return the installed version.
    """
    from importlib import metadata

    try:
        return metadata.version("gatewright")
    except metadata.PackageNotFoundError:  # run from a tree that nobody installed
        return "0+unknown"


def installed_plugins() -> tuple[InstalledPlugin, ...]:
    """
    List the plugins that distributions name, by name.
    """
    from importlib.metadata import entry_points

    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return tuple(
        InstalledPlugin(
            name=point.name,
            value=point.value.partition("[")[0].strip(),  # extras follow the name
            distribution=point.dist.name if point.dist else "",
            version=point.dist.version if point.dist else "",
        )
        for point in points
    )
