"""
The most that a request may cost, of what is known before it is sent: what a hold is made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from gateway.catalog.prices import Price

_PICO_PER_NANO: Final = 1000
_PERMILLE: Final = 1000
_NO_TOOLS: Final[Mapping[str, int]] = {}


@attrs.frozen(kw_only=True)
class Dearest:
    """
    For each part of a request the most that it may cost, in pico-USD.

    Every part has the dearest of its prices by itself, so the sum is never below what the
    provider can bill, and it grows by the same amount with each token.

    Attributes:
        input_pico: For one token of the prompt, in whatever bucket it ends.
        output_pico: For one token of the answer.
        image_pico: For one image of the prompt, beside its tokens.
        request_pico: For the request itself.
        tools: For one call of a tool that the provider runs, by its name.
        other_tools_pico: The same for tools that are not listed; None is unknown.
    """

    input_pico: int
    output_pico: int
    image_pico: int = 0
    request_pico: int = 0
    tools: Mapping[str, int | None] = attrs.field(factory=dict)
    other_tools_pico: int | None = None

    def nano(
        self,
        *,
        input_tokens: int,
        output_tokens: int,
        images: int = 0,
        tools: Mapping[str, int] = _NO_TOOLS,
    ) -> int | None:
        """
        Return the most that a request of so many parts may cost, in nano-USD.

        Args:
            tools: The most calls of each tool that the provider runs.

        Returns:
            None if a tool that may be called has no price.
        """
        fixed = self._fixed_pico(input_tokens, images, tools)
        if fixed is None:
            return None
        return -(-(fixed + output_tokens * self.output_pico) // _PICO_PER_NANO)

    def output_tokens(
        self,
        nano: int,
        *,
        input_tokens: int,
        images: int = 0,
        tools: Mapping[str, int] = _NO_TOOLS,
    ) -> int | None:
        """
        Return how long an answer *nano* pays for for certain, beside the other parts.

        Returns:
            Tokens, 0 also where the other parts alone cost more; None if the answer is
            free of charge, so that no length is too much.

        Raises:
            ValueError: a tool that may be called has no price.
        """
        fixed = self._fixed_pico(input_tokens, images, tools)
        if fixed is None:
            msg = "a tool without a price has no bound"
            raise ValueError(msg)
        left = nano * _PICO_PER_NANO - fixed
        if self.output_pico == 0:
            return None if left >= 0 else 0
        return max(left // self.output_pico, 0)

    def _fixed_pico(
        self, input_tokens: int, images: int, tools: Mapping[str, int]
    ) -> int | None:
        spent = (
            self.request_pico
            + input_tokens * self.input_pico
            + images * self.image_pico
        )
        for name, calls in tools.items():
            pico = self.tools.get(name, self.other_tools_pico)
            if calls and pico is None:
                return None
            spent += calls * (pico or 0)
        return spent


def dearest_of(prices: Sequence[Price], factor: int) -> Dearest:
    """
    Take the dearest of each part over *prices*; a tool must have a price in all of them.

    Args:
        factor: What tokens cost more, in thousandths.
    """
    names = {name for price in prices for name, _ in price.server_tools}
    return Dearest(
        input_pico=_times(max(price.dearest_input_pico for price in prices), factor),
        output_pico=_times(max(price.dearest_output_pico for price in prices), factor),
        image_pico=max(price.image_pico for price in prices),
        request_pico=max(price.request_pico for price in prices),
        tools={name: _dearest_tool(prices, name) for name in sorted(names)},
        other_tools_pico=_most([price.other_tools_pico for price in prices]),
    )


def _dearest_tool(prices: Sequence[Price], name: str) -> int | None:
    return _most(
        [dict(price.server_tools).get(name, price.other_tools_pico) for price in prices]
    )


def _most(picos: Sequence[int | None]) -> int | None:
    """
    Return the greatest; None if one is unknown.
    """
    known = [pico for pico in picos if pico is not None]
    return max(known) if len(known) == len(picos) else None


def _times(pico: int, factor: int) -> int:
    return -(-pico * factor // _PERMILLE)
