"""
What a model costs: prices by bucket, by length of the prompt, by service tier, from a day on.

Money is integer: prices are pico-USD per token (1 USD per million tokens is 1,000,000
pico-USD per token), costs are nano-USD, rounded up once for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import Final

import attrs

from gateway.catalog.dearest import Dearest, dearest_of
from gateway.usage import STANDARD, Usage

PICO_PER_NANO: Final = 1000
#: A region's factor is in thousandths.
PERMILLE: Final = 1000

#: Tiers that are never dearer than the standard one: without a price of their own they are
#: billed as that, which is what a provider can bill at most.
DISCOUNTS: Final = frozenset({"batch", "flex"})
#: Tiers that a provider never chooses by itself: another endpoint, or an explicit wish.
ON_WISH_ONLY: Final = frozenset({"batch", "fast"})
#: What providers call a region that is none in particular.
_ANYWHERE: Final = frozenset({"global", "not_available", ""})


@attrs.frozen(kw_only=True)
class Price:
    """
    What one model's tokens cost, in pico-USD per token, and what costs by the piece.

    A cache bucket without a price of its own is billed as input (writing for long as
    writing for short), which is what vendors without a discount do; likewise images of
    the prompt as input and reasoning as output.  Audio, images of the answer and server
    tools without a price have no known cost.

    Attributes:
        image_pico: Pico-USD for each image of the prompt, beside its tokens.
        request_pico: Pico-USD for each request, whatever is in it.
        server_tools: Pico-USD per call of tools that the vendor runs, by its name for
            them.
        other_tools_pico: The same for tools that are not listed; None is unknown.
    """

    input_pico: int
    output_pico: int
    cache_read_pico: int | None = None
    cache_write_5m_pico: int | None = None
    cache_write_1h_pico: int | None = None
    input_audio_pico: int | None = None
    input_image_pico: int | None = None
    reasoning_pico: int | None = None
    output_audio_pico: int | None = None
    output_image_pico: int | None = None
    image_pico: int = 0
    request_pico: int = 0
    server_tools: tuple[tuple[str, int], ...] = ()
    other_tools_pico: int | None = None

    def tokens_pico(self, usage: Usage) -> int | None:
        """
        Sum what the tokens cost; None if some have no price.
        """
        written_pico = _first(self.cache_write_5m_pico, self.input_pico)
        spent = (
            usage.input * self.input_pico
            + usage.cache_read * _first(self.cache_read_pico, self.input_pico)
            + usage.cache_write_5m * written_pico
            + usage.cache_write_1h * _first(self.cache_write_1h_pico, written_pico)
            + usage.input_image * _first(self.input_image_pico, self.input_pico)
            + usage.output * self.output_pico
            + usage.reasoning * _first(self.reasoning_pico, self.output_pico)
        )
        for count, pico in (
            (usage.input_audio, self.input_audio_pico),
            (usage.output_audio, self.output_audio_pico),
            (usage.output_image, self.output_image_pico),
        ):
            if count:
                if pico is None:
                    return None
                spent += count * pico
        return spent

    def pieces_pico(self, usage: Usage) -> int | None:
        """
        Sum what costs by the piece; None if a tool that was called has no price.
        """
        spent = self.request_pico + usage.images * self.image_pico
        if usage.server_tool_calls:
            tools = dict(self.server_tools)
            for name, calls in usage.server_tool_calls:
                pico = tools.get(name, self.other_tools_pico)
                if calls and pico is None:
                    return None
                spent += calls * (pico or 0)
        return spent

    @property
    def dearest_input_pico(self) -> int:
        """
        The most that one prompt token may cost.
        """
        buckets = (
            self.input_pico,
            self.cache_read_pico,
            self.cache_write_5m_pico,
            self.cache_write_1h_pico,
            self.input_audio_pico,
            self.input_image_pico,
        )
        return max(pico for pico in buckets if pico is not None)

    @property
    def dearest_output_pico(self) -> int:
        """
        The most that one token of the answer may cost.
        """
        buckets = (
            self.output_pico,
            self.reasoning_pico,
            self.output_audio_pico,
            self.output_image_pico,
        )
        return max(pico for pico in buckets if pico is not None)


@attrs.frozen(kw_only=True)
class Tier:
    """
    Another price for requests with a long prompt; it holds for the whole request.

    Attributes:
        above_tokens: Prompt tokens, cached ones included, above which it holds.
    """

    above_tokens: int
    price: Price


@attrs.frozen(kw_only=True)
class Rates:
    """
    The prices of one service tier.

    Attributes:
        long: Those for long prompts, the lowest threshold first.
    """

    price: Price
    long: tuple[Tier, ...] = attrs.field(default=())

    @long.validator
    def _is_rising(self, _: object, tiers: tuple[Tier, ...]) -> None:
        above = [tier.above_tokens for tier in tiers]
        if any(low >= high for low, high in pairwise(above)):
            msg = "prices for long prompts do not stand in the order of their length"
            raise ValueError(msg)

    def at(self, prompt_tokens: int) -> Price:
        """
        Return the price of a request with so long a prompt.
        """
        price = self.price
        for tier in self.long:
            if prompt_tokens > tier.above_tokens:
                price = tier.price
        return price

    def changed(self, change: Callable[[Price], Price]) -> Rates:
        """
        Return these with *change* made to each price.
        """
        long = tuple(attrs.evolve(tier, price=change(tier.price)) for tier in self.long)
        return Rates(price=change(self.price), long=long)

    def up_to(self, prompt_tokens: int) -> Iterator[Price]:
        """
        Yield every price that a prompt of at most so many tokens may have.
        """
        yield self.price
        for tier in self.long:
            if prompt_tokens > tier.above_tokens:
                yield tier.price


@attrs.frozen(kw_only=True)
class Tariff:
    """
    What one model costs from a day on.

    Attributes:
        valid_from: The day from which it holds, or since which it is known to hold.
        rates: The prices of the standard service tier.
        services: Those of the other service tiers, by the provider's name for them.
        regions: Factors on what tokens cost, in thousandths, by the region in which the
            provider computes.
        is_flat: *rates* hold for every service tier and region, whatever it is called.
    """

    valid_from: date
    rates: Rates
    services: tuple[tuple[str, Rates], ...] = ()
    regions: tuple[tuple[str, int], ...] = ()
    is_flat: bool = False
    _dearest: dict[tuple[str | None, str | None, int], Dearest] = attrs.field(
        init=False, factory=dict, eq=False, repr=False
    )
    _thresholds: tuple[int, ...] = attrs.field(init=False, eq=False, repr=False)

    @_thresholds.default
    def _all_thresholds(self) -> tuple[int, ...]:
        every = (self.rates, *(rates for _, rates in self.services))
        return tuple(
            sorted({tier.above_tokens for rates in every for tier in rates.long})
        )

    @property
    def price(self) -> Price:
        """
        The standard price of a short prompt.
        """
        return self.rates.price

    @property
    def longest(self) -> int:
        """
        The highest threshold of a price for long prompts; 0 without one.
        """
        return self._thresholds[-1] if self._thresholds else 0

    def rates_of(self, service: str | None) -> Rates | None:
        """
        Return the prices of the service tier called *service*; None if they are unknown.
        """
        if service is None or service == STANDARD or self.is_flat:
            return self.rates
        for name, rates in self.services:
            if name == service:
                return rates
        return self.rates if service in DISCOUNTS else None

    def cost_nano(self, usage: Usage, asked: str | None = None) -> int | None:
        """
        Price *usage* at the tier of the whole request, rounded up once.

        Args:
            asked: The service tier that the request asked for, which holds where the
                provider does not say at which it served.

        Returns:
            Nano-USD, or None if something that was used has no price.
        """
        rates = self.rates_of(usage.service_tier or asked)
        factor = self._factor(usage.region)
        if rates is None or factor is None:
            return None
        price = rates.at(usage.total_input)
        tokens = price.tokens_pico(usage)
        pieces = price.pieces_pico(usage)
        if tokens is None or pieces is None:
            return None
        pico = tokens * factor + pieces * PERMILLE
        return -(-pico // (PICO_PER_NANO * PERMILLE))

    def dearest(
        self, input_tokens: int, asked: str | None = None, region: str | None = None
    ) -> Dearest | None:
        """
        Return the most that each part of a request may cost, wherever it ends.

        A provider may serve at the standard tier instead of the one that was asked for,
        and, where none was asked for, at any that its account settings name (OpenAI's
        ``auto``).

        Args:
            input_tokens: The most that the prompt can be.
            asked: The service tier that the request names.
            region: The region that the request names.

        Returns:
            None if *asked* or *region* has no known price.
        """
        key = (asked, region, sum(input_tokens > above for above in self._thresholds))
        found = self._dearest.get(key)
        if found is None:
            services = [*self._may_end_in(asked)]
            factor = self._dearest_factor(region)
            if None in services or factor is None:
                return None
            prices = [
                price
                for rates in services
                if rates
                for price in rates.up_to(input_tokens)
            ]
            found = dearest_of(prices, factor)
            # Only what has a price comes here, so callers' words do not fill it.
            self._dearest[key] = found
        return found

    def with_tools(self, tools: tuple[tuple[str, int], ...]) -> Tariff:
        """
        Return this tariff with *tools* priced as well; those that it lists stay.
        """
        if not tools:
            return self

        def priced(price: Price) -> Price:
            return attrs.evolve(
                price,
                server_tools=tuple({**dict(tools), **dict(price.server_tools)}.items()),
            )

        return self.changed(priced)

    def changed(self, change: Callable[[Price], Price]) -> Tariff:
        """
        Return this tariff with *change* made to each of its prices.
        """
        return attrs.evolve(
            self,
            rates=self.rates.changed(change),
            services=tuple(
                (name, rates.changed(change)) for name, rates in self.services
            ),
        )

    def _may_end_in(self, asked: str | None) -> Iterator[Rates | None]:
        yield self.rates
        if asked is None:
            for name, rates in self.services:
                if name not in ON_WISH_ONLY:
                    yield rates
        elif asked != STANDARD:
            yield self.rates_of(asked)

    def _factor(self, region: str | None) -> int | None:
        if not self.regions or region is None or region in _ANYWHERE:
            return PERMILLE
        return dict(self.regions).get(region)

    def _dearest_factor(self, region: str | None) -> int | None:
        if region is not None:
            return self._factor(region)
        return max([PERMILLE, *(factor for _, factor in self.regions)])


def _first(pico: int | None, other: int) -> int:
    return other if pico is None else pico
