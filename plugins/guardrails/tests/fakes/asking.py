"""
Making judges and asking them, as a rule does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fakes.bedrock import ACCESS_KEY, SECRET_KEY

from gateway.clock import SystemClock
from gateway.detecting import (
    Detector,
    DetectorTools,
    Judge,
    Passage,
    Place,
    Question,
    Stage,
)
from gateway.outbound import Outbound
from gateway.secrets import Secrets
from gateway.settings import settings_from_dict

AZURE_KEY = "azure-key-" + "of-a-test"
PATRONUS_KEY = "patronus-key-" + "of-a-test"
WEBHOOK_SECRET = "webhook-secret-" + "of-a-test"
ENVIRON = {
    "AWS_ID": ACCESS_KEY,
    "AWS_SECRET": SECRET_KEY,
    "AZURE_KEY": AZURE_KEY,
    "PATRONUS_KEY": PATRONUS_KEY,
    "WEBHOOK_SECRET": WEBHOOK_SECRET,
}


@asynccontextmanager
async def open_tools(**more: Any) -> AsyncIterator[DetectorTools]:
    """
    Tools as the plugin makes them.
    """
    settings = settings_from_dict({})
    secrets = Secrets(ENVIRON)
    async with Outbound.open(settings.egress, secrets) as outbound:
        yield DetectorTools(
            settings=settings,
            secrets=secrets,
            clock=SystemClock(),
            outbound=outbound,
            **more,
        )


@asynccontextmanager
async def made(
    detector: Detector, tools: DetectorTools, **options: Any
) -> AsyncIterator[Judge]:
    """
    A judge, closed in the end.
    """
    judge = detector.make(detector.Options(**options), tools)
    try:
        yield judge
    finally:
        await judge.close()


def question(
    *texts: str | Passage, stage: Stage = "input", role: str = "user", **more: Any
) -> Question:
    """
    A question about messages.
    """
    place = Place(stage=stage, role=role)
    passages: Sequence[Passage] = [
        one if isinstance(one, Passage) else Passage(one, place) for one in texts
    ]
    return Question(stage=stage, passages=passages, **more)
