"""
Writes the tables of options in ``SERVICES.md`` from the detectors themselves.

Run it from the root of the tree::

    python plugins/guardrails/tests/remote/write_services.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs

from gateway.detecting import Detector
from gateway_guardrails.remote import REMOTE

PAGE = Path(__file__).parents[2] / "SERVICES.md"
#: Options that all have alike are told once.
_COMMON = ("timeout_s", "concurrency", "max_answer_bytes")


def rendered(page: str) -> str:
    """
    Return *page* with every table as the detectors have it now.
    """
    for detector in REMOTE:
        mark = f"<!-- options of {detector.name} -->\n"
        pattern = re.compile(re.escape(mark) + r"(?:\|.*\n)*")
        assert pattern.search(page), detector.name
        page = pattern.sub(lambda _: mark + table(detector), page)  # noqa: B023
    return page


def table(detector: Detector) -> str:
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for field in attrs.fields(detector.Options):
        if field.name not in _COMMON:
            told = field.metadata["help"].replace("|", "\\|")
            lines.append(f"| `{field.name}` | {default_of(field)} | {told} |")
    return "\n".join(lines) + "\n"


def default_of(field: attrs.Attribute[Any]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    value = field.default
    if isinstance(value, attrs.Factory):
        value = value.factory()
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, dict):
        return "as told above"
    if isinstance(value, tuple):
        return "all"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
