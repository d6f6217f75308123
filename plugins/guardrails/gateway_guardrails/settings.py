"""
What the table ``plugins.guardrails`` says.

A rule's detectors are left as they stand: which options one has is known to the plugin that brings
it, so that they are read once all plugins are there (`gateway_guardrails.policy.making`).  The
management API takes rules in the same words, and reads them with the same class.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from gateway.detecting import Severity, Stage
from gateway.errors import ConfigError, Problem
from gateway.settings import Unread, above, between, header_name, not_empty, told
from gateway.settings.problems import path_of
from gateway.settings.values import NAME
from gateway_guardrails.policy.facts import VOCABULARY
from gateway_guardrails.policy.guardrail import (
    Action,
    OnFailure,
    Sealed,
    Streaming,
    Style,
)

#: The plugin on the trail, in the settings, and in front of its tables' names.
PLUGIN: Final = "guardrails"
PATH: Final = ("plugins", PLUGIN)


def _condition(instance: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    VOCABULARY.read(value)


def _one_star(
    instance: Any, attribute: attrs.Attribute[Any], value: Collection[str]
) -> None:
    for each in value:
        if each.count("*") > 1:
            msg = f"{each[:64]} has more than one *"
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class AppliesTo:
    """
    To whom a guardrail is attached; whoever is named in any of them has it.
    """

    customers: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Customers, by id.")
    )
    teams: tuple[str, ...] = attrs.field(default=(), metadata=told("Teams, by id."))
    virtual_keys: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Virtual keys, by name or id.")
    )
    models: tuple[str, ...] = attrs.field(
        default=(),
        validator=_one_star,
        metadata=told("Names that callers ask for, or targets; one * in each."),
    )
    providers: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Providers of this file.")
    )


@attrs.frozen(kw_only=True)
class RuleDefaults:
    """
    What a rule has where it says nothing; None leaves it to the plugin.
    """

    stages: tuple[Stage, ...] | None = attrs.field(
        default=None, metadata=told("Where it looks: input, output; both.")
    )
    action: Action | None = attrs.field(
        default=None, metadata=told("What it does with finds: block, redact, flag.")
    )
    streaming: Streaming | None = attrs.field(
        default=None,
        metadata=told(
            "How an answer that streams is held back: window (only what may still grow into a "
            "find), buffer (to its end), async (not at all: flags, or cuts). Left out: window; "
            "buffer with remote detectors, async where they only flag."
        ),
    )
    on_failure: OnFailure | None = attrs.field(
        default=None,
        metadata=told(
            "A detector fails: closed refuses (the default), open lets pass."
        ),
    )
    timeout_s: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(above(0)),
        metadata=told("How long a remote detector may take; 5."),
    )
    shadow: bool | None = attrs.field(
        default=None, metadata=told("Decide and record, do not act.")
    )
    severity: Severity | None = attrs.field(
        default=None,
        metadata=told("The least that counts: low, medium, high, critical; low."),
    )
    threshold: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(between(0, 1)),
        metadata=told("The least score that counts, 0 to 1; 0."),
    )
    style: Style | None = attrs.field(
        default=None,
        metadata=told("What stands in place: placeholder, synthetic, mask."),
    )
    sealed: Sealed | None = attrs.field(
        default=None,
        metadata=told(
            "Signed reasoning with finds, which cannot be edited: pass, block, drop; block."
        ),
    )


@attrs.frozen(kw_only=True)
class RuleSettings(RuleDefaults):
    """
    A rule: which detectors, for whom, and what becomes of what they find.
    """

    detectors: tuple[Unread, ...] = attrs.field(
        validator=not_empty,
        metadata=told("Words, or tables {type: word, …} with the detector's options."),
    )
    description: str = attrs.field(default="", metadata=told("What it is for."))
    is_enabled: bool = attrs.field(
        default=True, metadata={**told("Whether it counts."), "key": "enabled"}
    )
    restore: bool = attrs.field(
        default=False,
        metadata=told("Put originals back into the answer for the caller."),
    )
    sample: float = attrs.field(
        default=1.0,
        validator=between(0, 1),
        metadata=told("The share of exchanges that a flagging rule looks at."),
    )
    mandatory: bool = attrs.field(
        default=False, metadata=told("Refuse whatever cannot be checked by it.")
    )
    on_request: bool = attrs.field(
        default=False,
        metadata=told("Only for callers who ask for it: x-gw-guardrails: name."),
    )
    when: str = attrs.field(
        default="",
        validator=_condition,
        metadata=told(
            "CEL: when it counts; what cannot be evaluated counts. Needs gatewright[cel]."
        ),
    )
    applies_to: AppliesTo = attrs.field(
        factory=AppliesTo, metadata=told("To whom it is attached; left out: everybody.")
    )


@attrs.frozen(kw_only=True)
class FindingsSettings:
    """
    What is kept of what was found; never the text.
    """

    keep_days: int = attrs.field(
        default=30,
        validator=between(1, 3_650),
        metadata=told("Days for which findings are kept."),
    )
    max_queued: int = attrs.field(
        default=20_000,
        validator=between(1, 1_000_000),
        metadata=told(
            "Findings that wait to be written; more are counted and dropped."
        ),
    )


@attrs.frozen(kw_only=True)
class GuardrailsSettings:
    """
    What is looked for in texts, and what becomes of it.

    Attributes:
        rules: Guardrails, by name.
        defaults: What rules have where they say nothing.
        conversation_header: Names the conversation in which placeholders stay the same.
        vault_ttl_s: How long originals are kept after a conversation's last request.
        max_segment_cache_bytes: For texts that were looked at already, in each worker.
        embeddings: What a redacting rule does to texts that are to be embedded.
        findings: What is kept of what was found.
    """

    rules: Mapping[str, RuleSettings] = attrs.field(
        factory=dict, metadata=told("Guardrails, by name.")
    )
    defaults: RuleDefaults = attrs.field(
        factory=RuleDefaults,
        metadata=told("What rules have where they say nothing."),
    )
    conversation_header: str = attrs.field(
        default="x-gw-conversation",
        validator=header_name,
        metadata=told("Names the conversation in which placeholders stay the same."),
    )
    vault_ttl_s: float = attrs.field(
        default=3_600.0,
        validator=between(1, 31 * 86_400),
        metadata=told(
            "How long originals are kept after a conversation's last request."
        ),
    )
    max_segment_cache_bytes: int = attrs.field(
        default=32 << 20,
        validator=between(0, 1 << 40),
        metadata=told("Memory for texts that were checked already, in each worker."),
    )
    embeddings: Literal["redact", "refuse"] = attrs.field(
        default="redact",
        metadata=told(
            "Finds of a redacting rule in texts to embed: redact, or refuse."
        ),
    )
    findings: FindingsSettings = attrs.field(
        factory=FindingsSettings,
        metadata=told("What is kept of what was found; never the text."),
    )

    def __attrs_post_init__(self) -> None:
        problems = [
            Problem(fault.message, path=path_of((*PATH, "rules", name, *fault.steps)))
            for name, rule in self.rules.items()
            for fault in faults_of(name, rule, self.defaults)
        ]
        if problems:
            raise ConfigError(problems)

    def problems(self, providers: Collection[str]) -> Iterator[Problem]:
        """
        Yield what does not fit the gateway's own settings.

        Args:
            providers: Those that are declared.
        """
        for name, rule in self.rules.items():
            for fault in stranger_faults(rule, providers):
                path = path_of((*PATH, "rules", name, *fault.steps))
                yield Problem(fault.message, path=path)


# --- what does not fit together -------------------------------------------------------------


@attrs.frozen
class Fault:
    """
    One thing that is wrong with a rule.

    Attributes:
        steps: Where below the rule, in the words of the file.
    """

    steps: tuple[str | int, ...]
    message: str


def faults_of(name: str, rule: RuleSettings, defaults: RuleDefaults) -> Iterator[Fault]:
    """
    Yield what is wrong with *rule* whatever its detectors are.
    """
    if NAME.fullmatch(name) is None:
        message = "a name has letters, digits and . _ - @, 64 characters at most"
        yield Fault((), message)
    action = rule.action or defaults.action
    if action is None:
        yield Fault(("action",), "required, but missing: block, redact or flag")
        return
    if rule.stages is not None and not rule.stages:
        yield Fault(("stages",), "must not be empty: input, output or both")
    # Of the defaults what enforces nothing does not reach what is mandatory.
    streaming = rule.streaming or (None if rule.mandatory else defaults.streaming)
    if streaming == "async" and action == "redact":
        message = (
            "async lets text out before it was looked at, so that nothing is left to redact: "
            "window or buffer, or let the rule flag or block"
        )
        yield Fault(("streaming",), message)
    yield from _redacting_faults(rule, defaults, action)
    yield from _enforcing_faults(rule, action)
    if rule.on_request and rule.when.strip():
        message = "a rule that counts on request has no condition: the caller decides"
        yield Fault(("when",), message)


def _redacting_faults(
    rule: RuleSettings, defaults: RuleDefaults, action: Action
) -> Iterator[Fault]:
    style = rule.style or defaults.style or "placeholder"
    if rule.style is not None and action != "redact":
        yield Fault(
            ("style",), f"says how to redact, and this rule has action: {action}"
        )
    if not rule.restore:
        return
    if action != "redact":
        message = f"nothing is redacted that could be put back: action is {action}"
        yield Fault(("restore",), message)
    elif style == "mask":
        message = (
            "a mask does not tell what it stands for: style placeholder or synthetic"
        )
        yield Fault(("restore",), message)
    elif "input" not in (rule.stages or defaults.stages or ("input",)):
        message = "puts back what was redacted on the way in: add input to stages"
        yield Fault(("restore",), message)


def _enforcing_faults(rule: RuleSettings, action: Action) -> Iterator[Fault]:
    if rule.sample < 1 and action != "flag":
        message = f"a sample enforces nothing: only with action: flag, not {action}"
        yield Fault(("sample",), message)
    if not rule.mandatory:
        return
    reasons = (
        (action == "flag", "action: flag"),
        (bool(rule.shadow), "shadow: true"),
        (rule.on_failure == "open", "on_failure: open"),
        (rule.streaming == "async", "streaming: async"),
        (rule.on_request, "on_request: true"),
    )
    for is_so, told_as in reasons:
        if is_so:
            message = f"what is mandatory must be enforced, and {told_as} is not that"
            yield Fault(("mandatory",), message)


def stranger_faults(rule: RuleSettings, providers: Collection[str]) -> Iterator[Fault]:
    """
    Yield where *rule* names providers that there are not.
    """
    for index, provider in enumerate(rule.applies_to.providers):
        if provider not in providers:
            there = f"; there are {' '.join(providers)}" if providers else ""
            message = f"no provider is called {provider[:64]}{there}"
            yield Fault(("applies_to", "providers", index), message)
