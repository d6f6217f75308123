"""
Those who work for the sequencer and are named in what its process is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def call_target(target: str, arguments: Mapping[str, Any]) -> Any:
    """
    Return what the function *target*, ``package.module:function``, returns.
    """
    module, _, function = target.partition(":")
    return getattr(import_module(module), function)(**arguments)
