"""
Settings of plugins: one attrs class, and what reads the file into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, assert_type

import attrs

from gateway import Gateway
from gateway.settings import (
    SecretRef,
    Settings,
    at_least,
    between,
    not_empty,
    settings_from_dict,
    told,
)


@attrs.frozen(kw_only=True)
class Sink:
    url: str = attrs.field(validator=not_empty, metadata=told("Where to."))
    secret: SecretRef | None = None


@attrs.frozen(kw_only=True)
class MySettings:
    level: Literal["low", "high"] = attrs.field(
        default="low", metadata=told("How much.")
    )
    share: float = attrs.field(default=0.5, validator=between(0, 1))
    retries: int = attrs.field(default=1, validator=at_least(0))
    file: Path | None = None
    sinks: Mapping[str, Sink] = attrs.field(factory=dict)


def a_plugins_table_has_its_class(settings: Settings) -> None:
    """
    What is asked for by a class is of that class, to the last field.
    """
    mine = settings.plugin("mine", MySettings)

    assert_type(mine, MySettings)
    assert_type(mine.level, Literal["low", "high"])
    assert_type(mine.share, float)
    assert_type(mine.retries, int)
    assert_type(mine.file, Path | None)
    assert_type(mine.sinks["a"].secret, SecretRef | None)


def a_secret_is_resolved_by_the_gateway(gateway: Gateway, reference: SecretRef) -> None:
    """
    The reference is in the settings, its value is found at use.
    """
    assert_type(gateway.secrets.get(reference), str)
    assert_type(gateway.data_dir, Path)
    assert_type(settings_from_dict({}), Settings)
