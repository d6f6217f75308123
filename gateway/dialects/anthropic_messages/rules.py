"""
Rules of Anthropic's documents, beside those that every dialect has in `gateway.dialects.shapes`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.shapes import (
    Rule,
    Walk,
    each,
    either,
    everything,
    identifier,
    node,
    unknown,
)
from gateway.views import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEAL = re.compile(r"[\w.:/+=@|#-]*", re.ASCII)
_NAME = re.compile(r"[\w.:/-]{1,128}", re.ASCII)


def ids(names: str) -> dict[str, Rule]:
    """
    Make a shape of members that hold identifiers, enumerations or numbers.
    """
    return dict.fromkeys(names.split(), identifier)


def opaque(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a signature or encrypted content, of any length.
    """
    if value.__class__ is str and _SEAL.fullmatch(value):
        return
    everything(walk, box, key, value, UNKNOWN)


def at(step: str, rule: Rule) -> Rule:
    """
    Make a rule that applies *rule* in a lane of its own.
    """

    def apart(walk: Walk, box: Any, key: Any, value: Any) -> None:
        walk.within(step, rule, box, key, value)

    return apart


def mapping(rule: Rule) -> Rule:
    """
    Make a rule for an object whose keys are names that somebody chose.
    """

    def members(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not dict:
            everything(walk, box, key, value, UNKNOWN)
            return
        for name, member in value.items():
            if _NAME.fullmatch(name):
                rule(walk, value, name, member)
            else:
                unknown(walk, value, name, member)

    return members


def sealed_by(keys: Sequence[str], rule: Rule) -> Rule:
    """
    Make a rule whose texts are sealed if the object has one of *keys*.
    """

    def sealing(walk: Walk, box: Any, key: Any, value: Any) -> None:
        before = walk.sealed
        walk.sealed = any(value.get(name) for name in keys)
        rule(walk, box, key, value)
        walk.sealed = before

    return sealing


#: A prompt-cache breakpoint.
CACHE: Final = node(ids("type ttl"))
#: A container to run code in, named or described.
CONTAINER: Final = either(
    identifier,
    node(
        {**ids("id expires_at"), "skills": each(node(ids("skill_id type version")))},
    ),
)
