"""
The values of virtual keys that stand in the settings file: in this process alone, never stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from gateway.errors import Problem, SecretMissing
from gateway.settings import SecretRef
from gateway_governance.entities import KeyValue
from gateway_governance.settings import GovernanceSettings
from gateway_governance.values import Mint

#: References resolved before others get their turn.
_AT_A_TIME: Final = 200

#: Enough to tell what may be a value, and which are the same.
_NO_KEY: Final = bytes(32)

Resolve = Callable[[SecretRef], str]


class DeclaredValues:
    """
    Finds the values, and notices when one changes.

    Args:
        mint: None where the gateway's secret key is not at hand: hashes are not read then.
        resolve: Returns the secret at a reference; looks at a file again as often as it must.

    Attributes:
        found: Lookup -> (the key's id, what is kept of the value); another mapping whenever
            something changed.
    """

    def __init__(
        self,
        settings: GovernanceSettings,
        *,
        mint: Mint | None,
        resolve: Resolve,
    ) -> None:
        self._hashes = settings.hashes() if mint is not None else {}
        self._refs = settings.secret_refs()
        self._mint = mint or Mint(_NO_KEY)
        self._ids: Mapping[str, str] = {}
        self._resolve = resolve
        #: By name: what was resolved last, None where it could not be.
        self._texts: dict[str, str | None] = {}
        self._problems: list[Problem] = []
        self._was_read = False
        self.found: Mapping[str, tuple[str, KeyValue]] = {}

    def identify(self, ids: Mapping[str, str]) -> None:
        """
        Say under which ids the keys are stored, by name; until then each has its name for one.
        """
        self._ids = ids
        self._problems = self._read()

    async def look(self) -> list[Problem]:
        """
        Resolve all that may have changed.

        Returns:
            What is wrong with some; those open nothing.
        """
        is_first, self._was_read = not self._was_read, True
        texts = dict(self._texts)
        missing = []
        for number, (name, ref) in enumerate(self._refs.items(), 1):
            if is_first or ref.scheme != "env":  # which never changes
                try:
                    texts[name] = self._resolve(ref)
                except SecretMissing as exc:
                    texts[name] = None
                    missing.append(_problem(name, "secret", str(exc)))
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        if is_first or texts != self._texts:
            self._texts = texts
            self._problems = [*missing, *self._read()]
        return self._problems

    def _read(self) -> list[Problem]:
        """
        Make `found` anew, and list what is wrong.
        """
        found: dict[str, tuple[str, KeyValue]] = {}
        names: dict[str, str] = {}
        problems: list[Problem] = []
        for name, key, read, text in self._texts_to_read():
            try:
                known = read(text)
            except ValueError as exc:
                problems.append(_problem(name, key, str(exc)))
                continue
            other = names.setdefault(known.lookup, name)
            if other == name:
                found[known.lookup] = (self._ids.get(name, name), known)
            else:
                problems.append(_problem(name, key, f"has the same value as {other}"))
        self.found = found
        return problems

    def _texts_to_read(self) -> list[tuple[str, str, Callable[[str], KeyValue], str]]:
        return [
            *(
                (name, "hash", self._mint.read_hash, text.text)
                for name, text in self._hashes.items()
            ),
            *(
                (name, "secret", self._mint.of, text)
                for name, text in self._texts.items()
                if text is not None
            ),
        ]


def _problem(name: str, key: str, message: str) -> Problem:
    return Problem(message, path=f"plugins.governance.virtual_keys.{name}.{key}")
