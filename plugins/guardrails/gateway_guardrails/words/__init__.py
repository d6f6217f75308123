"""
Words, phrases and topics that are not wanted, by lists.
"""

from __future__ import annotations

from gateway_guardrails.words.detector import WORDS, WordsDetector, WordsOptions
from gateway_guardrails.words.topics import TOPICS, Topic, TopicsDetector, TopicsOptions

__all__ = [
    "TOPICS",
    "WORDS",
    "Topic",
    "TopicsDetector",
    "TopicsOptions",
    "WordsDetector",
    "WordsOptions",
]
