"""
A price file as YAML has it: maps and lists of texts.
"""

from __future__ import annotations

from typing import Any

import yaml

from gateway.catalog.reading import CatalogError


def parse(text: str) -> Any:
    """
    Parse *text*; no scalar of it is anything but a text.

    Raises:
        CatalogError: it is no YAML, or repeats a key.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - see the class
    except (yaml.YAMLError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        line = "" if mark is None else f" at line {mark.line + 1}"
        msg = f"no YAML{line}: {getattr(exc, 'problem', None) or type(exc).__name__}"
        raise CatalogError(msg) from None


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    """
    Makes strings, lists and maps only: nothing in the file is run.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        members: dict[str, Any] = super().construct_mapping(node, deep=deep)
        if len(members) != len(node.value):  # PyYAML would take the last one
            msg = f"a key is repeated in the table at line {node.start_mark.line + 1}"
            raise CatalogError(msg)
        return members
