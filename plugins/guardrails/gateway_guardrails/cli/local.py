"""
Guardrails without a running gateway: of a settings file, or of detectors that are named.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from gateway.errors import ConfigError
from gateway.offline import Offline
from gateway.outbound import Outbound
from gateway.settings import Unread
from gateway_guardrails.policy.guardrail import Guardrail
from gateway_guardrails.policy.making import Maker
from gateway_guardrails.policy.rules import NamedRule, problems_of
from gateway_guardrails.settings import GuardrailsSettings, RuleSettings
from gateway_guardrails.warden import detector_tools

if TYPE_CHECKING:
    from gateway import Gateway


@attrs.frozen(eq=False, kw_only=True)
class Chosen:
    """
    What a command is to look with.

    Attributes:
        detectors: Words; () leaves it to *rules*.
        rules: Names in the settings file; () are all that are enabled.
    """

    file: Path | None
    detectors: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    severity: str | None = None
    threshold: float | None = None


@attrs.frozen(eq=False, kw_only=True)
class Bench:
    """
    Guardrails that were made to be tried, and who made them.
    """

    gateway: Gateway
    settings: GuardrailsSettings
    guardrails: tuple[Guardrail, ...]


@asynccontextmanager
async def open_bench(
    chosen: Chosen, *, needs_rules: bool = False, folder: Path | None = None
) -> AsyncIterator[Bench]:
    """
    Make what *chosen* names.

    Args:
        needs_rules: Where nothing is chosen, rules alone count; else all local detectors look.
        folder: See `gateway.detecting.DetectorTools`.

    Raises:
        ConfigError: The settings cannot be read, or a detector cannot be made.
        click.UsageError: There is no such rule, or nothing to look with.
    """
    from gateway import Gateway  # takes half a second, which --help has not

    place = Offline.open(chosen.file, None, os.environ)
    gateway = Gateway(place.settings, environ=os.environ, data_dir=place.data_dir)
    settings = place.settings.plugin("guardrails", GuardrailsSettings)
    rules = _rules(chosen, settings, gateway, needs_rules=needs_rules)
    if not (rules or needs_rules):
        raise click.UsageError("nothing to look with: --detectors, or rules")
    async with Outbound.open(place.settings.egress, place.secrets) as outbound:
        tools = attrs.evolve(
            detector_tools(gateway), outbound=outbound, call=None, folder=folder
        )
        maker = Maker(tools=tools, kinds=gateway.detectors, defaults=settings.defaults)
        guardrails: list[Guardrail] = []
        try:
            # One by one, so that those that were made are let go if the next cannot be.
            for named in rules:
                guardrails += [_make(maker, named, settings, gateway)]
            yield Bench(
                gateway=gateway, settings=settings, guardrails=tuple(guardrails)
            )
        finally:
            for guardrail in guardrails:
                await maker.close(guardrail)


def _make(
    maker: Maker, named: NamedRule, settings: GuardrailsSettings, gateway: Gateway
) -> Guardrail:
    problems = list(problems_of(named, settings.defaults, gateway.detectors))
    if problems:
        raise ConfigError(problems)
    return maker.guardrail(named)


def _rules(
    chosen: Chosen,
    settings: GuardrailsSettings,
    gateway: Gateway,
    *,
    needs_rules: bool,
) -> Sequence[NamedRule]:
    if chosen.detectors:
        return [_unnamed(chosen, chosen.detectors)]
    if chosen.rules:
        return [_named(name, chosen, settings) for name in chosen.rules]
    enabled = [
        NamedRule(name=name, rule=_narrowed(rule, chosen))
        for name, rule in settings.rules.items()
        if rule.is_enabled
    ]
    if enabled or needs_rules:
        return enabled
    local = sorted(
        name for name, kind in gateway.detectors.items() if _needs_nothing(kind)
    )
    return [_unnamed(chosen, tuple(local))] if local else []


def _needs_nothing(kind: Any) -> bool:
    """
    Tell whether a detector can be made of its word alone.
    """
    return kind.is_local and all(
        attribute.default is not attrs.NOTHING
        for attribute in attrs.fields(kind.Options)
    )


def _named(name: str, chosen: Chosen, settings: GuardrailsSettings) -> NamedRule:
    rule = settings.rules.get(name)
    if rule is None:
        there = " ".join(settings.rules) or "none"
        raise click.UsageError(f"no rule is called {name}; there are {there}")
    return NamedRule(name=name, rule=_narrowed(rule, chosen))


def _unnamed(chosen: Chosen, words: tuple[str, ...]) -> NamedRule:
    unread = tuple(Unread.of(word, f"--detectors {word}") for word in words)
    rule = RuleSettings(detectors=unread, action="flag")
    # Not one of the file's: what is wrong with it is not there.
    return NamedRule(name="detectors", rule=_narrowed(rule, chosen), is_declared=False)


def _narrowed(rule: RuleSettings, chosen: Chosen) -> RuleSettings:
    told: dict[str, Any] = {
        name: value
        for name, value in (
            ("severity", chosen.severity),
            ("threshold", chosen.threshold),
        )
        if value is not None
    }
    return attrs.evolve(rule, **told)
