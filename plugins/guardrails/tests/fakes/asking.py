"""
Making judges and asking them, as a rule does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fakes import azure, bedrock, patronus, webhook

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

ENVIRON = {
    "AWS_ID": bedrock.ACCESS_KEY,
    "AWS_SECRET": bedrock.SECRET_KEY,
    "AZURE_KEY": azure.KEY,
    "ENTRA_TOKEN": azure.TOKEN,
    "PATRONUS_KEY": patronus.KEY,
    "WEBHOOK_SECRET": webhook.SECRET,
}


@asynccontextmanager
async def open_tools(
    *, environ: Mapping[str, str] = ENVIRON, **tables: Any
) -> AsyncIterator[DetectorTools]:
    """
    Tools as the plugin makes them, with settings of these *tables*.
    """
    settings = settings_from_dict(tables)
    secrets = Secrets(environ)
    async with Outbound.open(settings.egress, secrets) as outbound:
        yield DetectorTools(
            settings=settings,
            secrets=secrets,
            clock=SystemClock(),
            outbound=outbound,
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
