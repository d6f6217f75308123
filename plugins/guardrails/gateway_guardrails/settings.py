"""
What the table ``plugins.guardrails`` says.
"""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class GuardrailsSettings:
    """
    The plugin's settings.
    """
