"""
Which settings were in force last, so that a start with others is told like a reload.

Of each setting a keyed hash is kept beside its path, never its value: enough to name the paths at
which two starts differ.  Another ``server.secret_key`` makes hashes that say nothing about the
old ones; then it is told that something changed, and not what.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import attrs

from gateway import codec
from gateway.events import SettingsChanged
from gateway.settings import Settings, settings_as_dict
from gateway_audit.sequencing.files import Files
from gateway_audit.spool.disk import Disk

FILE: Final = "settings.json"
LOCK_FILE: Final = "settings.lock"
_VERSION: Final = 1
_HASH_DIGITS: Final = 32


@attrs.frozen(kw_only=True)
class Known:
    """
    Settings, as they are remembered.

    Attributes:
        digest: The one that entries name them by.
        key: Tells by which key the hashes were made.
        hashes: Of each setting's value, by its path.
    """

    digest: str
    key: str
    hashes: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, key: bytes) -> Self:
        """
        Remember *settings*.
        """
        return cls(
            digest=settings.digest,
            key=_hash(key, "key", None),
            hashes={
                path: _hash(key, path, value)
                for path, value in _leaves(settings_as_dict(settings))
            },
        )

    def change_from(self, before: Known, at: float) -> SettingsChanged:
        """
        Tell of a start with these after one with *before*; of paths, as far as they are known.
        """
        return SettingsChanged(
            at=at,
            actor="start",
            before=before.digest,
            after=self.digest,
            changed=tuple(self._paths_from(before)) if self.key == before.key else (),
        )

    def _paths_from(self, before: Known) -> list[str]:
        old, new = before.hashes, self.hashes
        return sorted(
            path for path in old.keys() | new.keys() if old.get(path) != new.get(path)
        )


class KnownSettings:
    """
    The file that remembers; its methods may wait for the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = Files(folder)

    def find(self) -> Known | None:
        """
        Return what was in force last; None if nothing is known.
        """
        content = self._files.find(FILE)
        try:
            told = None if content is None else codec.loads(content)
            if told is None or told.pop("v") != _VERSION:
                return None
            return Known(**told)
        except (codec.JsonError, AttributeError, KeyError, TypeError):
            return None

    def keep(self, known: Known) -> None:
        """
        Remember *known*.

        Raises:
            OSError: The disk does not take it.
        """
        told = {"v": _VERSION, **attrs.asdict(known)}
        self._files.write([(FILE, codec.dumps(told) + b"\n")])

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """
        Tell whether no other worker is at it meanwhile.
        """
        disk = Disk()
        try:
            lock = disk.lock(self._folder / LOCK_FILE)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            disk.close(lock)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """
    Yield what is no table, with its path as ``settings.changed`` names it.
    """
    if not isinstance(value, Mapping):
        yield path, value
        return
    for key, below in value.items():
        yield from _leaves(below, f"{path}.{key}" if path else str(key))


def _hash(key: bytes, path: str, value: Any) -> str:
    # The path too: two settings of one value are not to be known by that.
    told = hmac.digest(key, codec.dumps([path, value]), "sha256")
    return told.hex()[:_HASH_DIGITS]
