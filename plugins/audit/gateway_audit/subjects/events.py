"""
What the workers tell each other of persons.
"""

from __future__ import annotations

import attrs

from gateway.events import Event


@attrs.frozen(kw_only=True)
class SubjectErased(Event):
    """
    A person is to be forgotten in every worker.

    Attributes:
        lookup: The keyed hash of the person's name.
    """

    lookup: str
