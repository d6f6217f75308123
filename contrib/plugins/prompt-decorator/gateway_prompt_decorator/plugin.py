"""
The plugin: instructions of the house, in front of those of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import ClassVar, Final

import attrs

from gateway import Answer, Exchange, Phase, Plugin, hookimpl

_PLACE: Final = re.compile(r"\{(\w+)\}")
#: What may stand in braces.
PLACES: Final = ("date", "model", "team", "key")


def _check_text(instance: object, attribute: object, value: str) -> None:
    if not value:
        raise ValueError("says nothing")
    for name in _PLACE.findall(value):
        if name not in PLACES:
            raise ValueError(f"{{{name}}} is not known: there are {', '.join(PLACES)}")


@attrs.frozen(kw_only=True)
class Decoration:
    """
    Words, and whom they are for.

    Attributes:
        text: The words; ``{date}``, ``{model}``, ``{team}`` and ``{key}`` are filled in.
        models: Patterns of the models that they are for.
        teams: Ids of the teams that they are for; none is all.
    """

    text: str = attrs.field(
        validator=_check_text,
        metadata={"help": "The words; {date}, {model}, {team}, {key} are filled in."},
    )
    models: tuple[str, ...] = attrs.field(
        default=("*",), metadata={"help": "Patterns of the models they are for."}
    )
    teams: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Ids of teams they are for; none is all."}
    )

    def is_for(self, exchange: Exchange) -> bool:
        """
        Tell whether *exchange* gets the words.
        """
        team = exchange.identity.team_id if exchange.identity else None
        if self.teams and team not in self.teams:
            return False
        model = exchange.request.model
        return any(fnmatchcase(model, pattern) for pattern in self.models)

    def filled(self, exchange: Exchange) -> str:
        """
        Return the words for *exchange*.
        """
        who = exchange.identity
        today = datetime.fromtimestamp(exchange.clock.now(), UTC).date()
        known = {
            "date": today.isoformat(),
            "model": exchange.request.model,
            "team": (who and who.team_id) or "",
            "key": who.key_name if who else "",
        }
        return _PLACE.sub(lambda place: known[place[1]], self.text)


@attrs.frozen(kw_only=True)
class PromptDecoratorSettings:
    """
    What the table ``plugins.prompt_decorator`` says.

    Attributes:
        decorations: Words by a name of your own, put in front in this order.
    """

    decorations: Mapping[str, Decoration] = attrs.field(
        factory=dict, metadata={"help": "Words by a name, put in front in this order."}
    )


class PromptDecoratorPlugin(Plugin):
    """
    Puts words in front of prompts, before guardrails look at them.
    """

    phase: ClassVar[Phase] = Phase.SHAPE
    Settings: ClassVar[type] = PromptDecoratorSettings

    settings: PromptDecoratorSettings

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Decorate what a caller asks; what a plugin asks is its own affair.
        """
        if exchange.parent is not None:
            return None
        chosen = {
            name: decoration
            for name, decoration in self.settings.decorations.items()
            if decoration.is_for(exchange)
        }
        if chosen:
            words = "\n\n".join(each.filled(exchange) for each in chosen.values())
            done = exchange.request.instruct(words)
            exchange.explain(
                f"{', '.join(chosen)}{'' if done else ': no place for it'}"
            )
        return None
