"""
Puts a house's own instructions in front of every prompt.
"""

from __future__ import annotations

from gateway_prompt_decorator.plugin import (
    PromptDecoratorPlugin,
    PromptDecoratorSettings,
)

__all__ = ["PromptDecoratorPlugin", "PromptDecoratorSettings"]
