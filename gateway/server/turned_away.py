"""
A request that ended before there was an exchange.
"""

from __future__ import annotations

import attrs

from gateway.events import CallerTurnedAway


@attrs.frozen(kw_only=True)
class TurnedAway:
    """
    What may be told of a request that never became an exchange.

    Attributes:
        path: The route's path as it is written in the route table; ``""`` if no route fits.
            Never the path that the caller sent.
        method: A method that HTTP knows, or ``OTHER``.
        dialect: Name of the route's dialect, ``""`` where the route has none.
        code: The code that the caller was told, ``""`` where the answer was no error.
        client_request_id: The caller's own id as it came: whoever shows it cleans it.
        duration_s: From the moment its headers were there to its answer.
    """

    request_id: str
    path: str
    method: str
    status: int
    dialect: str = ""
    operation: str = ""
    code: str = ""
    peer: str = ""
    client_request_id: str = ""
    duration_s: float = 0.0
    bytes_out: int = 0

    def as_event(self, at: float) -> CallerTurnedAway:
        """
        Return what plugins are told of it.

        Args:
            at: Unix seconds.
        """
        return CallerTurnedAway(
            at=at,
            request_id=self.request_id,
            path=self.path,
            method=self.method,
            status=self.status,
            code=self.code,
            dialect=self.dialect,
            operation=self.operation,
            peer=self.peer,
        )
