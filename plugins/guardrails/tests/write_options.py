"""
Writes the tables of options in ``LOCAL.md`` and ``SERVICES.md`` from the detectors themselves.

Run it from the root of the tree::

    python plugins/guardrails/tests/write_options.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from gateway.detecting import Detector
from gateway_guardrails.pii import CustomPattern
from gateway_guardrails.registry import DETECTORS
from gateway_guardrails.remote import REMOTE
from gateway_guardrails.words.topics import Topic

FOLDER = Path(__file__).parents[1]
LOCAL_PAGE = FOLDER / "LOCAL.md"
SERVICES_PAGE = FOLDER / "SERVICES.md"

LOCAL = tuple(detector for detector in DETECTORS if detector.is_local)
#: Options of services that all have alike are told once.
_COMMON = ("timeout_s", "concurrency", "max_answer_bytes")
#: Classes of what options of local detectors hold, by the way to it.
_WITHIN: Mapping[tuple[str, str], tuple[str, type]] = {
    ("pii", "custom"): ("custom.TYPE.", CustomPattern),
    ("topics", "topics"): ("topics[].", Topic),
}
#: For each option of a local detector how it may be written; together they make a detector.
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "pii": {
        "types": "[tier_a, finance, US_SSN]",
        "exclude": "[network]",
        "custom": "{EMPLOYEE_ID: 'E-\\d{6}'}",
        "custom.TYPE.pattern": "'\\d{8}'",
        "custom.TYPE.words": "[case, docket]",
        "custom.TYPE.severity": "high",
        "custom.TYPE.longest": "8",
        "allow": "[support@example.com]",
        "allow_patterns": "['.+@example\\.com']",
        "ignore_documentation": "true",
        "ignore_private": "true",
    },
    "secrets": {
        "without": "[github_pat]",
        "names": "false",
        "public": "true",
        "own": "false",
        "allowed": "['test-.*']",
    },
    "injection": {
        "user": "0.7",
        "tool": "0.3",
        "assistant": "0.8",
        "families": "{persona: 0.5, fiction: 0}",
        "languages": "[de, fr]",
    },
    "words": {
        "words": "[orion, project blue]",
        "languages": "{de: [Waffe], en: [weapon]}",
        "presets": "[profanity.en, profanity.de]",
        "match": "stem",
        "masks": "true",
        "severity": "high",
        "type": "code_name",
    },
    "topics": {
        "topics": "[{name: explosives, phrases: [pipe bomb]}]",
        "topics[].name": "explosives",
        "topics[].phrases": "[pipe bomb]",
        "topics[].examples": "[how to build a bomb at home]",
        "topics[].language": "en",
        "topics[].severity": "critical",
        "overlap": "0.5",
    },
    "shape": {
        "must_not": "{ticket: '[A-Z]{3}-[0-9]{4}'}",
        "links": "listed",
        "hosts": "[docs.example.com]",
        "code": "false",
        "invisible": "true",
        "operations": "[generate, embed]",
        "dialects": "[openai_chat, anthropic_messages]",
        "severity": "low",
    },
    "whole_shape": {
        "must": "{greeting: '^(Hello|Dear)'}",
        "min_characters": "1",
        "max_characters": "4000",
        "min_words": "1",
        "max_words": "600",
        "json": "true",
        "json_schema": "{type: object, required: [answer]}",
        "roles": "[user, assistant]",
        "kinds": "[message]",
        "severity": "high",
    },
}


def local(page: str) -> str:
    """
    Return *page* with every table of a local detector as that has it now.
    """
    return _rendered(page, {one.name: _local_table(one) for one in LOCAL})


def services(page: str) -> str:
    """
    Return *page* with every table of a service as its detector has it now.
    """
    return _rendered(page, {one.name: _service_table(one) for one in REMOTE})


def options_of(detector: Detector) -> Iterator[tuple[str, attrs.Attribute[Any]]]:
    """
    Yield the options of a local *detector*, those within others behind them.
    """
    for field in attrs.fields(detector.Options):
        yield field.name, field
        above, within = _WITHIN.get((detector.name, field.name), ("", None))
        if within is not None:
            for below in attrs.fields(within):
                yield above + below.name, below


def _rendered(page: str, tables: Mapping[str, str]) -> str:
    for name, table in tables.items():
        before, mark, behind = page.partition(f"<!-- options of {name} -->\n")
        assert mark, name
        page = before + mark + table + re.sub(r"\A(?:\|.*\n)*", "", behind)
    return page


def _local_table(detector: Detector) -> str:
    examples = EXAMPLES[detector.name]
    lines = ["| option | default | meaning | example |", "|---|---|---|---|"]
    for name, field in options_of(detector):
        example = _cell(examples[name])
        lines.append(
            f"| `{name}` | {_default_of(field)} | {_told(field)} | `{example}` |"
        )
    return "\n".join(lines) + "\n"


def _service_table(detector: Detector) -> str:
    lines = ["| option | default | meaning |", "|---|---|---|"]
    lines += [
        f"| `{field.name}` | {_default_of(field)} | {_told(field)} |"
        for field in attrs.fields(detector.Options)
        if field.name not in _COMMON
    ]
    return "\n".join(lines) + "\n"


def _told(field: attrs.Attribute[Any]) -> str:
    return _cell(field.metadata["help"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default_of(field: attrs.Attribute[Any]) -> str:
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
        return f"`[{value[0]}]`" if len(value) == 1 else "all"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    LOCAL_PAGE.write_text(local(LOCAL_PAGE.read_text()))
    SERVICES_PAGE.write_text(services(SERVICES_PAGE.read_text()))
