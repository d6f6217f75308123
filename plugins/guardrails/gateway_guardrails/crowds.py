"""
Places that stand close together: only the first of them are looked at.

Nobody writes so, and a text of nothing else would take long.
"""

from __future__ import annotations

__all__ = ["Crowd"]


class Crowd:
    """
    Counts places of one text from left to right.

    Args:
        most: So many are looked at
        characters: within so many characters.
    """

    def __init__(self, most: int, characters: int) -> None:
        self._most = most
        self._characters = characters
        self._places: list[int] = []

    def is_full_at(self, place: int) -> bool:
        """
        Count *place*, unless it was the last one counted; tell whether it is one too many.
        """
        places = self._places
        if not places or places[-1] != place:
            places.append(place)
        most = self._most
        return len(places) > most and place - places[-1 - most] <= self._characters
