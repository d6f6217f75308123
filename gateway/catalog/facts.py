"""
What is known of one model: its limits, its dialects, what it costs and when.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, TypeVar

import attrs

from gateway.catalog.prices import Tariff
from gateway.usage import Usage

_T = TypeVar("_T")

_SECONDS_PER_DAY: Final = 86_400
#: What `date.toordinal` says of 1 January 1970.
_EPOCH_ORDINAL: Final = 719_163


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
        tariffs: What it costs, the earliest first; empty if that is not known.
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
    tariffs: tuple[Tariff, ...] = attrs.field(default=())
    capabilities: frozenset[str] = frozenset()
    dialects: tuple[str, ...] = ()
    source: str = ""

    @tariffs.validator
    def _is_rising(self, _: object, tariffs: tuple[Tariff, ...]) -> None:
        days = [tariff.valid_from for tariff in tariffs]
        if any(first >= next_ for first, next_ in pairwise(days)):
            msg = "prices do not stand in the order of their days"
            raise ValueError(msg)

    @property
    def most_input_tokens(self) -> int | None:
        """
        The longest prompt that can be billed; None if that is not known.

        A price for prompts beyond the documented window shows that there is a longer one,
        which some vendors open to those who ask by a header.
        """
        window = self.context_window
        if window is None or any(tariff.longest >= window for tariff in self.tariffs):
            return None
        return window

    def tariff_at(self, at: float) -> Tariff | None:
        """
        Return what holds at *at*, Unix seconds; days begin in UTC.

        The first holds before its own day too: that is when it was learned, and nothing
        better is known.
        """
        found = None
        day = at // _SECONDS_PER_DAY + _EPOCH_ORDINAL
        for tariff in self.tariffs:
            if found is not None and tariff.valid_from.toordinal() > day:
                break
            found = tariff
        return found

    def cost_nano(
        self, usage: Usage, *, at: float, asked: str | None = None
    ) -> int | None:
        """
        Price *usage* in nano-USD; None if the price is unknown.

        Args:
            at: When the request was made, in Unix seconds.
            asked: The service tier that it asked for.
        """
        tariff = self.tariff_at(at)
        return None if tariff is None else tariff.cost_nano(usage, asked)

    def over(self, older: ModelFacts) -> ModelFacts:
        """
        Return these facts, and of *older* what is not known here.

        Prices of tokens are taken whole: those of two sources are never mixed.  A tool
        of the vendor that has no price here keeps the one that it had.
        """
        tools = older.tariffs[-1].price.server_tools if older.tariffs else ()
        tariffs = tuple(tariff.with_tools(tools) for tariff in self.tariffs)
        return attrs.evolve(
            self,
            context_window=_either(self.context_window, older.context_window),
            max_output_tokens=_either(self.max_output_tokens, older.max_output_tokens),
            takes_sampling=_either(self.takes_sampling, older.takes_sampling),
            reasons_adaptively=_either(
                self.reasons_adaptively, older.reasons_adaptively
            ),
            tariffs=tariffs or older.tariffs,
            capabilities=self.capabilities or older.capabilities,
            dialects=self.dialects or older.dialects,
        )


def _either(value: _T | None, other: _T | None) -> _T | None:
    return other if value is None else value


#: What is known of a model that the catalog does not list: nothing.
UNKNOWN: Final = ModelFacts(provider="", model="")
