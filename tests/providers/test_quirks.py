from __future__ import annotations

import pytest

from gateway.errors import Untranslatable
from gateway.neutral import Losses
from gateway.providers import quirks
from gateway.views import Request


def apply(quirk: quirks.Quirk, request: Request, *, strict: bool = False):
    losses = Losses(strict)
    touched = tuple(quirk.edit(request, losses))
    return touched, [(loss.field, loss.action) for loss in losses.found]


class TestRenames:
    quirk = quirks.renames("max_completion_tokens", "max_tokens")

    def test_sends_the_other_word(self, chat):
        """
        The value stays, its name changes; nothing is lost by it.
        """
        request = chat(max_completion_tokens=5)

        touched, losses = apply(self.quirk, request, strict=True)

        assert request.doc["max_tokens"] == 5
        assert "max_completion_tokens" not in request.doc
        assert (touched, losses) == (("max_completion_tokens",), [])
        assert request.is_dirty

    def test_keeps_the_word_that_the_vendor_knows(self, chat):
        """
        Where the caller said both, the vendor's own stands.
        """
        request = chat(max_completion_tokens=5, max_tokens=3)

        apply(self.quirk, request)

        assert request.doc["max_tokens"] == 3
        assert "max_completion_tokens" not in request.doc

    def test_leaves_other_requests_alone(self, chat):
        """
        A request without the field goes out as the bytes that came.
        """
        request = chat(max_tokens=3)

        assert apply(self.quirk, request) == ((), [])
        assert not request.is_dirty


class TestDrops:
    quirk = quirks.drops("logit_bias", "logprobs")

    def test_records_what_is_lost(self, chat):
        """
        A field that was left out is on the list of losses.
        """
        request = chat(logprobs=True)

        touched, losses = apply(self.quirk, request)

        assert b"logprobs" not in request.encode()
        assert touched == ("logprobs",)
        assert losses == [("logprobs", "dropped")]

    def test_a_null_is_no_loss(self, chat):
        """
        Leaving out what said nothing takes nothing away.
        """
        request = chat(logprobs=None)

        assert apply(self.quirk, request, strict=True) == (("logprobs",), [])
        assert "logprobs" not in request.doc

    def test_a_strict_caller_is_refused(self, chat):
        """
        Who allows no loss hears which field cannot be sent.
        """
        with pytest.raises(Untranslatable, match="logprobs"):
            apply(self.quirk, chat(logprobs=True), strict=True)

    def test_some_fields_nobody_misses(self, chat):
        """
        What the vendor does unasked may be left out even for a strict caller.
        """
        request = chat(stream_options={"include_usage": True})

        touched, losses = apply(
            quirks.drops_quietly("stream_options"), request, strict=True
        )

        assert b"stream_options" not in request.encode()
        assert (touched, losses) == (("stream_options",), [])


class TestDropsInMessages:
    def test_drops_from_every_message(self, chat):
        """
        Extensions are taken out of the history; the rest of it stays.
        """
        request = chat(
            messages=[
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b", "reasoning_content": "c"},
            ]
        )

        touched, losses = apply(quirks.drops_in_messages("reasoning_content"), request)

        assert request.doc["messages"][1] == {"role": "assistant", "content": "b"}
        assert b"reasoning_content" not in request.encode()
        assert touched == ("messages.reasoning_content",)
        assert losses == [("messages.reasoning_content", "dropped")]

    def test_may_spare_some_roles(self, chat):
        """
        A field that the vendor knows for one role stays there.
        """
        request = chat(
            messages=[
                {"role": "user", "name": "ada", "content": "a"},
                {"role": "tool", "name": "f", "content": "b"},
            ]
        )

        apply(quirks.drops_in_messages("name", roles=("user",)), request)

        assert ["name" in m for m in request.doc["messages"]] == [False, True]

    @pytest.mark.parametrize("messages", [None, "text", {"a": 1}, [1, "b", None]])
    def test_malformed_messages_are_left_to_the_vendor(self, chat, messages):
        """
        What is no list of messages goes out as it came.
        """
        request = chat(messages=messages)

        assert apply(quirks.drops_in_messages("name"), request) == ((), [])
        assert not request.is_dirty


class TestRespells:
    quirk = quirks.respells("tool_choice", {"required": "any"})

    def test_sends_the_vendors_word(self, chat):
        """
        A word is replaced by the one that the vendor has for it, in place.
        """
        request = chat(tool_choice="required")

        assert apply(self.quirk, request, strict=True) == (("tool_choice",), [])
        assert b'"tool_choice":"any"' in request.encode()

    @pytest.mark.parametrize("choice", ["auto", {"type": "function"}, None, 7])
    def test_leaves_other_values(self, chat, choice):
        """
        What is no such word stays as it is.
        """
        request = chat(tool_choice=choice)

        assert apply(self.quirk, request) == ((), [])
        assert request.doc["tool_choice"] == choice


class TestRefuses:
    quirk = quirks.refuses("tools", "its models call no tools")

    def test_refuses_what_must_not_be_lost(self, chat):
        """
        Even a caller who allows losses is refused where the answer would be another.
        """
        with pytest.raises(Untranslatable, match="call no tools"):
            apply(self.quirk, chat(tools=[{"type": "function"}]))

    @pytest.mark.parametrize("tools", [[], None])
    def test_an_empty_wish_is_none(self, chat, tools):
        """
        An empty list asks for nothing.
        """
        assert apply(self.quirk, chat(tools=tools)) == ((), [])
