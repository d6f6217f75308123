"""
Patronus AI: evaluators of its own and of one's own, asked with one call for each passage.

Source: https://docs.patronus.ai/, and the client ``patronus-api`` (Apache-2.0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Opinion, Question, Severity
from gateway.settings import SecretRef, http_url, not_empty, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.bundles import Bundle
from gateway_guardrails.remote.offsets import span_of
from gateway_guardrails.remote.opinions import Heard, gathered
from gateway_guardrails.remote.parts import merged
from gateway_guardrails.remote.services import HttpOptions, Service

__all__ = ["PATRONUS", "EvaluatorSettings", "PatronusJudge", "PatronusOptions"]

#: Items of context that one call takes.
MAX_CONTEXT: Final = 50
#: Characters that one call takes: about as many tokens as Patronus allows, 120,000, if each is
#: but three characters.
MAX_CHARACTERS: Final = 360_000

#: What the fields are called: by the API's description, and by its older clients.
_VOCABULARIES: Final[Mapping[str, Mapping[str, str]]] = {
    "task": {
        "input": "task_input",
        "output": "task_output",
        "context": "task_context",
        "system": "system_prompt",
    },
    "evaluated_model": {
        "input": "evaluated_model_input",
        "output": "evaluated_model_output",
        "context": "evaluated_model_retrieved_context",
        "system": "evaluated_model_system_prompt",
    },
}


@attrs.frozen(kw_only=True)
class EvaluatorSettings:
    """
    One evaluator.

    Attributes:
        evaluator: Its id or alias: ``lynx``, ``judge``, ``pii``, ``toxicity``.
        criteria: Which of its criteria; None is its default.
        severity: What its finds count for.
    """

    evaluator: str = attrs.field(
        validator=not_empty, metadata=told("Its id or alias: lynx, judge, pii.")
    )
    criteria: str | None = attrs.field(
        default=None, metadata=told("Which of its criteria: patronus:hallucination.")
    )
    severity: Severity = attrs.field(
        default="high", metadata=told("What its finds count for.")
    )

    @classmethod
    def short_form(cls, text: str) -> EvaluatorSettings:
        """
        Read the short form, ``judge/patronus:prompt-injection`` or an id alone.
        """
        evaluator, _, criteria = text.partition("/")
        return cls(evaluator=evaluator, criteria=criteria or None)

    @property
    def type(self) -> str:
        """
        What its finds are called.
        """
        return (self.criteria or self.evaluator).rpartition(":")[2].replace("-", "_")


@attrs.frozen(kw_only=True)
class PatronusOptions(HttpOptions):
    """
    What a rule says of Patronus.

    Attributes:
        key: The API key.
        evaluators: Who judges.
        fields: Whose words the request's fields have.
        input_as: What the text of a request is to an evaluator: most look at an output only.
        project: The project it is filed under; what was asked is never stored there.
        prices: USD per 1,000 evaluations, which is the unit that is counted.
    """

    endpoint: str = attrs.field(
        default="https://api.patronus.ai",
        validator=http_url,
        metadata=told("The service's URL."),
    )
    key: SecretRef = attrs.field(metadata=told("Where the API key is found."))
    evaluators: tuple[EvaluatorSettings, ...] = attrs.field(
        validator=attrs.validators.min_len(1),
        metadata=told("Who judges: lynx, judge/patronus:prompt-injection, or tables."),
    )
    fields: Literal["task", "evaluated_model"] = attrs.field(
        default="task", metadata=told("Names of fields: task_*, or evaluated_model_*.")
    )
    input_as: Literal["input", "output", "both"] = attrs.field(
        default="both",
        metadata=told("As what evaluators see the text of a request."),
    )
    project: str | None = attrs.field(
        default=None, metadata=told("The project it is filed under.")
    )
    prices: Mapping[str, Decimal] = attrs.field(
        factory=dict, metadata=told("USD per 1,000 evaluations: {evaluations: …}.")
    )


class PatronusJudge:
    """
    Asks ``/v1/evaluate``; nothing that was asked is stored there, nothing is explained.
    """

    def __init__(self, options: PatronusOptions, tools: DetectorTools) -> None:
        self._options = options
        self._service = Service(options, tools)
        self._names = _VOCABULARIES[options.fields]

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(question, number, passage.text)
                for number, passage in enumerate(question.passages)
                if passage.text.strip()
            )
        return gathered(heard, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Do nothing: the way out is the gateway's.
        """

    async def _ask(self, question: Question, number: int, text: str) -> Heard:
        told = self._told(question, text)
        if _characters(told) > MAX_CHARACTERS:
            raise failures.partial(f"more than {MAX_CHARACTERS} characters")
        document = {
            **{self._names[name]: value for name, value in told.items()},
            "evaluators": [self._evaluator(one) for one in self._options.evaluators],
            "capture": "none",
        }
        if self._options.project is not None:
            document["project_name"] = self._options.project
        key = self._service.secret(self._options.key)
        answer = await self._service.post("/v1/evaluate", document, {"x-api-key": key})
        return self._read(answer, number, text)

    def _told(self, question: Question, text: str) -> dict[str, Any]:
        if question.stage == "output":
            told = {"input": question.query, "output": text, "system": question.system}
        else:
            ways = {"both": ("input", "output")}
            names = ways.get(self._options.input_as, (self._options.input_as,))
            told = dict.fromkeys(names, text)
        context = _few([one for one in question.sources if one])
        return {
            name: value for name, value in {**told, "context": context}.items() if value
        }

    def _evaluator(self, settings: EvaluatorSettings) -> dict[str, Any]:
        asked = {"evaluator": settings.evaluator, "explain_strategy": "never"}
        if settings.criteria is not None:
            asked["criteria"] = settings.criteria
        return asked

    def _read(self, answer: Mapping[str, Any], number: int, text: str) -> Heard:
        results = answers.rows(answer, "results")
        evaluators = self._options.evaluators
        if len(results) != len(evaluators):
            raise failures.partial(f"{len(results)} of {len(evaluators)} evaluators")
        heard = Heard(units=Counter({"evaluations": len(results)}))
        for settings, result in zip(evaluators, results, strict=True):
            judged = _judged(result)
            if not _passes(judged):
                found = Find(0, 0, settings.type, settings.severity)
                places = list(_places(judged, text, found))
                for find in places or [found]:
                    heard.add(find, Bundle.of(number, text))
        return heard


