"""
What a rule may say of the detector is read like any settings.
"""

from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.settings import settings_from_dict
from gateway_guardrails import GuardrailsSettings
from gateway_guardrails.injection import INJECTION, InjectionOptions
from gateway_guardrails.policy.rules import read_detector


def read(**told) -> InjectionOptions:
    rule = {"detectors": [{"type": "injection", **told}], "action": "block"}
    settings = settings_from_dict({"plugins": {"guardrails": {"rules": {"a": rule}}}})
    rules = settings.plugin("guardrails", GuardrailsSettings).rules
    options = read_detector(rules["a"].detectors[0], {"injection": INJECTION}).options
    assert isinstance(options, InjectionOptions)
    return options


def test_reads_all_of_them():
    """
    Thresholds by position, weights by family, languages by name.
    """
    told = read(
        user=0.7, tool=0.5, families={"persona": 0, "override": 1.1}, languages=["de"]
    )

    assert (told.user, told.tool, told.assistant) == (0.7, 0.5, 0.5)
    assert told.families == {"persona": 0, "override": 1.1}
    assert list(told.languages) == ["de"]


@pytest.mark.parametrize(
    "told",
    [
        {"user": 0},
        {"tool": 1.5},
        {"families": {"unknown": 1}},
        {"languages": ["xx"]},
        {"x": 1},
    ],
    ids=str,
)
def test_says_where_they_are_wrong(told):
    """
    A wrong option is refused, by its path.
    """
    with pytest.raises(ConfigError, match=r"detectors"):
        read(**told)
