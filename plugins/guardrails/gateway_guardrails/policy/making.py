"""
From rules to guardrails: detectors are made, conditions compiled, what was left out chosen.

Making may be slow (patterns by the hundred), so it is done in a thread; what did not change is
taken over from the snapshot before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
from gateway.errors import ConfigError, Problem
from gateway_guardrails.policy.facts import VOCABULARY
from gateway_guardrails.policy.guardrail import (
    Guardrail,
    NamedDetector,
    NamedJudge,
    Streaming,
)
from gateway_guardrails.policy.rules import (
    BOTH,
    ChosenDetector,
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

#: How long a judge may take where the rule does not say.
DEFAULT_TIMEOUT_S: Final = 5.0


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


@attrs.frozen
class _Key:
    """
    What a detector was made from.

    Attributes:
        files: Digests of the files that its options name.
    """

    unread: Unread
    files: tuple[str, ...]


_Made = dict[_Key, TextDetector | Judge]


@attrs.define(eq=False, kw_only=True)
class Maker:
    """
    Makes snapshots, each from the one before.

    Rules that name the same detector with the same options share one.

    Args:
        tools: What detectors may need.
        kinds: The detectors that there are, by name.
        defaults: What rules have where they say nothing.
    """

    tools: DetectorTools
    kinds: Mapping[str, Detector]
    defaults: RuleDefaults
    #: What was made for the last snapshot, by what a rule says and what files it names hold.
    _made: _Made = attrs.field(factory=dict, init=False)

    def renew(self, tools: DetectorTools, kinds: Mapping[str, Detector]) -> None:
        """
        Go on with other settings, or other detectors: all are made anew.
        """
        self.tools, self.kinds = tools, kinds
        self._made = {}

    def snapshot(
        self, rules: Sequence[NamedRule], *, is_first: bool = False
    ) -> PolicySnapshot:
        """
        Make all *rules* that are enabled.

        Args:
            is_first: What is wrong with a declared rule is an error; later it is logged, and
                the rule fails whenever it is asked.

        Raises:
            ConfigError: see *is_first*; with what is wrong in any rule.
        """
        enabled = [named for named in rules if named.rule.is_enabled]
        digest = hashlib.sha256(self.tools.settings.digest.encode())
        digest.update(repr(self.defaults).encode())
        made: _Made = {}
        guardrails: list[Guardrail] = []
        problems: list[Problem] = []
        for named in enabled:
            digest.update(codec.dumps([named.name, document_of(named.rule)]))
            is_strict = is_first and named.is_declared
            try:
                guardrails.append(self._make(named, made, is_strict=is_strict))
            except ConfigError as exc:
                problems += exc.problems
        for key in made:
            digest.update("".join(key.files).encode())
        if problems:
            self._made = {**self._made, **made}  # what was made is to be let go
            raise ConfigError(problems)
        self._made = made
        return PolicySnapshot(
            version=digest.hexdigest()[:32],
            guardrails=tuple(guardrails),
        )

    def judges(self) -> Sequence[Judge]:
        """
        Return what the last snapshot asks, each once.
        """
        asked: list[Any] = [each for each in self._made.values() if is_judge(each)]
        return asked

    def guardrail(self, named: NamedRule) -> Guardrail:
        """
        Make one beside the snapshot: to try a rule.

        Raises:
            ConfigError: It cannot be made.
        """
        return self._make(named, {}, is_strict=True)

    async def close(self, guardrail: Guardrail) -> None:
        """
        Let go of what was made for *guardrail* alone, which is in no snapshot.
        """
        kept = {id(judge) for judge in self.judges()}
        for named in guardrail.judges:
            if id(named.judge) not in kept:
                await named.judge.close()

    def _make(
        self,
        named: NamedRule,
        made: _Made,
        *,
        is_strict: bool,
    ) -> Guardrail:
        rule = resolved(named.rule, self.defaults)
        stages = frozenset(rule.stages or self._stages(rule))
        texts: list[NamedDetector] = []
        judges: list[NamedJudge] = []
        problems: list[Problem] = []
        for unread in rule.detectors:
            try:
                chosen = read_detector(unread, self.kinds)
                one = self._detector(unread, chosen, made)
            except ConfigError as exc:
                if is_strict:
                    problems += exc.problems
                else:
                    word = detector_word(unread)
                    judges.append(_failing(named.name, word, stages, exc))
                continue
            kind, there = chosen.kind, stages & chosen.kind.stages
            if kind.is_local:
                detector: Any = one
                texts.append(
                    NamedDetector(name=kind.name, detector=detector, stages=there)
                )
            else:
                judge: Any = one
                judges.append(
                    NamedJudge(name=kind.name, judge=judge, kind=kind, stages=there)
                )
        if problems:
            raise ConfigError(problems)
        action = rule.action or "block"
        return Guardrail(
            name=named.name,
            texts=tuple(texts),
            judges=tuple(judges),
            stages=stages,
            action=action,
            streaming=rule.streaming or _streaming(action, judges),
            on_failure=rule.on_failure or "closed",
            timeout_s=rule.timeout_s or DEFAULT_TIMEOUT_S,
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
        )

    def _stages(self, rule: RuleSettings) -> frozenset[Stage]:
        """
        Return where the detectors of *rule* can look, for one that does not say.
        """
        kinds = [self.kinds.get(detector_word(unread)) for unread in rule.detectors]
        found = [BOTH if kind is None else kind.stages for kind in kinds]
        return frozenset(stage for stages in found for stage in stages)

    def _detector(
        self,
        unread: Unread,
        chosen: ChosenDetector,
        made: _Made,
    ) -> TextDetector | Judge:
        files = tuple(_digest_of(path) for path in _paths_in(chosen.options))
        key = _Key(unread, files)
        one = made.get(key, self._made.get(key))
        if one is None:
            one = self._call(unread, chosen)
        made[key] = one
        return one

    def _call(self, unread: Unread, chosen: ChosenDetector) -> TextDetector | Judge:
        kind = chosen.kind
        try:
            return kind.make(chosen.options, self.tools)
        except ConfigError as exc:
            # Their paths begin at the options: which rule has them is known here.
            problems = [
                unread.problem(problem.message, problem.path)
                for problem in exc.problems
            ]
            raise ConfigError(problems) from exc
        except Exception as exc:
            # Of its text nothing: it may show an option.
            message = f"{kind.name} cannot be made: {type(exc).__name__}"
            raise ConfigError(unread.problem(message)) from exc


def is_judge(made: object) -> bool:
    """
    Tell whether it is one that is asked, and has to be closed.
    """
    return hasattr(made, "judge")


def _failing(
    guardrail: str, word: str, stages: frozenset[Stage], error: ConfigError
) -> NamedJudge:
    """
    Log what is wrong with a detector, and return what stands for it.
    """
    log.error("guardrail cannot look", guardrail=guardrail, why=str(error))
    kind = Detector(name=word, Options=object, make=_never, is_local=False)
    judge = Unmade(f"{word} cannot be made, see the log")
    return NamedJudge(name=word, judge=judge, kind=kind, stages=stages)


def _streaming(action: str, judges: Sequence[NamedJudge]) -> Streaming:
    """
    Choose how a stream is held back where the rule does not say.
    """
    if not judges:
        return "window"
    return "async" if action == "flag" else "buffer"


def _never(options: Any, tools: DetectorTools) -> Judge:
    raise ConfigError("this detector cannot be made")


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
