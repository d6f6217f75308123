"""
What a rule may say of the injection detector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

__all__ = ["FAMILIES", "LANGUAGES", "InjectionOptions"]

#: What a find is called, and what `InjectionOptions.families` knows.
FAMILIES: Final = (
    "override",
    "reset",
    "new_instructions",
    "persona",
    "no_limits",
    "jailbreak",
    "prompt_extraction",
    "secret_extraction",
    "chat_template",
    "refusal_suppression",
    "forced_prefix",
    "exfiltration",
    "tool_coercion",
    "aimed",
    "planted_code",
    "hidden",
    "fiction",
    "combined",
    "many_shot",
    "obfuscated",
    "improbable",
)
#: Languages other than English that the tables know.
LANGUAGES: Final = (
    *("de", "fr", "es", "it", "pt", "nl", "sv"),
    *("ru", "uk", "pl", "cs", "hr", "tr"),
    *("zh", "ja", "ko", "ar", "hi", "id", "vi"),
)


def _is_share(_: object, __: attrs.Attribute[float], value: float) -> None:
    if not 0 < value <= 1:
        msg = f"must be above 0 and at most 1, not {value}"
        raise ValueError(msg)


def _all_in(known: Sequence[str]) -> Callable[[Any, Any, Iterable[str]], None]:
    def check(_: object, __: Any, value: Iterable[str]) -> None:
        for one in value:
            if one not in known:
                msg = f"{one!r} is none of {' '.join(known)}"
                raise ValueError(msg)

    return check


@attrs.frozen(kw_only=True)
class InjectionOptions:
    """
    How sure the detector must be, by where a text stands, and what it goes by.
    """

    user: float = attrs.field(
        default=0.5,
        validator=_is_share,
        metadata={"help": "Least score that is a find in what a user wrote."},
    )
    tool: float = attrs.field(
        default=0.4,
        validator=_is_share,
        metadata={
            "help": "The same in tool results, documents and tool definitions, where nobody should"
            " speak to the assistant."
        },
    )
    assistant: float = attrs.field(
        default=0.5,
        validator=_is_share,
        metadata={"help": "The same in what an assistant wrote."},
    )
    families: Mapping[str, float] = attrs.field(
        factory=dict,
        validator=_all_in(FAMILIES),
        metadata={
            "help": "What a family's weights are multiplied by: 0 turns it off, 0.5 halves it."
        },
    )
    languages: Sequence[str] = attrs.field(
        default=LANGUAGES,
        validator=_all_in(LANGUAGES),
        metadata={"help": "Languages beside English whose rules are used."},
    )
