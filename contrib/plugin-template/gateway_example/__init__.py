"""
A Gatewright plugin that keeps words out of requests and answers.
"""

from __future__ import annotations

from gateway_example.plugin import ExamplePlugin, ExampleSettings

__all__ = ["ExamplePlugin", "ExampleSettings"]
