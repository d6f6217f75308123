"""
What is known of one model: its limits, its dialects, its price.

Money is integer: prices are pico-USD per token (1 USD per million tokens is 1,000,000
pico-USD per token), costs are nano-USD, rounded up once.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import attrs

from gateway.usage import Usage

PICO_PER_NANO: Final = 1000


@attrs.frozen(kw_only=True)
class Price:
    """
    What one model's tokens cost, in pico-USD per token, at the vendor's standard tier.

    A cache bucket without a price of its own is billed as input, which is what vendors
    without a discount do; an audio bucket or a server tool without one has no known
    cost.

    Attributes:
        valid_from: The day on which the vendor's page was known to say so.
        server_tools: Pico-USD per call of tools that the vendor runs, by its name for
            them.
    """

    input_pico: int
    output_pico: int
    valid_from: date
    cache_read_pico: int | None = None
    cache_write_5m_pico: int | None = None
    cache_write_1h_pico: int | None = None
    input_audio_pico: int | None = None
    output_audio_pico: int | None = None
    server_tools: tuple[tuple[str, int], ...] = ()

    def cost_nano(self, usage: Usage) -> int | None:
        """
        Price *usage*, rounded up once; None if it used something without a price.
        """
        known = (
            usage.input * self.input_pico
            + usage.cache_read * self._or_input(self.cache_read_pico)
            + usage.cache_write_5m * self._or_input(self.cache_write_5m_pico)
            + usage.cache_write_1h * self._or_input(self.cache_write_1h_pico)
            + (usage.output + usage.reasoning) * self.output_pico
        )
        rest = self._rest_pico(usage)
        return None if rest is None else -(-(known + rest) // PICO_PER_NANO)

    @property
    def dearest_input_pico(self) -> int:
        """
        The most that one prompt token may cost: what a hold assumes.
        """
        buckets = (
            self.input_pico,
            self.cache_read_pico,
            self.cache_write_5m_pico,
            self.cache_write_1h_pico,
            self.input_audio_pico,
        )
        return max(pico for pico in buckets if pico is not None)

    @property
    def dearest_output_pico(self) -> int:
        """
        The most that one token of the answer may cost.
        """
        return max(self.output_pico, self.output_audio_pico or 0)

    def _or_input(self, pico: int | None) -> int:
        return self.input_pico if pico is None else pico

    def _rest_pico(self, usage: Usage) -> int | None:
        """
        Sum what has a price only with some models; None where it has none here.
        """
        parts = [
            (usage.input_audio, self.input_audio_pico),
            (usage.output_audio, self.output_audio_pico),
        ]
        if usage.server_tool_calls:
            tools = dict(self.server_tools)
            parts += [
                (calls, tools.get(name)) for name, calls in usage.server_tool_calls
            ]
        spent = 0
        for count, pico in parts:
            if count and pico is None:
                return None
            spent += count * (pico or 0)
        return spent


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
class ModelFacts:
    """
    What is known of one model; None is unknown, never a guess.

    Attributes:
        provider: The vendor's name, as in the table of vendors.
        model: As the vendor calls it.
        context_window: Tokens of prompt and answer together, or of the prompt alone
            where the vendor documents only that.
        max_output_tokens: The documented maximum of the answer.
        takes_sampling: Whether it accepts temperature, top_p and top_k.
        reasons_adaptively: Whether it takes Anthropic's adaptive thinking.
        tiers: Prices for long prompts, the lowest threshold first.
        capabilities: Words such as ``tools``, ``vision``, ``reasoning``, ``embed``.
        dialects: The only dialects in which the vendor serves it; empty is all of them.
        source: Where the facts come from, and when.
    """

    provider: str
    model: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None
    price: Price | None = None
    tiers: tuple[Tier, ...] = ()
    capabilities: frozenset[str] = frozenset()
    dialects: tuple[str, ...] = ()
    source: str = ""

    @property
    def most_input_tokens(self) -> int | None:
        """
        The longest prompt that can be billed; None if that is not known.

        A price for prompts beyond the documented window shows that there is a longer one,
        which some vendors open to those who ask by a header.
        """
        window = self.context_window
        if window is None or (self.tiers and self.tiers[-1].above_tokens >= window):
            return None
        return window

    def price_at(self, prompt_tokens: int) -> Price | None:
        """
        Return the price that holds for a request with so long a prompt.
        """
        price = self.price
        for tier in self.tiers:
            if prompt_tokens > tier.above_tokens:
                price = tier.price
        return price

    def cost_nano(self, usage: Usage) -> int | None:
        """
        Price *usage* in nano-USD; None if the price is unknown.
        """
        price = self.price_at(usage.total_input)
        return None if price is None else price.cost_nano(usage)


#: What is known of a model that the catalog does not list: nothing.
UNKNOWN: Final = ModelFacts(provider="", model="")
