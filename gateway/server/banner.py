"""
What ``serve`` says once it serves: to people in words, to programs in one line of JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from gateway import codec
from gateway.settings import find_secrets

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.settings import Settings

_MAX_MODELS: Final = 6


@attrs.frozen(kw_only=True)
class Started:
    """
    Where a gateway serves.

    Attributes:
        calls: URL of the callers' listener.
        admin: URL of the management listener, which may be the same.
        workers: Processes that serve.
    """

    calls: str
    admin: str
    pid: int
    workers: int = 1

    def line(self, gateway: Gateway) -> bytes:
        """
        Write one line of JSON, for programs.
        """
        told = {
            "event": "started",
            "version": gateway.version,
            "calls": self.calls,
            "admin": self.admin,
            "pid": self.pid,
            "workers": self.workers,
            "settings": gateway.settings.short,
        }
        return codec.dumps(told) + b"\n"

    def banner(self, gateway: Gateway) -> str:
        """
        Write a few lines, for people.
        """
        settings = gateway.settings
        admin = f"{self.admin}/api"
        if not settings.admin:
            admin += " (no token: loopback only)"
        lines = [
            f"Gatewright {gateway.version}   {_source(gateway)}",
            f"  calls   {self.calls}/v1  /openai  /anthropic       admin  {admin}",
            f"  models  {_models(gateway)}      data  {gateway.data_dir}",
            f"  plugins {_plugins(gateway)}",
        ]
        if self.workers > 1:
            lines.append(f"  workers {self.workers}")
        if "demo" in gateway.runtime.providers:
            lines.append(f"  try     {_try(self.calls)}")
        return "\n".join(lines) + "\n"


def _source(gateway: Gateway) -> str:
    settings = gateway.settings
    told = f"{settings.source} ({settings.short})"
    if settings.source is None:
        told = "no gateway.yaml here"
    if not gateway.authenticates_callers:
        told += ": nothing is enforced, this machine only."
    if settings.source is None:
        told += "  `gatewright init` writes one"
    return told


def _models(gateway: Gateway) -> str:
    settings = gateway.settings
    shown = ["demo/echo (offline)"] if "demo" in gateway.runtime.providers else []
    shown += list(settings.models)
    shown += [f"{name}/*{_cost(settings, name)}" for name in settings.providers]
    shown = [name for name in shown if not name.startswith("demo/*")]
    more = len(shown) - _MAX_MODELS
    if more > 0:
        shown[_MAX_MODELS:] = [f"and {more} more"]
    return "   ".join(shown) or "none"


def _cost(settings: Settings, provider: str) -> str:
    """
    Say which key, found in the environment by nobody's order, would be spent.
    """
    if settings.source is not None:
        return ""
    names = [ref.name for _, ref in find_secrets(settings.providers[provider].keys)]
    return f" ({' '.join(names)} found: costs real money)" if names else ""


def _plugins(gateway: Gateway) -> str:
    shown = [
        f"{plugin.name} {plugin.version} {plugin.phase.name}"
        for plugin in gateway.hooks.plugins
    ]
    return "   ".join(shown) or "none"


def _try(calls: str) -> str:
    body = '{"model":"demo/echo","messages":[{"role":"user","content":"hi"}]}'
    url = f"{calls.removeprefix('http://')}/v1/chat/completions"
    return f"curl -s {url} -H content-type:application/json -d '{body}'"
