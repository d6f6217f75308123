"""
Every detector that asks a service, each with its fake: what must hold for all is said once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from fakes.asking import question
from fakes.azure import FakeAzure
from fakes.bedrock import REGION, FakeBedrock
from fakes.patronus import FakePatronus
from fakes.serving import FakeService
from fakes.webhook import FakeWebhook

from gateway.detecting import Detector, Question
from gateway.settings import SecretRef
from gateway_guardrails import remote

_AWS = {
    "region": REGION,
    "access_key": SecretRef.parse("env.AWS_ID"),
    "secret_key": SecretRef.parse("env.AWS_SECRET"),
}
_AZURE = {"key": SecretRef.parse("env.AZURE_KEY")}


@attrs.frozen(kw_only=True)
class Service:
    """
    A detector, the service that it asks, and a question that makes it ask.

    Attributes:
        url: The name of the option that holds the URL.
        path: What follows the fake's URL there.
        asked: The question.
    """

    detector: Detector
    fake: Callable[..., FakeService]
    options: dict[str, Any]
    url: str = "endpoint"
    path: str = ""
    asked: Question

    def options_for(self, url: str, **more: Any) -> dict[str, Any]:
        return {**self.options, self.url: url + self.path, **more}


#: What is asked about: it must not turn up in any failure.
CANARY = "canary-4711 " * 20
_INPUT = question(CANARY)
_OUTPUT = question(CANARY, stage="output", sources=("canary-source",), query="canary?")

SERVICES = {
    service.detector.name: service
    for service in (
        Service(
            detector=remote.BEDROCK,
            fake=FakeBedrock,
            options={"id": "abc123", **_AWS},
            url="endpoint_url",
            asked=_INPUT,
        ),
        Service(
            detector=remote.BEDROCK_CHECKS,
            fake=FakeBedrock,
            options=_AWS,
            url="endpoint_url",
            asked=_INPUT,
        ),
        Service(detector=remote.AZURE, fake=FakeAzure, options=_AZURE, asked=_INPUT),
        Service(
            detector=remote.AZURE_SHIELD, fake=FakeAzure, options=_AZURE, asked=_INPUT
        ),
        Service(
            detector=remote.AZURE_PROTECTED,
            fake=FakeAzure,
            options=_AZURE,
            asked=_OUTPUT,
        ),
        Service(
            detector=remote.AZURE_GROUNDING,
            fake=FakeAzure,
            options=_AZURE,
            asked=_OUTPUT,
        ),
        Service(
            detector=remote.PATRONUS,
            fake=FakePatronus,
            options={
                "key": SecretRef.parse("env.PATRONUS_KEY"),
                "evaluators": (remote.patronus.EvaluatorSettings(evaluator="judge"),),
            },
            asked=_INPUT,
        ),
        Service(
            detector=remote.WEBHOOK,
            fake=FakeWebhook,
            options={"secret": SecretRef.parse("env.WEBHOOK_SECRET")},
            path="/judge",
            asked=_INPUT,
        ),
    )
}
