"""
Facts of models: limits, dialects, prices; and what a usage costs.
"""

from __future__ import annotations

from gateway.catalog.catalog import Catalog
from gateway.catalog.facts import UNKNOWN, ModelFacts, Price, Tier

__all__ = ["UNKNOWN", "Catalog", "ModelFacts", "Price", "Tier"]
