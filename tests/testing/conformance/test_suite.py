"""
The suite that authors run finds what it says that it finds.
"""

from __future__ import annotations

import asyncio

import attrs
import pytest
import structlog
from _pytest.outcomes import Failed

from gateway import Phase, Plugin, hookimpl
from gateway.filters import Edit, StreamFilter, TextFilter
from gateway.testing.conformance import Conformance

log = structlog.get_logger("tests.bird")


@attrs.frozen(kw_only=True)
class BirdSettings:
    word: str = "bluebird"


class BirdFilter(TextFilter):
    """
    Holds back what may become the word.
    """

    def __init__(self, word):
        self._word = word

    def find(self, text, start, final):
        edits, at = [], text.find(self._word, start)
        while at >= 0:
            edits.append(Edit(at, at + len(self._word), "[bird]"))
            at = text.find(self._word, at + len(self._word))
        longest = 0 if final else min(len(self._word) - 1, len(text) - start)
        for size in range(longest, 0, -1):
            if self._word.startswith(text[-size:]):
                return edits, len(text) - size
        return edits, len(text)


class BirdPlugin(Plugin):
    """
    A plugin as it should be.
    """

    phase = Phase.INSPECT
    Settings = BirdSettings

    @hookimpl
    async def pre_request(self, exchange):
        await asyncio.sleep(0)

    @hookimpl
    def open_filter(self, exchange, attempt):
        return BirdFilter(self.settings.word)

    @hookimpl
    def on_complete(self, exchange):
        log.info("done", request_id=exchange.id)


class TestBird(Conformance):
    """
    It stands every test.
    """

    plugin = BirdPlugin
    settings = {"word": "bluebird"}
    wrong_settings = ({"word": ["a"]},)
    says = "the bluebird sings, blueb"


def suite_of(cls, **attributes):
    """
    Make the suite for *cls*, in one dialect, which is quicker.
    """
    told = {
        "plugin": cls,
        "name": "bird",
        "says": "a bluebird",
        "dialects": ("openai_chat",),
    }
    return type("Suite", (Conformance,), {**told, **attributes})()


class Forgetful(StreamFilter):
    """
    Looks at each piece alone.
    """

    async def feed(self, chunks):
        for chunk in chunks:
            for text in chunk.texts():
                if "bluebird" in text.value:
                    text.replace("[bird]")
        return chunks


class ForgetfulPlugin(BirdPlugin):
    @hookimpl
    def open_filter(self, exchange, attempt):
        return Forgetful()


class ByReads(StreamFilter):
    """
    Does something else to events that come alone.
    """

    async def feed(self, chunks):
        if len(chunks) == 1:
            for text in chunks[0].texts():
                if text.kind == "message":
                    text.replace(text.value.upper())
        return chunks


class ByReadsPlugin(BirdPlugin):
    @hookimpl
    def open_filter(self, exchange, attempt):
        return ByReads()


class TalkativePlugin(BirdPlugin):
    @hookimpl
    async def pre_request(self, exchange):
        log.info("asked", headers=dict(exchange.headers))


class HoardingPlugin(BirdPlugin):
    def __init__(self, settings):
        super().__init__(settings)
        self.exchanges = []

    @hookimpl
    def on_complete(self, exchange):
        self.exchanges.append(exchange)


class JealousPlugin(BirdPlugin):
    """
    Behaves otherwise when it is not alone.
    """

    @hookimpl
    def open_filter(self, exchange, attempt):
        others = {line.plugin for line in exchange.trail.lines} - {"bird", "core"}
        return BirdFilter("bluebird" if others else "sings")


class AskingPlugin(BirdPlugin):
    """
    Asks somebody in a dry run too.
    """

    @hookimpl
    async def pre_request(self, exchange):
        exchange.forward()


class AnyTablePlugin(BirdPlugin):
    Settings = attrs.make_class(
        "Loose", {"word": attrs.field(default=None, type=object)}
    )


@pytest.mark.parametrize(
    ("cls", "test"),
    [
        (ForgetfulPlugin, "test_a_text_cut_anywhere_is_the_same_answer"),
        (ByReadsPlugin, "test_reads_of_any_number_of_events_are_the_same_answer"),
        (TalkativePlugin, "test_no_secret_reaches_its_logs"),
        (HoardingPlugin, "test_nothing_of_an_exchange_is_held_after_it"),
        (JealousPlugin, "test_its_place_among_strangers_does_not_matter"),
        (AskingPlugin, "test_a_dry_run_asks_nobody"),
        (AnyTablePlugin, "test_wrong_settings_are_refused"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_what_is_wrong_with_a_plugin_is_found(cls, test):
    """
    One plugin a fault, and the test that is there for it.
    """
    suite = suite_of(
        cls,
        says="a bluebird sings",
        wrong_settings=({"word": ["a"]},),
    )

    with pytest.raises((AssertionError, Failed, RuntimeError)):
        await getattr(suite, test)()


def test_a_hook_of_the_wrong_colour_is_found():
    """
    As the gateway itself would find it at its start.
    """

    class WrongPlugin(Plugin):
        @hookimpl
        def pre_request(self, exchange):
            return None

    suite = suite_of(WrongPlugin)

    with pytest.raises(AssertionError, match="must be written with async def"):
        asyncio.run(suite.test_its_hooks_fit_their_specifications())
