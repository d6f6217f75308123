"""
Amazon Bedrock Guardrails: a guardrail made in AWS, applied to what passes here.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, Final, Literal

import attrs

from gateway.detecting import (
    Detector,
    DetectorTools,
    Opinion,
    Question,
)
from gateway.settings import told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.assessments import units_of
from gateway_guardrails.remote.aws import AwsOptions, check_extra
from gateway_guardrails.remote.bedrock_reading import Reading, Unplaced
from gateway_guardrails.remote.bedrock_runtime import BedrockRuntime
from gateway_guardrails.remote.bundles import Bundle, bundles_of
from gateway_guardrails.remote.images import MAX_IMAGES, Image, images_of
from gateway_guardrails.remote.opinions import Heard, gathered

__all__ = ["BEDROCK", "BedrockJudge", "BedrockOptions"]

#: USD per 1,000 text units; words and patterns of one's own are free.
#: Source: https://aws.amazon.com/bedrock/pricing/, as reported in May 2026.
PRICES: Final[Mapping[str, Decimal]] = {
    "content_policy_units": Decimal("0.15"),
    "topic_policy_units": Decimal("0.15"),
    "sensitive_information_policy_units": Decimal("0.10"),
    "contextual_grounding_policy_units": Decimal("0.10"),
}
#: Characters of what an answer is checked against, and of a question.
MAX_SOURCE_CHARACTERS: Final = 100_000
MAX_QUERY_CHARACTERS: Final = 1_000
MAX_GROUNDED_CHARACTERS: Final = 5_000


@attrs.frozen(kw_only=True)
class BedrockOptions(AwsOptions):
    """
    What a rule says of a guardrail in AWS.

    Attributes:
        id: The guardrail's id or ARN.
        version: A number, or ``DRAFT``.
        grounding: Send the request's tool results and documents, and what was asked, with an
            answer, for contextual grounding.
        images: Whether a request's images are judged as well.
        other_images: What becomes of images that AWS cannot look at: other formats than PNG and
            JPEG, addresses, files.
        prices: USD per 1,000 of each unit; others cost nothing that is known.
    """

    id: str = attrs.field(
        validator=attrs.validators.matches_re(
            r"[a-z0-9]+|arn:aws[a-z-]*:bedrock:[a-z0-9-]{1,20}:\d{12}:guardrail/[a-z0-9]+"
        ),
        metadata=told("The guardrail's id or ARN."),
    )
    version: str = attrs.field(
        default="DRAFT",
        validator=attrs.validators.matches_re(r"[1-9]\d{0,7}|DRAFT"),
        metadata=told("Its version: a number, or DRAFT."),
    )
    grounding: bool = attrs.field(
        default=False,
        metadata=told(
            "Check answers against the request's tool results and documents."
        ),
    )
    images: Literal["ignore", "check"] = attrs.field(
        default="ignore",
        metadata=told("Whether a request's images are judged as well."),
    )
    other_images: Literal["fail", "ignore"] = attrs.field(
        default="fail",
        metadata=told("Images that cannot be looked at: a failure, or ignored."),
    )
    prices: Mapping[str, Decimal] = attrs.field(
        factory=lambda: dict(PRICES),
        metadata=told("USD per 1,000 of each unit that AWS counts."),
    )


#: What an image is told as: nothing can be found, and nothing put, in its place.
_NO_TEXT: Final = attrs.evolve(Bundle.of(0, ""), is_whole=False)


class BedrockJudge:
    """
    Asks ``ApplyGuardrail``, with one text a call: only so is it certain what an answer is of.
    """

    def __init__(self, options: BedrockOptions, tools: DetectorTools) -> None:
        self._options = options
        self._runtime = BedrockRuntime(options, tools)

    @property
    def reads_images(self) -> bool:
        """
        Whether it is to be asked about images as well (`gateway.detecting.Judge`).
        """
        return self._options.images == "check"

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        beside = self._grounding_of(question)
        bundles = bundles_of(
            (("", one.text) for one in question.passages),
            limit=MAX_GROUNDED_CHARACTERS if beside else self._options.max_characters,
            join=0 if beside else self._options.join_characters,
        )
        async with within(self._options.timeout_s):
            images = await self._images_of(question)
            heard = await all_of(
                [
                    *(self._ask(question, bundle, beside) for bundle in bundles),
                    *(self._look(some) for some in images),
                ]
            )
        each = chain.from_iterable(heard)
        return gathered(each, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Let go of connections and threads.
        """
        await self._runtime.close()

    async def _ask(
        self, question: Question, bundle: Bundle, beside: Sequence[Mapping[str, Any]]
    ) -> list[Heard]:
        block: dict[str, Any] = {"text": bundle.text}
        if beside:
            block["qualifiers"] = ["guard_content"]
        answer = await self._runtime.call(
            "apply_guardrail",
            guardrailIdentifier=self._options.id,
            guardrailVersion=self._options.version,
            source="INPUT" if question.stage == "input" else "OUTPUT",
            content=[*beside, {"text": block}],
        )
        heard = Heard(units=Counter(units_of(answers.table(answer, "usage"))))
        try:
            Reading(bundle, len(beside) + 1, heard).read(answer)
        except Unplaced:
            if len(bundle.pieces) == 1:
                raise failures.garbage("a mask that has no place in the text") from None
            alone = await all_of(
                self._ask(question, one, beside) for one in bundle.apart()
            )
            return [Heard(units=heard.units), *chain.from_iterable(alone)]
        return [heard]

    async def _look(self, images: Sequence[Image]) -> list[Heard]:
        """
        Have images judged, of which no text can be masked.
        """
        answer = await self._runtime.call(
            "apply_guardrail",
            guardrailIdentifier=self._options.id,
            guardrailVersion=self._options.version,
            source="INPUT",
            content=[
                {"image": {"format": one.format, "source": {"bytes": one.raw}}}
                for one in images
            ],
        )
        heard = Heard(units=Counter(units_of(answers.table(answer, "usage"))))
        try:
            Reading(_NO_TEXT, len(images), heard).read(answer)
        except Unplaced:
            raise failures.garbage("a mask where there is no text") from None
        return [heard]

    async def _images_of(self, question: Question) -> list[list[Image]]:
        """
        Return the request's images, in lots of which one call takes one.
        """
        exchange = question.exchange
        if not self.reads_images or question.stage != "input" or exchange is None:
            return []
        document = exchange.request.doc
        # Decoding megabytes of base64 is not for the loop.
        found = await asyncio.to_thread(images_of, document)
        if found.unseen and self._options.other_images == "fail":
            raise failures.partial("an image that AWS cannot look at")
        return [
            list(found.images[at : at + MAX_IMAGES])
            for at in range(0, len(found.images), MAX_IMAGES)
        ]

    def _grounding_of(self, question: Question) -> list[Mapping[str, Any]]:
        """
        Return the blocks that an answer is checked against.
        """
        is_asked = self._options.grounding and question.stage == "output"
        if not is_asked or not question.sources or not question.query:
            return []
        if sum(map(len, question.sources)) > MAX_SOURCE_CHARACTERS:
            raise failures.partial(f"sources beyond {MAX_SOURCE_CHARACTERS} characters")
        if len(question.query) > MAX_QUERY_CHARACTERS:
            raise failures.partial(f"a query beyond {MAX_QUERY_CHARACTERS} characters")
        blocks = [(one, "grounding_source") for one in question.sources if one]
        blocks.append((question.query, "query"))
        return [{"text": {"text": one, "qualifiers": [kind]}} for one, kind in blocks]


def _make(options: BedrockOptions, tools: DetectorTools) -> BedrockJudge:
    check_extra("bedrock")
    return BedrockJudge(options, tools)


BEDROCK: Final = Detector(
    name="bedrock",
    Options=BedrockOptions,
    make=_make,
    is_local=False,
    summary="A guardrail of Amazon Bedrock (ApplyGuardrail).",
)
