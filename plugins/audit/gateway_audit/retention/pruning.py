"""
Which files may vanish below a minimum index (C2SP tlog-tiles, "Pruning").
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway_audit.tlog.tiles import MAX_LEVEL, WIDTH, Tile


def bundles_between(begin: int, end: int) -> range:
    """
    Return the numbers of the bundles that end behind *begin*, and at *end* or before.
    """
    return range(begin // WIDTH, end // WIDTH)


def tiles_pruned(before: int, min_index: int) -> Iterator[Tile]:
    """
    Yield the full tiles that may vanish with *min_index*, and might not with *before*.

    What is left gives every root from the minimum index on, every proof of consistency between
    such, and every proof of inclusion of later entries.
    """
    for level in range(MAX_LEVEL + 1):
        span = WIDTH ** (level + 1)
        for index in range(before // span, min_index // span):
            yield Tile(level, index)
