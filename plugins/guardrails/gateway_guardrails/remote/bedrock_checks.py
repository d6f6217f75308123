"""
Amazon Bedrock's checks that need no guardrail: content, prompt attacks, personal facts.

They only detect: scores and places come back, and what follows is the rule's.

Source: botocore's model of ``bedrock-runtime``, ``InvokeGuardrailChecks`` (Apache-2.0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from gateway.detecting import (
    Detector,
    DetectorTools,
    Find,
    Opinion,
    Passage,
    Question,
    Severity,
)
from gateway.settings import between, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.aws import AwsOptions, check_extra
from gateway_guardrails.remote.aws_types import AWS_TYPES, severity_of, type_of
from gateway_guardrails.remote.bedrock_runtime import BedrockRuntime
from gateway_guardrails.remote.bundles import Bundle, bundles_of
from gateway_guardrails.remote.offsets import Unit, span_of
from gateway_guardrails.remote.opinions import Heard, gathered

__all__ = ["BEDROCK_CHECKS", "BedrockChecksJudge", "BedrockChecksOptions"]

ContentCategory = Literal["VIOLENCE", "HATE", "SEXUAL", "MISCONDUCT", "INSULTS"]
AttackCategory = Literal["JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE"]

_CONTENT: Final[tuple[ContentCategory, ...]] = (
    "VIOLENCE",
    "HATE",
    "SEXUAL",
    "MISCONDUCT",
    "INSULTS",
)
_ATTACKS: Final[tuple[AttackCategory, ...]] = (
    "JAILBREAK",
    "PROMPT_INJECTION",
    "PROMPT_LEAKAGE",
)
#: What a tool says is the user's side of the talk to a service that knows three roles.
_ROLES: Final = {"assistant": "assistant", "system": "system", "developer": "system"}


@attrs.frozen(kw_only=True)
class BedrockChecksOptions(AwsOptions):
    """
    What a rule says of the checks.

    Attributes:
        content: Categories of harmful content; none leaves the check out.
        attacks: Kinds of attacks on the prompt; likewise.
        entities: AWS's types of personal facts; likewise.
        least_score: A lower score is no find.
        offsets: What AWS counts in offsets.
        prices: USD per 1,000 of each unit; AWS had told none when this was written.
    """

    content: tuple[ContentCategory, ...] = attrs.field(
        default=_CONTENT, metadata=told("Categories of harmful content.")
    )
    attacks: tuple[AttackCategory, ...] = attrs.field(
        default=_ATTACKS, metadata=told("Kinds of attacks on the prompt.")
    )
    entities: tuple[str, ...] = attrs.field(
        default=AWS_TYPES,
        validator=attrs.validators.deep_iterable(attrs.validators.in_(AWS_TYPES)),
        metadata=told("AWS's types of personal facts."),
    )
    least_score: float = attrs.field(
        default=0.5,
        validator=between(0, 1),
        metadata=told("A score that is lower is no find."),
    )
    offsets: Unit = attrs.field(
        default="codepoint", metadata=told("What AWS counts in offsets.")
    )
    prices: Mapping[str, Decimal] = attrs.field(
        factory=dict, metadata=told("USD per 1,000 of each unit that AWS counts.")
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if not (self.content or self.attacks or self.entities):
            msg = "nothing to check: content, attacks and entities are all empty"
            raise ValueError(msg)

    def checks(self) -> dict[str, Any]:
        """
        Return what AWS is asked to check.
        """
        asked = {
            "contentFilter": ("categories", "category", self.content),
            "promptAttack": ("categories", "category", self.attacks),
            "sensitiveInformation": ("entities", "type", self.entities),
        }
        return {
            check: {rows: [{column: one} for one in names]}
            for check, (rows, column, names) in asked.items()
            if names
        }


class BedrockChecksJudge:
    """
    Asks ``InvokeGuardrailChecks``, with one message a call: a score names none.
    """

    def __init__(self, options: BedrockChecksOptions, tools: DetectorTools) -> None:
        self._options = options
        self._checks = options.checks()
        self._runtime = BedrockRuntime(options, tools)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        bundles = bundles_of(
            ((_role_of(one), one.text) for one in question.passages),
            limit=self._options.max_characters,
            join=self._options.join_characters,
        )
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(_role_of(question.passages[bundle.number]), bundle)
                for bundle in bundles
            )
        return gathered(heard, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Let go of connections and threads.
        """
        await self._runtime.close()

    async def _ask(self, role: str, bundle: Bundle) -> Heard:
        answer = await self._runtime.call(
            "invoke_guardrail_checks",
            messages=[{"role": role, "content": [{"text": bundle.text}]}],
            checks=self._checks,
        )
        results = answers.table(answer, "results")
        heard = Heard(units=_units_of(answer))
        for check in self._checks:
            result = answers.table(results, check)
            if check == "sensitiveInformation":
                found = self._places(result, bundle.text)
            else:
                found = self._scores(result)
            for find in found:
                heard.add(find, bundle)
        return heard

    def _scores(self, result: Mapping[str, Any]) -> Iterator[Find]:
        for row in answers.rows(result, "results"):
            score = answers.score(row, "severityScore")
            if score >= self._options.least_score and score > 0:
                kind = answers.name(row, "category").lower()
                yield Find(0, 0, kind, _severity(score), score)

    def _places(self, result: Mapping[str, Any], text: str) -> Iterator[Find]:
        if result.get("truncated"):
            raise failures.partial("AWS looked for personal facts in a part only")
        for row in answers.rows(result, "results"):
            score = answers.score(row, "confidenceScore")
            kind = answers.name(row, "type")
            begins, ends = (
                answers.number(row, name) for name in ("beginOffset", "endOffset")
            )
            span = span_of(text, begins, ends, self._options.offsets)
            if score >= self._options.least_score:
                yield Find(*span, type_of(kind), severity_of(kind), score)


def _role_of(passage: Passage) -> str:
    return _ROLES.get(passage.place.role or "", "user")


def _severity(score: float) -> Severity:
    return "high" if score >= 0.75 else "medium"


def _units_of(answer: Mapping[str, Any]) -> Counter[str]:
    names = {
        "contentFilter": "content_filter_text_units",
        "promptAttack": "prompt_attack_text_units",
        "sensitiveInformation": "sensitive_information_text_units",
    }
    usage = answers.table(answer, "usage")
    return Counter(
        {
            name: answers.number(answers.table(usage, check), "textUnits")
            for check, name in names.items()
            if usage.get(check) is not None
        }
    )


def _make(options: BedrockChecksOptions, tools: DetectorTools) -> BedrockChecksJudge:
    check_extra("bedrock_checks")
    return BedrockChecksJudge(options, tools)


BEDROCK_CHECKS: Final = Detector(
    name="bedrock_checks",
    Options=BedrockChecksOptions,
    make=_make,
    is_local=False,
    summary="Checks of Amazon Bedrock that need no guardrail (InvokeGuardrailChecks).",
)
