"""
Stems of words, by endings alone: enough to tell *bomb*, *bombs* and *bombing* as one.

These are light stemmers, after the idea of the S stemmer (D. Harman, "How effective is suffixing?",
JASIS 42, 1991): a few endings of nouns and verbs, longest first, and no dictionary.  They miss what
changes inside (*mice*), and take some words as one that are two.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import attrs

__all__ = ["LANGUAGES", "is_stopword", "stem_of"]

#: A stem keeps so many characters.
_LEAST: Final = 3
#: What `languages.toml` knows.
LANGUAGES: Final = ("en", "de", "fr", "es", "it", "pt", "nl")


@attrs.frozen
class _Language:
    endings: tuple[str, ...]
    stopwords: frozenset[str]


@functools.cache
def _languages() -> Mapping[str, _Language]:
    text = (files("gateway_guardrails.words") / "languages.toml").read_text("utf-8")
    return {
        name: _Language(
            tuple(told["endings"].split()), frozenset(told["stopwords"].split())
        )
        for name, told in tomllib.loads(text).items()
    }


def is_stopword(word: str, language: str) -> bool:
    """
    Tell whether a folded *word* says nothing of a topic.
    """
    known = _languages().get(language)
    return known is not None and word in known.stopwords


@functools.lru_cache(maxsize=16_384)
def stem_of(word: str, language: str) -> str:
    """
    Return the stem of a folded *word*; the word itself in a language without endings here.
    """
    known = _languages().get(language)
    for ending in known.endings if known is not None else ():
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            return _undoubled(word[: -len(ending)])
    return word


def _undoubled(stem: str) -> str:
    # running, run; but kill, killing.
    if len(stem) > _LEAST and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
        return stem[:-1]
    return stem