def _judged(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Return what an evaluator found; that it failed, or has no opinion, is no pass.
    """
    status = answers.word(result, "status")
    if status != "success":
        raise failures.partial(f"evaluator status {failures.word_of(status)}".rstrip())
    if result.get("evaluation_result") is None:
        raise failures.partial("an evaluator without a result")
    judged = answers.table(result, "evaluation_result")
    if judged.get("pass") is None:
        raise failures.partial("an evaluator that neither passes nor fails")
    return judged


def _passes(judged: Mapping[str, Any]) -> bool:
    """
    Tell whether *judged* is a pass by each name that it has: Patronus' clients write ``pass_``.
    """
    passes = answers.flag(judged, "pass")
    if judged.get("pass_") is not None:
        passes = answers.flag(judged, "pass_") and passes
    return passes


def _places(judged: Mapping[str, Any], text: str, found: Find) -> Iterator[Find]:
    """
    Yield all places, those that overlap as one.
    """
    more = judged.get("additional_info")
    if more is None or answers.row(more, "additional_info").get("positions") is None:
        return
    positions = more["positions"]
    if not isinstance(positions, list) or not all(map(_is_pair, positions)):
        raise failures.garbage("positions that are no pairs of numbers")
    for position in merged(positions):
        start, end = span_of(text, *position, "codepoint")
        yield found._replace(start=start, end=end)


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
    )


def _few(sources: list[str]) -> list[str]:
    """
    Return *sources* as no more items than one call takes: the last one holds the rest.
    """
    if len(sources) <= MAX_CONTEXT:
        return sources
    return [*sources[: MAX_CONTEXT - 1], "\n\n".join(sources[MAX_CONTEXT - 1 :])]


def _characters(told: Mapping[str, str | Sequence[str]]) -> int:
    return sum(
        len(value) if isinstance(value, str) else sum(map(len, value))
        for value in told.values()
    )


PATRONUS: Final = Detector(
    name="patronus",
    Options=PatronusOptions,
    make=PatronusJudge,
    is_local=False,
    needs_whole=True,
    summary="Evaluators of Patronus AI.",
)
