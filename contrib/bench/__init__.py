"""
Measure what a gateway costs: ``python contrib/bench``.

Every subject carries the same load in rounds that take turns, so that what else the
machine does meets all of them alike.  What counts is CPU time per request, which a busy
machine changes little, and the ratio to a proxy of thirty lines in the same run.

Runs on Linux: CPU time and memory of other processes are read from ``/proc``.
"""

from __future__ import annotations
