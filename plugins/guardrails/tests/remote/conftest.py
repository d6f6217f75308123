"""
The fakes stand beside the tests, not in a package: this is what finds them.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from fakes.asking import open_tools
from fakes.azure import FakeAzure
from fakes.bedrock import FakeBedrock

from gateway.detecting import DetectorTools


@pytest.fixture
async def tools() -> AsyncIterator[DetectorTools]:
    """
    Tools of a gateway: secrets of the environment, and a way out.
    """
    async with open_tools() as tools:
        yield tools


@pytest.fixture
async def azure() -> AsyncIterator[FakeAzure]:
    """
    Azure AI Content Safety, which was asked nothing that it does not allow.
    """
    async with FakeAzure() as fake:
        yield fake
        assert fake.violations == []


@pytest.fixture
async def bedrock() -> AsyncIterator[FakeBedrock]:
    """
    Bedrock's runtime, likewise.
    """
    async with FakeBedrock() as fake:
        yield fake
        assert fake.violations == []
