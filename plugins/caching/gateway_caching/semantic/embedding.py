"""
Asking for vectors: an embedder that a plugin registered, or a model through the gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import structlog

from gateway import Exchange, Request
from gateway.errors import ConfigError, Problem
from gateway_caching.semantic.matrix import Vector
from gateway_caching.settings import SemanticSettings
from gateway_caching.tally import Tally

if TYPE_CHECKING:
    from gateway import Gateway

__all__ = ["Embedding"]

log = structlog.get_logger("gateway.caching")

_DIALECT: Final = "openai_embeddings"
_MAX_DIMENSIONS: Final = 8192
_OK: Final = 200


class _NoVector(ValueError):
    """
    What came is none.
    """


@attrs.define(eq=False, kw_only=True)
class Embedding:
    """
    Makes vectors of questions; what goes wrong is no vector, counted and told of once.
    """

    gateway: Gateway
    settings: SemanticSettings
    tally: Tally
    _is_down: bool = attrs.field(default=False, init=False)

    @property
    def space(self) -> str:
        """
        What vectors can be compared with each other by: who made them.
        """
        return f"{self.settings.embedder or ''}\n{self.settings.model or ''}"

    def check(self) -> None:
        """
        Make sure that there is somebody to ask.

        Raises:
            ConfigError: No plugin registered such an embedder.
        """
        name = self.settings.embedder
        if name is None or name in self.gateway.embedders:
            return
        known = ", ".join(sorted(self.gateway.embedders)) or "none"
        msg = f"no plugin registered an embedder of this name; there is: {known}"
        raise ConfigError(Problem(msg, path="plugins.caching.semantic.embedder"))

    async def vector(self, text: str, exchange: Exchange) -> Vector | None:
        """
        Return the unit vector of *text*, for which the caller of *exchange* pays.
        """
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                told = await self._asked(text, exchange)
            vector = _unit(told)
        except Exception as exc:  # noqa: BLE001 - an embedder may raise anything
            self._tell(exc)
            return None
        self._is_down = False
        return vector

    async def _asked(self, text: str, exchange: Exchange) -> Any:
        if self.settings.embedder is not None:
            embedder = self.gateway.embedders[self.settings.embedder]
            (vector,) = await embedder.embed([text])
            return vector
        request = Request(
            self.gateway.dialects[_DIALECT],
            doc={"model": self.settings.model, "input": text},
            operation="embed",
        )
        response = await self.gateway.call(request, parent=exchange)
        if response.status != _OK:
            msg = f"status {response.status}"
            raise _NoVector(msg)
        return response.doc["data"][0]["embedding"]

    def _tell(self, exc: Exception) -> None:
        self.tally.embedding_errors += 1
        if not self._is_down:
            self._is_down = True
            # The text of other errors may hold what was asked.
            why = str(exc) if isinstance(exc, _NoVector) else type(exc).__name__
            log.warning("no embeddings: similar questions are misses", why=why)


def _unit(told: Sequence[float]) -> Vector:
    vector = np.asarray(told, dtype=np.float32)
    if vector.ndim != 1 or not 0 < vector.size <= _MAX_DIMENSIONS:
        msg = "not a list of numbers, or too many"
        raise _NoVector(msg)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0.0:
        msg = "a vector without direction"
        raise _NoVector(msg)
    return vector / np.float32(length)
