"""
What callers are told of models before they ask one.
"""

from __future__ import annotations

from typing import Final

import attrs

#: The operation of an exchange in which a caller asks which models there are.
LIST_MODELS: Final = "list_models"


@attrs.frozen(kw_only=True)
class ModelListing:
    """
    A model that callers may ask for by *id*.

    Attributes:
        id: The name to ask for it by.
        provider: Who runs it.
        created: Unix seconds, where known.
        leads_to: Its targets and fallbacks, each as ``provider/model``.
    """

    id: str
    provider: str
    created: int | None = None
    leads_to: tuple[str, ...] = ()
