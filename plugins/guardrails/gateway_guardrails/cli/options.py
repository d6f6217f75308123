"""
Options that several commands take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

import click

from gateway.detecting import Severity
from gateway_guardrails.harness.evaluating import Where

F = TypeVar("F", bound=Callable[..., Any])

SEVERITIES: Final[tuple[str, ...]] = get_args(Severity)


def _words(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    words = (word.strip() for each in value for word in each.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def _where(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    role, _, kind = value.partition("/")
    return role or None, kind or None


def looking_options(command: F) -> F:
    """
    Give *command* the options that choose what looks, and where a text stands.
    """
    for option in (
        click.option(
            "--detectors",
            multiple=True,
            callback=_words,
            help="Words, a,b; instead of rules.",
        ),
        click.option(
            "--rule",
            "rules",
            multiple=True,
            callback=_words,
            help="Rules of the settings; left out: all.",
        ),
        click.option(
            "--stage",
            type=click.Choice(("input", "output")),
            default="input",
            show_default=True,
            help="Where the text stands.",
        ),
        click.option(
            "--where",
            callback=_where,
            metavar="ROLE/KIND",
            help="Whose words: user/message, tool/tool_result, user/document.",
        ),
        click.option(
            "--severity", type=click.Choice(SEVERITIES), help="The least that counts."
        ),
        click.option(
            "--threshold",
            type=click.FloatRange(0, 1),
            help="The least score that counts.",
        ),
    ):
        command = option(command)
    return command


def where_of(stage: Any, where: tuple[str | None, str | None]) -> Where:
    """
    Put together what the options say of the place.
    """
    role, kind = where
    return Where(stage=stage, role=role, kind=kind)
