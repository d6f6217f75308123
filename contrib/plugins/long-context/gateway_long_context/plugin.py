"""
The plugin: what is too long for a model goes to one that can hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from gateway import Exchange, Phase, Plugin, hookimpl

if TYPE_CHECKING:
    from gateway import Target

#: UTF-8 bytes in a token: fewer than any tokenizer makes of English, so the estimate is high.
_BYTES_PER_TOKEN: Final = 3


@attrs.frozen(kw_only=True)
class Detour:
    """
    From how many tokens on which model is asked instead.

    Attributes:
        above_tokens: Prompts of more tokens take the detour; tokens are estimated.
        to: The model that is asked instead, by a name that the gateway knows.
        keeps_first: The targets that were chosen stay behind it, as fallbacks.
    """

    above_tokens: int = attrs.field(
        validator=attrs.validators.gt(0),
        metadata={"help": "Prompts of more tokens take the detour."},
    )
    to: str = attrs.field(
        validator=attrs.validators.min_len(1),
        metadata={"help": "The model that is asked instead."},
    )
    keeps_first: bool = attrs.field(
        default=False,
        metadata={"help": "The targets that were chosen stay behind it, as fallbacks."},
    )


@attrs.frozen(kw_only=True)
class LongContextSettings:
    """
    What the table ``plugins.long_context`` says.

    Attributes:
        detours: By a pattern of the model that callers name; the first that fits.
    """

    detours: Mapping[str, Detour] = attrs.field(
        factory=dict, metadata={"help": "By a pattern of the model that callers name."}
    )


def tokens_of(exchange: Exchange) -> int:
    """
    Estimate the tokens of what is asked, from above.
    """
    texts = exchange.request.texts()
    size = sum(len(text.value.encode("utf-8", "surrogatepass")) for text in texts)
    return -(-size // _BYTES_PER_TOKEN)


class LongContextPlugin(Plugin):
    """
    Chooses another target for long prompts; permissions and prices are those of that target.
    """

    phase: ClassVar[Phase] = Phase.ROUTE
    Settings: ClassVar[type] = LongContextSettings

    settings: LongContextSettings

    @hookimpl
    def choose_targets(
        self, exchange: Exchange, targets: Sequence[Target]
    ) -> Sequence[Target]:
        """
        Take the detour, where there is one and the prompt is long.
        """
        detour = self._detour(exchange.request.model)
        if detour is None:
            return targets
        tokens = tokens_of(exchange)
        if tokens <= detour.above_tokens:
            return targets
        exchange.explain(f"about {tokens} tokens: {detour.to}")
        found = exchange.targets(detour.to)
        return [*found, *targets] if detour.keeps_first else found

    def _detour(self, model: str) -> Detour | None:
        fits = (
            detour
            for pattern, detour in self.settings.detours.items()
            if fnmatchcase(model, pattern)
        )
        return next(fits, None)
