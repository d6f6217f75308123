"""
The redactions of one exchange.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.redaction import Conversation, Redaction
from gateway_guardrails.redaction.lookalikes import Lookalikes

KEY = b"a key of thirty-two bytes, for us"


@pytest.fixture
def conversation():
    return Conversation()


@pytest.fixture
def redaction(conversation):
    return Redaction(open=lambda: conversation, lookalikes=Lookalikes(KEY))


def test_only_the_callers_own_is_put_back(redaction):
    """
    What was found in the answer is hidden, and not put back.
    """
    own = redaction.token("EMAIL", "a@b.co", "placeholder", restores=True)
    redaction.token("EMAIL", "c@d.co", "placeholder", restores=False)

    assert redaction.live == {own: "a@b.co"}


def test_masks_tell_nothing(redaction):
    """
    A mask is the same for all, and cannot be put back.
    """
    values = ["a@b.co", "someone.else@d.co"]
    tokens = {redaction.token("EMAIL", one, "mask", restores=True) for one in values}

    assert tokens == {"****"}
    assert redaction.live == {}


def test_look_alikes_are_nobody_in_the_text(conversation):
    """
    A look-alike that stands in the request already is not used for another value.
    """
    taken = next(Lookalikes(KEY).of("EMAIL", "a@b.co"))
    redaction = Redaction(
        open=lambda: conversation,
        lookalikes=Lookalikes(KEY),
        texts=lambda: [f"I am {taken}"],
    )

    token = redaction.token("EMAIL", "a@b.co", "synthetic", restores=True)

    assert token != taken
    assert token.endswith("@example.com")
    assert redaction.token("EMAIL", "a@b.co", "synthetic", restores=True) == token


def test_a_named_conversation_puts_back_earlier_turns(conversation):
    """
    Where the caller named the conversation, the values of its earlier turns are known.
    """
    conversation.is_named = True
    for value in ("a@b.co", "c@d.co"):
        redaction = Redaction(
            open=lambda: conversation,
            find=lambda: conversation,
            lookalikes=Lookalikes(KEY),
        )
        redaction.look_up()
        redaction.token("EMAIL", value, "placeholder", restores=True)

    assert redaction.live == {"<EMAIL_1>": "a@b.co", "<EMAIL_2>": "c@d.co"}
