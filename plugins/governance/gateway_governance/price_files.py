"""
The operator's price files: what they say of models outweighs what the gateway comes with.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.catalog import Catalog, ModelFacts, read_catalog_file


def read_price_files(paths: Iterable[Path]) -> list[ModelFacts]:
    """
    Read the files at *paths*; a later one outweighs an earlier one.

    Raises:
        CatalogError: one cannot be read; names the file, and what is wrong in it.
    """
    return list(Catalog(facts for path in paths for facts in read_catalog_file(path)))
