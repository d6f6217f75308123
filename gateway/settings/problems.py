"""
What is wrong with the settings: collected with marks, written without secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from gateway.errors import ConfigError, Problem

MAX_PROBLEMS: Final = 100
MAX_SHOWN: Final = 40

#: Line and column, both from 1.
Mark = tuple[int, int]

#: The mark of what stands in no file.
NOWHERE: Final[Mark] = (0, 0)

_PLAIN_KEY: Final = re.compile(r"[^\s.\[\]\"]+")
# What credentials look like.  A text that does is never shown, wherever it stands:
# people paste keys into the wrong field.
_SECRET_SHAPE: Final = re.compile(
    r"(?i:sk|pk|gsk|xai|pplx|nvapi|hf|ghp|fw|csk|tgp|bearer|basic)[-_ ]\S{6,}"
    r"|AKIA\S{8,}|AIza\S{8,}|eyJ\S{8,}|.*-----BEGIN"
    r"|(?=\S*[0-9])(?=\S*[a-z])(?=\S*[A-Z])[A-Za-z0-9+/=_]{24,}|[0-9a-fA-F]{32,}"
)


@attrs.define
class Problems:
    """
    What is wrong with one document, collected so that all is told at once.

    Attributes:
        origin: the file's name, empty without a file.
    """

    origin: str = ""
    _found: list[tuple[Mark, Problem]] = attrs.field(factory=list, init=False)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, mark: Mark, path: str, message: str) -> None:
        """
        Note one more.
        """
        where = place(self.origin, mark)
        self._found.append((mark, Problem(message, path=path, where=where)))

    def error(self) -> ConfigError:
        """
        Return all of them, in the order of the file.
        """
        found = [problem for _, problem in sorted(self._found, key=_by_mark)]
        more = len(found) - MAX_PROBLEMS
        if more > 0:
            found[MAX_PROBLEMS:] = [Problem(f"and {more} more", where=self.origin)]
        return ConfigError(found)


def _by_mark(found: tuple[Mark, Problem]) -> Mark:
    return found[0]


def place(origin: str, mark: Mark) -> str:
    """
    Write ``file:line:column``, or what is known of it.
    """
    if mark == NOWHERE:
        return origin
    return f"{origin}:{mark[0]}:{mark[1]}"


def may_be_secret(text: str) -> bool:
    """
    Tell whether *text* looks like a credential, so that it is not to be shown.
    """
    return _SECRET_SHAPE.match(text) is not None


def shown(text: str) -> str:
    """
    Quote *text* for a message, unless it is long or may be a secret.
    """
    if len(text) > MAX_SHOWN or may_be_secret(text):
        return f"a text of {len(text)} characters"
    return f'"{text}"'


def join(path: str, key: str | int) -> str:
    """
    Add one step to a path such as ``plugins.x.y[0]``.
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    if may_be_secret(key):
        key = f"<{shown(key)}>"
    elif not _PLAIN_KEY.fullmatch(key) or len(key) > MAX_SHOWN:
        key = f'"{key[:MAX_SHOWN]}"'
    return f"{path}.{key}" if path else key


def path_of(steps: Iterable[str | int]) -> str:
    """
    Write *steps* as one path.
    """
    path = ""
    for step in steps:
        path = join(path, step)
    return path
