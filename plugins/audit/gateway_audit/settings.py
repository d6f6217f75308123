"""
What the table ``plugins.audit`` says.
"""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class AuditSettings:
    """
    The plugin's settings.
    """
