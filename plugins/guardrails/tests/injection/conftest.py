"""
A detector that has screens, and one that looks for literals.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.injection import InjectionDetector, InjectionOptions
from gateway_guardrails.injection.matching import Screens
from gateway_guardrails.screens import HAS_SCREENS


@pytest.fixture(scope="session")
def screens(tmp_path_factory) -> Screens:
    if not HAS_SCREENS:
        pytest.skip("hyperscan is not installed")
    made = Screens.kept(tmp_path_factory.mktemp("screens"))
    assert made is not None
    return made


@pytest.fixture(scope="module", params=["screens", "literals"])
def detector(request) -> InjectionDetector:
    is_screened = request.param == "screens"
    screens = request.getfixturevalue("screens") if is_screened else None
    return InjectionDetector(InjectionOptions(), screens=screens)
