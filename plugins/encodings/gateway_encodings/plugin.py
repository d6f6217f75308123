"""
The encodings plugin.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import attrs

from gateway import Encoding, Phase, Plugin, hookimpl
from gateway_encodings.encoding import PackedEncoding
from gateway_encodings.ranks import NAMES

if TYPE_CHECKING:
    from gateway import Gateway


@attrs.frozen(kw_only=True)
class EncodingsSettings:
    """
    What the table ``plugins.encodings`` says.

    Attributes:
        preload: Encodings that are loaded before the gateway serves.
    """

    preload: tuple[str, ...] = attrs.field(
        default=(),
        validator=attrs.validators.deep_iterable(attrs.validators.in_(NAMES)),
        metadata={"help": "Encodings that are loaded before the gateway serves."},
    )


class EncodingsPlugin(Plugin):
    """
    Brings o200k_base and cl100k_base.
    """

    phase: ClassVar[Phase] = Phase.GOVERN
    Settings: ClassVar[type] = EncodingsSettings

    settings: EncodingsSettings

    def __init__(self, settings: EncodingsSettings) -> None:
        super().__init__(settings)
        self._encodings = tuple(map(PackedEncoding, NAMES))

    @hookimpl
    def register_encodings(self) -> Iterable[Encoding]:
        return self._encodings

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        for encoding in self._encodings:
            if encoding.name in self.settings.preload:
                await asyncio.to_thread(encoding.load)
        yield
