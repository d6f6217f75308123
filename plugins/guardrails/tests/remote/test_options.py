"""
Options of remote detectors, as a settings file writes them.
"""

from __future__ import annotations

from textwrap import dedent

import attrs
import pytest

from gateway.errors import ConfigError
from gateway.settings import structure
from gateway.settings.document import read_document
from gateway.settings.problems import Problems
from gateway_guardrails import remote

WRITTEN = {
    "bedrock": """
        id: abc123
        version: "7"
        region: eu-central-1
        endpoint_url: https://vpce.example
        access_key: env.AWS_ID
        secret_key: env.AWS_SECRET
        session_token: file./run/token
        grounding: true
        timeout_s: 2.5
        prices: {content_policy_units: 0.15}
    """,
    "bedrock_checks": """
        content: [HATE]
        attacks: []
        entities: [EMAIL, PHONE]
        offsets: utf16
        least_score: 0.7
    """,
    "azure": """
        endpoint: https://safety.example
        key: env.AZURE_KEY
        categories: [Hate, Violence]
        levels: 8
        threshold: 3
        thresholds: {Hate: 2}
        blocklists: [ours]
        halt_on_blocklist_hit: true
        usd_per_1000_records: 0.38
    """,
    "azure_shield": "{endpoint: https://safety.example, token: env.TOKEN}",
    "azure_protected": "{endpoint: https://safety.example, key: env.AZURE_KEY}",
    "azure_grounding": """
        endpoint: https://safety.example
        key: env.AZURE_KEY
        domain: Medical
        task: Summarization
        needs_sources: true
        least_share: 0.2
    """,
    "patronus": """
        key: env.PATRONUS_KEY
        evaluators:
          - lynx/patronus:hallucination
          - {evaluator: judge, criteria: "patronus:prompt-injection", severity: critical}
        fields: evaluated_model
        input_as: input
    """,
    "webhook": """
        endpoint: https://judge.example/v1
        secret: env.WEBHOOK_SECRET
        authorization: env.BEARER
        sends_context: false
    """,
    "model": "{model: guard, prompt: Find talk about robbery., max_characters: 1000}",
}


def test_every_detector_is_tried():
    """
    A detector without an example here was forgotten.
    """
    assert set(WRITTEN) == {one.name for one in remote.REMOTE}


@pytest.mark.parametrize("detector", remote.REMOTE, ids=lambda one: one.name)
def test_options_are_read_from_a_settings_file(detector):
    """
    Every kind of value that they take can be written.
    """
    options = read(detector, WRITTEN[detector.name])

    assert isinstance(options, detector.Options)


@pytest.mark.parametrize("detector", remote.REMOTE, ids=lambda one: one.name)
def test_every_option_says_what_it_is(detector):
    """
    The schema and the documentation are made of these words.
    """
    assert [
        field.name for field in attrs.fields(detector.Options) if not field.metadata
    ] == []
    assert detector.summary.endswith(".")
    assert not detector.is_local


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bedrock", "{}", "id"),
        ("bedrock", "{id: ABC}", "id"),
        ("bedrock", "{id: abc, access_key: env.A}", "go together"),
        ("bedrock", "{id: abc, secret_key: AKIAFAKE}", "reference"),
        ("bedrock", "{id: abc, region: Frankfurt}", "region"),
        ("bedrock_checks", "{entities: [SHOE_SIZE]}", "entities"),
        ("azure", "{endpoint: https://a.example}", "either key or token"),
        ("azure", "{endpoint: ftp://a.example, key: env.K}", "http"),
        ("webhook", "{endpoint: http://judge.example}", "allow_http"),
        ("patronus", "{key: env.K, evaluators: []}", "evaluators"),
        ("model", "{model: guard}", "prompt"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(name, text, told):
    """
    An operator reads what is wrong where it stands.
    """
    detector = next(one for one in remote.REMOTE if one.name == name)

    with pytest.raises(ConfigError, match=told):
        read(detector, text)


def read(detector, text):
    problems = Problems("a file")
    node = read_document(dedent(text).encode(), problems)
    assert not problems
    return structure(node, detector.Options)
