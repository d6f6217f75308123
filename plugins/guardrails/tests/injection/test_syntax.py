"""
The patterns of the tables are read, and others refused.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.injection.syntax import read


@pytest.mark.parametrize("pattern", ["(a)", "(?:a", "a)", r"\pL"])
def test_syntax_that_tables_need_not_is_refused(pattern):
    """
    What is not understood is refused rather than guessed at.
    """
    with pytest.raises(ValueError, match="group|understood"):
        read(pattern)
