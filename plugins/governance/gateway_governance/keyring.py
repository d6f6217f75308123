"""
The virtual keys, found by a keyed hash of their value.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping

import attrs

from gateway.errors import ConfigError, Problem
from gateway.settings import SecretRef
from gateway_governance.owners import VirtualKeySettings

MIN_CHARACTERS = 16
#: No key is longer; a longer value is not worth hashing.
MAX_CHARACTERS = 512
_LOOK_AGAIN_S = 1.0


@attrs.frozen(kw_only=True)
class VirtualKey:
    """
    Who pays.
    """

    name: str
    team: str | None
    is_active: bool


class Keyring:
    """
    Finds virtual keys by value.

    The hash is keyed with bytes of this process, so a look-up tells nothing about a value that
    it was not given whole.

    Args:
        resolve: Returns the secret at a reference.
        clock: Monotonic seconds; references are resolved again at most once a second.
    """

    def __init__(
        self,
        keys: Mapping[str, VirtualKeySettings],
        resolve: Callable[[SecretRef], str],
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._resolve = resolve
        self._clock = clock
        self._pepper = os.urandom(32)
        self._found: dict[bytes, VirtualKey] = {}
        self._looked_at = float("-inf")
        self._look()

    def find(self, value: str) -> VirtualKey | None:
        """
        Return the key whose value is *value*, or None.
        """
        if self._clock() - self._looked_at >= _LOOK_AGAIN_S:
            self._look()
        if len(value) > MAX_CHARACTERS:
            return None
        return self._found.get(self._digest(value))

    def _look(self) -> None:
        """
        Resolve every key.

        Raises:
            ConfigError: if one is too short, or two are the same; all problems at once.
        """
        found: dict[bytes, VirtualKey] = {}
        problems = []
        for name, key in self._keys.items():
            if key.secret is None:
                continue
            value = self._resolve(key.secret)
            digest = self._digest(value)
            path = f"plugins.governance.virtual_keys.{name}.secret"
            if not MIN_CHARACTERS <= len(value) <= MAX_CHARACTERS:
                why = f"must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters"
                problems.append(Problem(why, path=path))
            elif digest in found:
                why = f"has the same value as {found[digest].name}"
                problems.append(Problem(why, path=path))
            else:
                found[digest] = VirtualKey(
                    name=name, team=key.team, is_active=key.is_active
                )
        if problems:
            raise ConfigError(problems)
        self._found = found
        self._looked_at = self._clock()

    def _digest(self, value: str) -> bytes:
        raw = value.encode("utf-8", "surrogateescape")
        return hashlib.blake2b(raw, key=self._pepper, digest_size=32).digest()
