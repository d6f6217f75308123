"""
What rules need beyond themselves: secrets that are there, models that can be asked, making.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from gateway.errors import (
    ConfigError,
    ModelNotFound,
    Problem,
    SecretMissing,
    UnsupportedOperation,
)
from gateway.settings import Unread, find_secrets
from gateway.settings.problems import path_of
from gateway_guardrails.policy.rules import read_detector
from gateway_guardrails.remote.model import ModelOptions

if TYPE_CHECKING:
    from gateway.detecting import Detector
    from gateway.secrets import Secrets
    from gateway_guardrails.policy.making import Maker
    from gateway_guardrails.policy.rules import NamedRule
    from gateway_guardrails.policy.snapshot import PolicySnapshot
    from gateway_guardrails.settings import RuleSettings

__all__ = ["first_snapshot", "model_problems", "secret_problems", "start_problems"]

Kinds: TypeAlias = "Mapping[str, Detector]"


def first_snapshot(
    maker: Maker, rules: Sequence[NamedRule], secrets: Secrets | None
) -> PolicySnapshot:
    """
    Make all *rules* that are enabled, as a start does.

    Args:
        secrets: Resolves what declared ones refer to; None leaves that alone.

    Raises:
        ConfigError: With everything that is wrong with a declared one.
    """
    problems = [
        problem
        for named in rules
        if named.is_declared and secrets is not None
        for problem in secret_problems(named.rule, maker.kinds, secrets)
    ]
    try:
        snapshot = maker.snapshot(rules, is_first=True)
    except ConfigError as exc:
        raise ConfigError([*problems, *exc.problems]) from None
    if problems:
        raise ConfigError(problems)
    return snapshot


async def start_problems(
    maker: Maker, rules: Sequence[NamedRule], secrets: Secrets | None
) -> list[Problem]:
    """
    List what `first_snapshot` refuses, and let go of what it makes.
    """
    try:
        # Beside the event loop: a reload asks for it while callers are served.
        await asyncio.to_thread(first_snapshot, maker, rules, secrets)
    except ConfigError as exc:
        return list(exc.problems)
    finally:
        for judge in maker.judges():
            await judge.close()
    return []


def secret_problems(
    rule: RuleSettings, kinds: Kinds, secrets: Secrets
) -> Iterator[Problem]:
    """
    Yield where the detectors of *rule*, if it is enabled, refer to a secret that is not there.
    """
    for unread, options in _options(rule, kinds):
        for steps, reference in find_secrets(options):
            try:
                secrets.get(reference)
            except SecretMissing as exc:
                yield unread.problem(str(exc), path_of(steps))


def model_problems(
    rule: RuleSettings, kinds: Kinds, check_model: Callable[[str], None]
) -> Iterator[Problem]:
    """
    Yield where the detectors of *rule*, if it is enabled, name a model that nobody has.

    Args:
        check_model: See `gateway.Plugin.model_problems`.
    """
    for unread, options in _options(rule, kinds):
        if isinstance(options, ModelOptions):
            try:
                check_model(options.model)
            except (ModelNotFound, UnsupportedOperation) as exc:
                yield unread.problem(str(exc), "model")


def _options(rule: RuleSettings, kinds: Kinds) -> Iterator[tuple[Unread, object]]:
    for unread in rule.detectors if rule.is_enabled else ():
        try:
            yield unread, read_detector(unread, kinds).options
        except ConfigError:
            continue  # that it is wrong is told already
