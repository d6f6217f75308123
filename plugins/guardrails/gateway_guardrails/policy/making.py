"""
From rules to guardrails: detectors are made, conditions compiled, what was left out chosen.

Making may be slow (patterns by the hundred), so it is done in a thread; what did not change is
taken over from the snapshot before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import structlog

from gateway import codec
from gateway.detecting import (
    Detector,
    DetectorFailed,
    DetectorTools,
    Judge,
    Opinion,
    Question,
    Stage,
    TextDetector,
)
from gateway.errors import ConfigError, GatewayError
from gateway_guardrails.policy.facts import VOCABULARY
from gateway_guardrails.policy.guardrail import (
    Guardrail,
    NamedDetector,
    NamedJudge,
    Streaming,
)
from gateway_guardrails.policy.rules import (
    BOTH,
    NamedRule,
    detector_word,
    document_of,
    read_detector,
    resolved,
    scope_of,
)
from gateway_guardrails.policy.snapshot import PolicySnapshot

if TYPE_CHECKING:
    from gateway.settings import Unread
    from gateway_guardrails.settings import RuleDefaults, RuleSettings

log = structlog.get_logger("gateway.guardrails")


@attrs.frozen(eq=False)
class Unmade:
    """
    Stands for a detector that could not be made: it fails whenever it is asked.

    So a rule whose detector is gone does what its ``on_failure`` says, and is not passed over.
    """

    why: str

    async def judge(self, question: Question) -> Opinion:
        """
        Fail.

        Raises:
            DetectorFailed: Always.
        """
        raise DetectorFailed("misconfigured", self.why)

    async def close(self) -> None:
        """
        Let go of nothing.
        """


@attrs.frozen(kw_only=True, eq=False)
class _Made:
    rule: RuleSettings
    stamp: object
    guardrail: Guardrail


@attrs.define(eq=False, kw_only=True)
class Maker:
    """
    Makes snapshots, each from the one before.

    Args:
        tools: What detectors may need.
        kinds: The detectors that there are, by name.
        defaults: What rules have where they say nothing.
    """

    tools: DetectorTools
    kinds: Mapping[str, Detector]
    defaults: RuleDefaults
    _made: dict[str, _Made] = attrs.field(factory=dict, init=False)

    def renewed(self, tools: DetectorTools, kinds: Mapping[str, Detector]) -> None:
        """
        Go on with other settings, or other detectors: all are made anew.
        """
        self.tools, self.kinds = tools, kinds
        self._made.clear()

    def snapshot(
        self, rules: Sequence[NamedRule], *, generation: int, is_first: bool = False
    ) -> PolicySnapshot:
        """
        Make all *rules* that are enabled.

        Args:
            is_first: What is wrong with a declared rule is an error; later it is logged, and
                the rule fails whenever it is asked.

        Raises:
            ConfigError: see *is_first*.
        """
        enabled = [named for named in rules if named.rule.is_enabled]
        made = {named.name: self._take(named, is_first=is_first) for named in enabled}
        self._made = made
        return PolicySnapshot(
            version=self._version(enabled),
            guardrails=tuple(each.guardrail for each in made.values()),
            generation=generation,
        )

    def guardrail(self, named: NamedRule) -> Guardrail:
        """
        Make one that nobody keeps: to try a rule.

        Raises:
            ConfigError: It cannot be made.
        """
        return self._make(named, is_strict=True)

    def _take(self, named: NamedRule, *, is_first: bool) -> _Made:
        known = self._made.get(named.name)
        stamp = (named.is_declared, *_digests(named.rule, self.defaults, self.kinds))
        if known is not None and known.rule == named.rule and known.stamp == stamp:
            return known
        guardrail = self._make(named, is_strict=is_first and named.is_declared)
        return _Made(rule=named.rule, stamp=stamp, guardrail=guardrail)

    def _make(self, named: NamedRule, *, is_strict: bool) -> Guardrail:
        rule = resolved(named.rule, self.defaults)
        stages = frozenset(rule.stages or BOTH)
        texts: list[NamedDetector] = []
        judges: list[NamedJudge] = []
        for unread in rule.detectors:
            made = self._detector(named, unread, stages, is_strict=is_strict)
            if isinstance(made, NamedDetector):
                texts.append(made)
            else:
                judges.append(made)
        action = rule.action or "block"
        return Guardrail(
            name=named.name,
            texts=tuple(texts),
            judges=tuple(judges),
            stages=stages,
            action=action,
            streaming=rule.streaming or _streaming(action, judges),
            on_failure=rule.on_failure or "closed",
            timeout_s=rule.timeout_s or 5.0,
            restores=rule.restore,
            is_shadow=bool(rule.shadow),
            sample=rule.sample,
            is_mandatory=rule.mandatory,
            is_on_request=rule.on_request,
            least_severity=rule.severity or "low",
            threshold=rule.threshold or 0.0,
            style=rule.style or "placeholder",
            sealed=rule.sealed or "block",
            condition=VOCABULARY.read(rule.when),
            scope=scope_of(rule.applies_to),
            is_declared=named.is_declared,
        )

    def _detector(
        self,
        named: NamedRule,
        unread: Unread,
        stages: frozenset[Stage],
        *,
        is_strict: bool,
    ) -> NamedDetector | NamedJudge:
        word = detector_word(unread)
        try:
            chosen = read_detector(unread, self.kinds)
            made = self._call(unread, chosen.kind, chosen.options)
        except ConfigError as exc:
            if is_strict:
                raise
            log.error("guardrail cannot look", guardrail=named.name, why=str(exc))
            kind = Detector(name=word, Options=object, make=_never, is_local=False)
            unmade = Unmade(f"{word} cannot be made, see the log")
            return NamedJudge(name=word, judge=unmade, kind=kind, stages=stages)
        there = stages & chosen.kind.stages
        if chosen.kind.is_local:
            detector: Any = made
            return NamedDetector(name=word, detector=detector, stages=there)
        judge: Any = made
        return NamedJudge(name=word, judge=judge, kind=chosen.kind, stages=there)

    def _call(
        self, unread: Unread, kind: Detector, options: Any
    ) -> TextDetector | Judge:
        try:
            return kind.make(options, self.tools)
        except ConfigError as exc:
            problems = [
                problem if problem.path else unread.problem(problem.message)
                for problem in exc.problems
            ]
            raise ConfigError(problems) from exc
        except GatewayError:
            raise
        except Exception as exc:
            # Of its text nothing: it may show an option.
            message = f"{kind.name} cannot be made: {type(exc).__name__}"
            raise ConfigError(unread.problem(message)) from exc

    def _version(self, rules: Iterable[NamedRule]) -> str:
        digest = hashlib.sha256(self.tools.settings.digest.encode())
        for named in rules:
            told = [named.name, document_of(named.rule)]
            digest.update(codec.dumps(told))
            for part in _digests(named.rule, self.defaults, self.kinds):
                digest.update(str(part).encode())
        return digest.hexdigest()[:32]


def _streaming(action: str, judges: Sequence[NamedJudge]) -> Streaming:
    """
    Choose how a stream is held back where the rule does not say.
    """
    if not judges:
        return "window"
    return "async" if action == "flag" else "buffer"


def _never(options: Any, tools: DetectorTools) -> Judge:
    raise ConfigError("this detector cannot be made")


def _digests(
    rule: RuleSettings, defaults: RuleDefaults, kinds: Mapping[str, Detector]
) -> Iterator[object]:
    """
    Yield what verdicts depend on beside the rule: who looks, and the files that options name.
    """
    yield defaults
    for unread in rule.detectors:
        try:
            chosen = read_detector(unread, kinds)
        except ConfigError:
            yield None
            continue
        yield chosen.kind.name
        for path in _paths_in(chosen.options):
            yield _digest_of(path)


def _paths_in(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from _paths_in(getattr(value, attribute.name))
    elif isinstance(value, Mapping):
        yield from _paths_in(tuple(value.values()))
    elif isinstance(value, list | tuple | frozenset):
        for item in value:
            yield from _paths_in(item)


def _digest_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        return type(exc).__name__
