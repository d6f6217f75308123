"""
Filters: what plugins do to an answer on its way to the caller.

A `StreamFilter` gets the chunks of each read and returns those that may leave.  A `TextFilter`
needs only ``find``, which says what to replace in a running text and up to where all is decided;
everything about events, order, repeats and offsets is done for it.  A `Pipeline` puts filters in
series.

Invariant of every text filter: each prefix of what is sent is a prefix of what would be sent if
the whole text had been judged at once.
"""

from __future__ import annotations

from gateway.exchange import Outcome
from gateway.filters.edits import Edit, decided, splice
from gateway.filters.json_text import JsonPlaces
from gateway.filters.pipeline import Pipeline, Stage
from gateway.filters.stream import ChunkHook, StreamFilter
from gateway.filters.text import TextFilter

__all__ = [
    "ChunkHook",
    "Edit",
    "JsonPlaces",
    "Outcome",
    "Pipeline",
    "Stage",
    "StreamFilter",
    "TextFilter",
    "decided",
    "splice",
]
