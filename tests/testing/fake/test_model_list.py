"""
Lists of models, read by the SDKs.
"""

from __future__ import annotations

import anthropic
import openai
import pytest
from anthropic.types import ModelInfo
from openai.types import Model
from pydantic import TypeAdapter

from gateway.testing import FakeUpstream
from gateway.testing.fake.errors import Vendor
from gateway.testing.fake.model_list import list_models, show_model


def test_models_are_what_the_sdks_expect():
    """
    One model validates against each vendor's type.
    """
    TypeAdapter(Model).validate_python(show_model(Vendor.OPENAI, "m"))
    TypeAdapter(ModelInfo).validate_python(show_model(Vendor.ANTHROPIC, "m"))


def test_an_empty_list_has_no_first():
    """
    A page without models has no ends.
    """
    page = list_models(Vendor.ANTHROPIC, ())

    assert (page["data"], page["first_id"], page["last_id"]) == ([], None, None)


@pytest.fixture
async def shop():
    async with FakeUpstream(models=["gpt-x", "claude-x"]) as upstream:
        yield upstream


async def test_openai_lists(shop):
    """
    The SDK lists the models, and gets one.
    """
    async with openai.AsyncOpenAI(
        base_url=shop.openai_url, api_key="any", max_retries=0
    ) as client:
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("gpt-x")

        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-y")

    assert (names, one.id) == (["gpt-x", "claude-x"], "gpt-x")


async def test_anthropic_lists(shop):
    """
    The same path has the other shape for who sends the version header.
    """
    async with anthropic.AsyncAnthropic(
        base_url=shop.url, api_key="any", max_retries=0
    ) as client:
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("claude-x")

        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("claude-y")

    assert (names, one.display_name) == (["gpt-x", "claude-x"], "claude-x")


async def test_scripted_models_are_listed(fake, openai_client):
    """
    Without a list, the models are those that have a script.
    """
    from gateway.testing import Script

    fake.script("scripted", Script())

    assert [model.id async for model in openai_client.models.list()] == ["scripted"]
