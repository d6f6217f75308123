"""
Detectors of words and topics.
"""

from __future__ import annotations

from gateway.detecting import DetectorTools, Place
from gateway.secrets import Secrets
from gateway.settings import Settings
from gateway.testing import ManualClock
from gateway_guardrails.words import TOPICS, WORDS, TopicsOptions, WordsOptions

PLACE = Place(stage="output", role="assistant")
TOOLS = DetectorTools(settings=Settings(), secrets=Secrets({}), clock=ManualClock())


def words(**options):
    """
    Make a detector of words as a rule would.
    """
    return WORDS.make(WordsOptions(**options), TOOLS)


def topics(*told, **options):
    """
    Make a detector of topics as a rule would.
    """
    return TOPICS.make(TopicsOptions(topics=told, **options), TOOLS)


def found_in(detector, text):
    """
    Return what is found, as it stands in *text*.
    """
    finds, _ = detector.find(text, 0, final=True, place=PLACE)
    return [text[find.start : find.end] for find in finds]
