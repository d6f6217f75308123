"""
Rules as inspection needs them told: defaults filled in, detectors looked up, each fault named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from gateway.detecting import Detector, Stage
from gateway.errors import ConfigError, Problem
from gateway.settings import Unread, structure
from gateway.settings.nodes import EMPTY, Node, Scalar, Table
from gateway.settings.problems import path_of
from gateway.settings.tables import file_attributes, key_of
from gateway_guardrails.policy.guardrail import Scope
from gateway_guardrails.settings import (
    PATH,
    AppliesTo,
    GuardrailsSettings,
    RuleDefaults,
    RuleSettings,
    faults_of,
)

BOTH: Final[tuple[Stage, ...]] = ("input", "output")


@attrs.frozen(kw_only=True)
class ChosenDetector:
    """
    A detector that a rule names, and the options that it gives.
    """

    kind: Detector
    options: Any


@attrs.frozen(kw_only=True)
class NamedRule:
    """
    A rule and its name.

    Attributes:
        is_declared: It stands in the settings file, and is changed there.
        revision: Of a stored one, the generation at which it was last changed.
    """

    name: str
    rule: RuleSettings
    is_declared: bool = True
    revision: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0


def declared_rules(settings: GuardrailsSettings) -> tuple[NamedRule, ...]:
    """
    Return the rules of the settings file.
    """
    return tuple(
        NamedRule(name=name, rule=rule) for name, rule in settings.rules.items()
    )


def read_rule(document: Mapping[str, Any], name: str) -> RuleSettings:
    """
    Read a rule that did not come from the settings file, in the file's words.

    Raises:
        ConfigError: with everything that is wrong.
    """
    unread = Unread.of(document)
    return structure(unread.node, RuleSettings, path=path_of(("rules", name)))


def document_of(rule: RuleSettings) -> dict[str, Any]:
    """
    Write *rule* as `read_rule` reads it; what has its default is left out.
    """
    return {
        key_of(attribute): _plain(value)
        for attribute in file_attributes(RuleSettings)
        if (value := getattr(rule, attribute.name)) != _default_of(attribute)
    }


def resolved(rule: RuleSettings, defaults: RuleDefaults) -> RuleSettings:
    """
    Return *rule* with *defaults* where it says nothing.

    What is mandatory is enforced: what would leave that to chance is not said of it, be it that
    a default was chosen for all others since it was stored.
    """
    said = {
        attribute.name: getattr(defaults, attribute.name)
        for attribute in attrs.fields(RuleDefaults)
        if getattr(rule, attribute.name) is None
    }
    whole: RuleSettings = attrs.evolve(rule, **said)
    return _enforced(whole) if rule.mandatory else whole


def _enforced(rule: RuleSettings) -> RuleSettings:
    """
    Return *rule* without what `faults_of` says does not go with ``mandatory``.
    """
    return attrs.evolve(
        rule,
        shadow=False,
        on_failure="closed",
        streaming=None if rule.streaming == "async" else rule.streaming,
        action=None if rule.action == "flag" else rule.action,
    )


def scope_of(applies_to: AppliesTo) -> Scope:
    """
    Make the scope of what a rule is attached to.
    """
    return Scope(
        **{
            attribute.name: frozenset(getattr(applies_to, attribute.name))
            for attribute in attrs.fields(AppliesTo)
        }
    )


# --- detectors ------------------------------------------------------------------------------


def read_detector(unread: Unread, kinds: Mapping[str, Detector]) -> ChosenDetector:
    """
    Read what a rule says of one detector.

    Raises:
        ConfigError: there is no such detector, or its options are wrong; each with its place.
    """
    name, rest = _split(unread)
    kind = kinds.get(name.text) if name is not None else None
    if name is None or kind is None:
        known = " ".join(sorted(kinds)) or "none, for no plugin brings any"
        told = "a detector is a word, or a table with type"
        if name is not None:
            told = f"no detector is called {name.text[:64]}"
        raise ConfigError(unread.problem(f"{told}; there are {known}"))
    options: Any = structure(rest, kind.Options, path=unread.path, origin=unread.origin)
    return ChosenDetector(kind=kind, options=options)


def detector_word(unread: Unread) -> str:
    """
    Return the word for a detector, whether or not there is one; "" if it is none.
    """
    name, _ = _split(unread)
    return "" if name is None else name.text


def _split(unread: Unread) -> tuple[Scalar | None, Node]:
    node = unread.node
    if isinstance(node, Scalar):
        return (None if node.is_null else node), EMPTY
    if not isinstance(node, Table):
        return None, EMPTY
    name = node.entries.get("type")
    rest = Table(
        node.mark,
        {key: below for key, below in node.entries.items() if key != "type"},
        node.key_marks,
    )
    return (name if isinstance(name, Scalar) else None), rest


def problems_of(
    named: NamedRule, defaults: RuleDefaults, kinds: Mapping[str, Detector]
) -> Iterator[Problem]:
    """
    Yield everything that is wrong with a rule, its detectors included.
    """
    top: tuple[str, ...] = (*PATH, "rules", named.name)
    if not named.is_declared:
        top = ("rules", named.name)
        for fault in faults_of(named.name, named.rule, defaults):
            yield Problem(fault.message, path=path_of((*top, *fault.steps)))
    yield from detector_problems(named.rule, defaults, kinds)


def detector_problems(
    rule: RuleSettings, defaults: RuleDefaults, kinds: Mapping[str, Detector]
) -> Iterator[Problem]:
    """
    Yield what is wrong with the detectors of *rule*, and what they cannot do that it asks for.
    """
    whole = resolved(rule, defaults)
    unseen = set(whole.stages or ())
    for unread in rule.detectors:
        try:
            kind = read_detector(unread, kinds).kind
        except ConfigError as exc:
            unseen.clear()
            yield from exc.problems
            continue
        unseen -= kind.stages
        if whole.action == "redact" and not kind.redacts:
            yield unread.problem(
                f"{kind.name} does not say where its finds are, so that nothing can be "
                "redacted: give it a rule of its own with action: block or flag"
            )
        if kind.needs_whole and whole.streaming == "window":
            yield unread.problem(
                f"{kind.name} judges an answer as a whole: streaming must be buffer, or async "
                "to cut or flag after the fact"
            )
        if whole.stages and kind.stages.isdisjoint(whole.stages):
            unseen.clear()
            where = " and ".join(sorted(kind.stages))
            yield unread.problem(
                f"{kind.name} looks at {where} alone, and stages has it not"
            )
    if rule.mandatory and unseen:
        where = " and ".join(sorted(unseen))
        yield rule.detectors[0].problem(
            f"what is mandatory must be enforced, and no detector of the rule looks at {where}: "
            "leave that out of stages"
        )


# --- documents ------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, Unread):
        return value.plain()
    if isinstance(value, AppliesTo):
        return {
            attribute.name: list(told)
            for attribute in attrs.fields(AppliesTo)
            if (told := getattr(value, attribute.name))
        }
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _default_of(attribute: attrs.Attribute[Any]) -> Any:
    default: Any = attribute.default
    make = getattr(default, "factory", None)
    return default if make is None else make()
