"""
What an answer is charged that broke off before the provider said what it used.

The provider bills what it generated, which is more than what arrived: reasoning that is never
sent, tokens on their way, and those until it noticed that nobody listens.  So the charge is an
upper bound of that, at most what was held, and never nothing.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

import attrs

from gateway_governance.bounds import worst_nano

if TYPE_CHECKING:
    from gateway_governance.bounds import Bound, Dearest

#: Tokens a second that hosted models are not known to exceed, but on special hardware.
FASTEST_TOKENS_PER_S: Final = 400.0
#: Seconds in which a provider has noticed that the connection was closed.
CANCEL_S: Final = 2.0
#: An observed pace may double.
_HASTE: Final = 2.0


@attrs.frozen(kw_only=True)
class Broken:
    """
    What is known of an answer that broke off.

    Attributes:
        received_tokens: What arrived, all choices together, counted so that it is no less
            than what was billed for it: by a tokenizer, or one for each byte.
        unseen_s: Seconds in which the model may have generated what never arrives: until
            the first words of the answer, and wherever they paused; all of them, where nothing
            is streamed.
        streamed_s: Seconds in which words arrived.
        input_tokens: The prompt as the provider told it in mid-stream; None if it did not.
        output_tokens: The same for the answer so far.
    """

    received_tokens: int
    unseen_s: float
    streamed_s: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None


@attrs.frozen(kw_only=True)
class Charge:
    """
    What is recorded for it; always an estimate.

    Attributes:
        seen_nano: What would be due for that which arrived, at the dearest price.
        charged_nano: What is charged: an upper bound, at most the hold.
    """

    input_tokens: int
    output_tokens: int
    seen_nano: int
    charged_nano: int
    is_estimated: bool = True


def charge_of(
    bound: Bound, dearest: Dearest, hold_nano: int | None, broken: Broken
) -> Charge:
    """
    Charge an answer that broke off.

    Args:
        bound: Of the request as it was sent, its cap the one that was held.
        hold_nano: What was held; the charge is no more.  A price that is not known
            charges all of it.  None is for soft budgets, which hold nothing.
    """
    prompt = bound.input_tokens
    if broken.input_tokens is not None:
        prompt = min(prompt, broken.input_tokens)
    seen = max(broken.received_tokens, broken.output_tokens or 0)
    output = max(seen + ceil(_pace(broken) * (broken.unseen_s + CANCEL_S)), 1)
    most = _most_output(bound)
    if most is not None:
        output = min(output, most)
    known = attrs.evolve(bound, input_tokens=prompt, choices=1, predicted_tokens=0)
    due = worst_nano(known, dearest, output)
    due_for_seen = worst_nano(known, dearest, min(seen, output))
    return Charge(
        input_tokens=prompt,
        output_tokens=output,
        seen_nano=_within(hold_nano, due_for_seen),
        charged_nano=_within(hold_nano, due),
    )


def _within(hold_nano: int | None, due_nano: int | None) -> int:
    amounts = [amount for amount in (hold_nano, due_nano) if amount is not None]
    return min(amounts, default=0)


def _pace(broken: Broken) -> float:
    """
    Return the tokens a second that the model may have made, by what was seen of it.
    """
    if broken.streamed_s < 1.0:
        return FASTEST_TOKENS_PER_S
    seen = broken.output_tokens or broken.received_tokens
    return max(FASTEST_TOKENS_PER_S, _HASTE * seen / broken.streamed_s)


def _most_output(bound: Bound) -> int | None:
    if bound.output_tokens is None:
        return None
    return bound.choices * bound.output_tokens + bound.predicted_tokens
