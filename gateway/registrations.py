"""
What plugins register: typed values that the core finds by name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.settings import Settings

#: What a caller of a route must be allowed to do; ``public`` routes ask for nothing.
Permission = str


@attrs.frozen(kw_only=True)
class Route:
    """
    A management route that a plugin adds below ``/api/``.

    Attributes:
        method: ``GET``, ``POST``, …
        path: As aiohttp writes it: ``/api/governance/virtual-keys/{id}``.
        permission: ``<thing>:read``, ``<thing>:write``, or ``public``; the roles are built
            from it (a ``viewer`` has every ``:read``).
        handler: An aiohttp handler; `gateway.management` holds what it needs.
        summary: One sentence for the documentation.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    permission: Permission
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str = ""

    @property
    def name(self) -> str:
        """
        What duplicates are told by.
        """
        return f"{self.method} {self.path}"


def _is_metric_name(instance: Any, attribute: attrs.Attribute[str], value: str) -> None:
    if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", value) is None:
        raise ValueError(f"{value!r} is no name of a metric: lower case and _")


@attrs.frozen(kw_only=True)
class Metric:
    """
    A number that a plugin shows beside the gateway's own, one for each worker.

    Workers are summed up, so it must be one that can be: bytes, entries, calls.  What is known
    once for all workers is shown by one of them.

    Attributes:
        name: ``audit_entries_lost``; shown as ``gatewright_audit_entries_lost_total`` where it
            counts up, without ``_total`` where it does not.
        told: One sentence for whoever reads it.
        value: Returns it, or with *labels* one for each of their values, which are few and none
            of them a caller's; called whenever metrics are read, so it must not wait.
        counts_up: Whether it never falls but for a restart.
        labels: What several numbers of the name are told apart by.
    """

    name: str = attrs.field(validator=_is_metric_name)
    told: str
    value: Callable[[], float | Mapping[tuple[str, ...], float]]
    counts_up: bool = True
    labels: tuple[str, ...] = attrs.field(
        default=(), validator=attrs.validators.deep_iterable(_is_metric_name)
    )


@attrs.frozen(kw_only=True)
class ProcessSpec:
    """
    A process that runs once per data directory, owned by the supervisor.

    Attributes:
        name: Unique; stands in the logs.
        target: Dotted path of a function, ``package.module:function``, called with
            *arguments* in the new process.
        arguments: JSON values by name; or a function that returns them, called with the data
            directory and the settings in force when the process is about to be started.
        restarts: Whether it is started again when it ends by itself.
    """

    name: str
    target: str
    arguments: Mapping[str, Any] | Callable[[Path, Settings], Mapping[str, Any]] = (
        attrs.field(factory=dict)
    )
    restarts: bool = True

    def arguments_for(self, data_dir: Path, settings: Settings) -> dict[str, Any]:
        """
        Return the arguments for a process of *data_dir*.
        """
        told = self.arguments
        return dict(told(data_dir, settings) if callable(told) else told)


class SecretStore(Protocol):
    """
    A place where secrets are kept, for references ``<name>.<path>``.
    """

    @property
    def name(self) -> str:
        """
        The scheme: ``vault``.
        """

    def get(self, name: str) -> str:
        """
        Return the secret at *name*; called at use, so it answers from memory.

        Raises:
            KeyError: if there is none.
        """


class Embedder(Protocol):
    """
    Turns texts into vectors, for similarity.
    """

    @property
    def name(self) -> str:
        """
        The word used in settings.
        """

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """
        Return one unit vector a text.
        """


class Encoding(Protocol):
    """
    Counts tokens offline.
    """

    @property
    def name(self) -> str:
        """
        The encoding's name: ``o200k_base``.
        """

    def count(self, text: str) -> int:
        """
        Return how many tokens *text* is; may be slow, so call it off the event loop.
        """
