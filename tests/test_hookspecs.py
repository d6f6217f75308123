from __future__ import annotations

import inspect
import textwrap

import pytest

from gateway import NoSettings, Phase, Plugin
from gateway.plugins import hook_names
from gateway.settings import PHASES
from gateway.testing import make_attempt, make_exchange, make_response

REFERENCE = ("When:", "Order:")


@pytest.mark.parametrize("name", hook_names())
def test_every_hook_is_documented(name):
    """
    Each says when and in which order it is called, and what it returns where it returns.
    """
    hook = getattr(Plugin, name)
    text = inspect.getdoc(hook) or ""
    returns = inspect.signature(hook).return_annotation

    assert all(word in text for word in REFERENCE)
    assert "Returns:" in text or returns == "None"


@pytest.mark.parametrize("name", hook_names())
def test_every_hook_is_annotated(name):
    """
    A type checker can tell each argument and result.
    """
    signature = inspect.signature(getattr(Plugin, name))
    arguments = list(signature.parameters.values())[1:]

    assert signature.return_annotation is not inspect.Signature.empty
    assert all(one.annotation is not inspect.Parameter.empty for one in arguments)
    assert all(one.default is inspect.Parameter.empty for one in arguments)


def test_phases_are_the_settings_phases():
    """
    The words of the settings file are the phases, outermost first.
    """
    assert tuple(phase.name for phase in Phase) == tuple(PHASES)


async def test_the_bodies_change_nothing():
    """
    A plugin that implements nothing lets everything pass as it is.
    """
    plugin = Plugin(NoSettings())
    exchange = make_exchange()
    attempt = make_attempt(exchange)
    chunk = object()

    assert await plugin.pre_request(exchange) is None
    assert plugin.choose_targets(exchange, (1, 2)) == (1, 2)
    assert await plugin.before_attempt(exchange, attempt) is None
    assert await plugin.list_models(exchange, (1, 2)) == (1, 2)
    assert plugin.open_tap(exchange, attempt) is None
    assert plugin.open_filter(exchange, attempt) is None
    assert await plugin.on_stream_chunk(exchange, chunk) is chunk
    assert await plugin.post_response(exchange, make_response({})) is None
    assert await plugin.after_attempt(exchange, attempt) is None
    assert await plugin.on_complete(exchange) is None
    assert await plugin.recall("req_x") is None
    assert await plugin.erase_subject("x") is None
    assert list(plugin.register_routes()) == []


@pytest.mark.parametrize("name", hook_names())
def test_every_hook_shows_an_example(name):
    """
    It stands last in the docstring, and Python can read it.
    """
    text = inspect.getdoc(getattr(Plugin, name)) or ""

    example = textwrap.dedent(text.partition("Example::")[2]).strip("\n")

    body = textwrap.indent(example, "    ")
    compile(f"async def hook(self):\n{body}\n", name, "exec")
