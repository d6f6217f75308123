"""
What a provider says it used, in buckets that do not overlap.
"""

from __future__ import annotations

from typing import Final

import attrs

#: The service tier that is no special one; vendors call it by several names.
STANDARD: Final = "default"

#: Tokens, pieces and calls of one attempt; who counts more does not count.
MOST_COUNTED: Final = 10**9


@attrs.frozen(kw_only=True)
class Usage:
    """
    Tokens of one attempt; every token stands in exactly one bucket.

    Attributes:
        input: Prompt tokens neither read from nor written to a cache, of text.
        cache_read: Prompt tokens read from the provider's prompt cache.
        cache_write_5m: Prompt tokens written to it, at the short lifetime.
        cache_write_1h: Prompt tokens written to it, at a long lifetime.
        input_audio: Audio tokens of the prompt.
        input_image: Image tokens of the prompt, where the provider tells them apart.
        output: Tokens of the answer without reasoning, audio and images.
        reasoning: Tokens of reasoning, shown or not.
        output_audio: Audio tokens of the answer.
        output_image: Image tokens of the answer.
        images: Images in the prompt, for vendors that bill them by the piece.
        server_tool_calls: Calls of tools that the provider ran, by its name for them.
        service_tier: The tier at which the provider says that it served: `STANDARD`,
            ``flex``, ``priority``, ``batch``, ``fast``, …; None if it does not say.
        region: Where the provider says that it computed, if that has a price.
        is_estimated: Counted here, because the provider said nothing.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    input_image: int = 0
    output: int = 0
    reasoning: int = 0
    output_audio: int = 0
    output_image: int = 0
    images: int = 0
    server_tool_calls: tuple[tuple[str, int], ...] = ()
    service_tier: str | None = None
    region: str | None = None
    is_estimated: bool = False

    @property
    def total_input(self) -> int:
        """
        All prompt tokens.
        """
        return (
            self.input
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.input_audio
            + self.input_image
        )

    @property
    def total_output(self) -> int:
        """
        All tokens of the answer.
        """
        return self.output + self.reasoning + self.output_audio + self.output_image

    @property
    def is_credible(self) -> bool:
        """
        Whether one attempt can have used so much.

        What is counted here is priced and added up in integers of 64 bits, so a provider must
        not be able to name any number.
        """
        counted = self.total_input + self.total_output + self.images
        if self.server_tool_calls:
            counted += sum(count for _, count in self.server_tool_calls)
        return counted <= MOST_COUNTED


def credible(usage: Usage | None) -> Usage | None:
    """
    Return *usage*, or None, as if the provider had said nothing, where it cannot be true.
    """
    return usage if usage is None or usage.is_credible else None
