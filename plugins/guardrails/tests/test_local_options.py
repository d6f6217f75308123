"""
Options of the detectors of secrets, words, topics and shape, as a settings file writes them.
"""

from __future__ import annotations

from textwrap import dedent

import attrs
import pytest

from gateway.detecting import DetectorTools, Place
from gateway.errors import ConfigError
from gateway.secrets import Secrets
from gateway.settings import Settings, structure
from gateway.settings.document import read_document
from gateway.settings.problems import Problems
from gateway.testing import ManualClock
from gateway_guardrails.secrets import SECRETS
from gateway_guardrails.shape import SHAPE, WHOLE_SHAPE
from gateway_guardrails.words import TOPICS, WORDS

DETECTORS = {one.name: one for one in (SECRETS, WORDS, TOPICS, SHAPE, WHOLE_SHAPE)}
WRITTEN = {
    "secrets": """
        without: [github_pat]
        names: false
        public: true
        own: false
        allowed: ["test-.*"]
    """,
    "words": """
        words: [orion]
        languages: {de: [Waffe], en: [bomb]}
        presets: [profanity.en]
        match: stem
        masks: true
        severity: high
        type: rude
    """,
    "topics": """
        topics:
          - name: explosives
            phrases: [pipe bomb]
            examples: ["how to build a bomb at home"]
            language: en
            severity: high
        overlap: 0.5
    """,
    "shape": """
        must_not: {ticket: "[A-Z]{3}-[0-9]{4}"}
        links: listed
        hosts: [a.example]
        code: false
        invisible: true
        operations: [generate, embed]
        dialects: [openai_chat]
        severity: low
    """,
    "whole_shape": """
        must: {sign: Yours}
        min_characters: 1
        max_characters: 9000
        min_words: 1
        max_words: 900
        json: true
        json_schema: {type: object, properties: {a: {type: integer, minimum: 0}}, required: [a]}
        roles: [assistant]
        kinds: [message]
        severity: high
    """,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_option_can_be_written(name):
    """
    All of them together make a detector; none that there is was left out here.
    """
    options = read(name, WRITTEN[name])
    detector = make(name, options)

    written = set(structure_of(WRITTEN[name]))
    assert written == {one.name for one in attrs.fields(DETECTORS[name].Options)}
    assert all(one.metadata.get("help") for one in attrs.fields(type(options)))
    assert detector.find("hello", 0, final=False, place=Place(stage="input"))[1] >= 0


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("secrets", "{except: []}", "except"),
        ("secrets", "{allowed: [(]}", "allowed"),
        ("words", "{}", "words"),
        ("words", "{match: fuzzy, words: [a]}", "match"),
        ("topics", "{topics: [{phrases: [a]}]}", "name"),
        ("shape", "{links: some}", "links"),
        ("whole_shape", "{json_schema: {type: thing}}", "json_schema"),
    ],
)
def test_what_cannot_be_is_told(name, text, told):
    """
    An operator reads which word was wrong.
    """
    with pytest.raises(ConfigError, match=told):
        make(name, read(name, text))


def test_a_schema_is_checked_as_it_was_written():
    """
    Numbers and words of the settings file are numbers and words of the schema.
    """
    detector = make("whole_shape", read("whole_shape", WRITTEN["whole_shape"]))
    place = Place(stage="output", role="assistant")

    fits, _ = detector.find('{"a": 1, "s": "Yours"}', 0, final=True, place=place)
    fails, _ = detector.find('{"a": -1, "s": "Yours"}', 0, final=True, place=place)

    assert (len(fits), [one.type for one in fails]) == (0, ["json_schema"])


def make(name, options):
    """
    Make a detector without providers.
    """
    tools = DetectorTools(settings=Settings(), secrets=Secrets({}), clock=ManualClock())
    return DETECTORS[name].make(options, tools)


def structure_of(text):
    """
    Return the keys that are written.
    """
    problems = Problems("a file")
    return read_document(dedent(text).encode(), problems).entries


def read(name, text):
    """
    Read a detector's options as the settings are read.
    """
    problems = Problems("a file")
    node = read_document(dedent(text).encode(), problems)
    assert not problems
    return structure(node, DETECTORS[name].Options)
