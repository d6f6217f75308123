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

from gateway.detecting import DetectorTools


@pytest.fixture
async def tools() -> AsyncIterator[DetectorTools]:
    """
    Tools of a gateway: secrets of the environment, and a way out.
    """
    async with open_tools() as tools:
        yield tools
