"""
A service of one's own: the contract stands in ``WEBHOOK.md`` of this plugin.

The signature is that of https://www.standardwebhooks.com (MIT), for which there are libraries in
many languages.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from secrets import token_hex
from typing import Any, Final, Literal, cast, get_args

import attrs

from gateway import codec
from gateway.detecting import Detector, DetectorTools, Find, Opinion, Question, Severity
from gateway.settings import SecretRef, at_least, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import check_may_ask, within
from gateway_guardrails.remote.bundles import Bundle
from gateway_guardrails.remote.offsets import span_of
from gateway_guardrails.remote.opinions import Heard, gathered
from gateway_guardrails.remote.services import HttpOptions, Service

__all__ = ["WEBHOOK", "WebhookJudge", "WebhookOptions"]

VERSION: Final = 1
MAX_FINDINGS: Final = 10_000

Action = Literal["allow", "flag", "redact", "block"]

_ACTIONS: Final = get_args(Action)
_SEVERITIES: Final = get_args(Severity)
_ENCODED_SECRET: Final = "whsec_"
_FIELDS: Final = frozenset({"action", "findings", "masked"})
#: What an action without findings is told as.
_ALONE: Final = {
    "flag": Find(0, 0, "flagged", "medium"),
    "block": Find(0, 0, "blocked", "high"),
}
_FINDING_FIELDS: Final = frozenset(
    {"passage", "start", "end", "type", "severity", "score"}
)


@attrs.frozen(kw_only=True)
class WebhookOptions(HttpOptions):
    """
    What a rule says of a webhook.

    Attributes:
        secret: What requests are signed with: a text, or ``whsec_`` and base64.
        authorization: The value of the header ``Authorization``, if one is needed.
        sends_context: The question, the sources and the system prompt are sent too.
        max_request_bytes: What is longer is not sent, which is a failure.
        prices: USD per 1,000 calls, the unit that is counted.
    """

    secret: SecretRef | None = attrs.field(
        default=None, metadata=told("Where the key of the signature is found.")
    )
    authorization: SecretRef | None = attrs.field(
        default=None,
        metadata=told("Where the value of the header Authorization is found."),
    )
    sends_context: bool = attrs.field(
        default=True,
        metadata=told("Whether question, sources and system prompt are sent."),
    )
    max_request_bytes: int = attrs.field(
        default=4 << 20,
        validator=at_least(1024),
        metadata=told("Bytes of a request; what is longer is a failure."),
    )
    prices: Mapping[str, Decimal] = attrs.field(
        factory=dict, metadata=told("USD per 1,000 calls: {calls: …}.")
    )


class WebhookJudge:
    """
    Asks once for each question, whole.
    """

    def __init__(self, options: WebhookOptions, tools: DetectorTools) -> None:
        self._options = options
        self._tools = tools
        self._service = Service(options, tools)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        body = codec.dumps(self._document(question))
        if len(body) > self._options.max_request_bytes:
            limit = self._options.max_request_bytes
            raise failures.partial(f"a request beyond {limit} bytes")
        async with within(self._options.timeout_s):
            answer = await self._service.ask("", body, self._headers(body))
        return _Reading(question, answer).opinion(self._options.prices)

    async def close(self) -> None:
        """
        Do nothing: the way out is the gateway's.
        """

    def _document(self, question: Question) -> dict[str, Any]:
        exchange = question.exchange
        document: dict[str, Any] = {
            "version": VERSION,
            "stage": question.stage,
            "request_id": exchange.id if exchange is not None else None,
            "passages": [
                {"role": one.place.role, "kind": one.place.kind, "text": one.text}
                for one in question.passages
            ],
        }
        if self._options.sends_context:
            document["query"] = question.query
            document["sources"] = list(question.sources)
            document["system"] = question.system
        return document

    def _headers(self, body: bytes) -> dict[str, str]:
        message_id, seconds = f"msg_{token_hex(16)}", int(self._tools.clock.now())
        headers = {"webhook-id": message_id, "webhook-timestamp": str(seconds)}
        if self._options.secret is not None:
            key = _key_of(self._service.secret(self._options.secret))
            signed = f"{message_id}.{seconds}.".encode() + body
            digest = b64encode(hmac.digest(key, signed, "sha256")).decode()
            headers["webhook-signature"] = f"v1,{digest}"
        if self._options.authorization is not None:
            value = self._service.secret(self._options.authorization)
            headers["authorization"] = value
        return headers


def _key_of(secret: str) -> bytes:
    """
    Return the key that *secret* stands for.
    """
    if not secret.startswith(_ENCODED_SECRET):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(_ENCODED_SECRET), validate=True)
    except binascii.Error:
        raise failures.misconfigured(
            "a secret with whsec_ is base64 behind it"
        ) from None


@attrs.frozen
class _Reading:
    """
    Reads an answer strictly: a field that nobody knows may have been meant as a no.
    """

    question: Question
    answer: Mapping[str, Any]

    def opinion(self, prices: Mapping[str, Decimal]) -> Opinion:
        """
        Return what it says.

        Raises:
            DetectorFailed: It breaks the contract.
        """
        _check_fields(self.answer, _FIELDS)
        action = answers.word(self.answer, "action")
        if action not in _ACTIONS:
            raise failures.garbage("an action that there is not")
        heard = Heard(is_blocked=action == "block", units=Counter({"calls": 1}))
        self._hear(action, heard)
        if action == "redact" and not (heard.finds or heard.masked):
            raise failures.garbage("redact without places or masked texts")
        if action in _ALONE and not (heard.finds or heard.whole or heard.flagged):
            heard.add(_ALONE[action], self._passage(0), is_flag=action == "flag")
        return gathered([heard], len(self.question.passages), prices)

    def _hear(self, action: str, heard: Heard) -> None:
        for number, find in self._findings():
            # A place is what is redacted; what has none beside it is told, no more.
            is_flag = action in {"allow", "flag"} or (
                action == "redact" and not find.end
            )
            heard.add(find, self._passage(number), is_flag=is_flag)
        heard.masked = self._masked()
        if heard.masked and action != "redact":
            raise failures.garbage("masked texts with another action than redact")

    def _passage(self, number: int) -> Bundle:
        return Bundle.of(number, self.question.passages[number].text)

    def _findings(self) -> Iterator[tuple[int, Find]]:
        if "findings" not in self.answer:
            return
        rows = answers.rows(self.answer, "findings")
        if len(rows) > MAX_FINDINGS:
            raise failures.garbage(f"more than {MAX_FINDINGS} findings")
        for row in rows:
            _check_fields(row, _FINDING_FIELDS)
            yield self._finding(row)

    def _finding(self, row: Mapping[str, Any]) -> tuple[int, Find]:
        kind = answers.name(row, "type")
        severity = row.get("severity", "medium")
        if severity not in _SEVERITIES:
            raise failures.garbage("a severity that there is not")
        score = answers.score(row, "score") if "score" in row else 1.0
        find = Find(0, 0, kind, cast("Severity", severity), score)
        if row.get("passage") is None:
            return 0, find
        number = answers.number(row, "passage")
        if number >= len(self.question.passages):
            raise failures.garbage("a passage that there is not")
        if row.get("start") is None and row.get("end") is None:
            return number, find
        start, end = (answers.number(row, name) for name in ("start", "end"))
        text = self.question.passages[number].text
        start, end = span_of(text, start, end, "codepoint")
        return number, find._replace(start=start, end=end)

    def _masked(self) -> dict[int, str]:
        if self.answer.get("masked") is None:
            return {}
        masked = self.answer["masked"]
        if not isinstance(masked, list) or len(masked) != len(self.question.passages):
            raise failures.garbage("masked does not have as many texts as passages")
        if not all(one is None or isinstance(one, str) for one in masked):
            raise failures.garbage("masked holds what is neither a text nor null")
        return {
            number: one
            for number, one in enumerate(masked)
            if one is not None and one != self.question.passages[number].text
        }


def _check_fields(row: Mapping[str, Any], known: frozenset[str]) -> None:
    if not row.keys() <= known:
        raise failures.garbage("a field that the contract does not know")


WEBHOOK: Final = Detector(
    name="webhook",
    Options=WebhookOptions,
    make=WebhookJudge,
    is_local=False,
    summary="A service of one's own that speaks the contract in WEBHOOK.md.",
)
