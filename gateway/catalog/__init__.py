"""
Facts of models: limits, dialects, prices; and what a usage costs.
"""

from __future__ import annotations

from gateway.catalog.buckets import (
    FIELDS,
    PICO_PER_THOUSANDTH,
    SCALES,
    pico_of,
    usd_of,
)
from gateway.catalog.catalog import Catalog
from gateway.catalog.dearest import Dearest
from gateway.catalog.facts import UNKNOWN, ModelFacts
from gateway.catalog.prices import Price, Rates, Tariff, Tier
from gateway.catalog.reading import CatalogError, read_catalog, read_catalog_file
from gateway.catalog.writing import write_catalog

__all__ = [
    "FIELDS",
    "PICO_PER_THOUSANDTH",
    "SCALES",
    "UNKNOWN",
    "Catalog",
    "CatalogError",
    "Dearest",
    "ModelFacts",
    "Price",
    "Rates",
    "Tariff",
    "Tier",
    "pico_of",
    "read_catalog",
    "read_catalog_file",
    "usd_of",
    "write_catalog",
]
