"""
The vault remembers for a while, and shows nothing.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.redaction import Conversation, Vault
from gateway_guardrails.redaction.vault import MAX_VALUES


@pytest.fixture
def vault():
    return Vault(ttl_s=60.0, max_bytes=100_000)


def test_the_same_value_has_the_same_number():
    """
    Numbers count the values of one label; the same value keeps its own.
    """
    conversation = Conversation()
    values = ["a@b.co", "c@d.co", "a@b.co"]

    tokens = [conversation.number("EMAIL", value) for value in values]

    assert tokens == ["<EMAIL_1>", "<EMAIL_2>", "<EMAIL_1>"]
    assert conversation.number("CARD", "4111") == "<CARD_1>"
    assert conversation.original("<EMAIL_2>") == "c@d.co"


def test_numbers_that_somebody_wrote_are_left_alone():
    """
    A placeholder that stands in a text keeps its number to itself.
    """
    conversation = Conversation()
    conversation.respect("see <EMAIL_7> and <b> and <CARD_1>")

    assert conversation.number("EMAIL", "a@b.co") == "<EMAIL_8>"
    assert conversation.number("IBAN", "DE00") == "<IBAN_1>"


def test_what_is_too_much_has_no_number():
    """
    Beyond the bound values are still hidden, and no longer told apart.
    """
    conversation = Conversation()
    for at in range(MAX_VALUES):
        conversation.number("EMAIL", str(at))

    assert conversation.number("EMAIL", "one more") == "<EMAIL>"
    assert conversation.number("EMAIL", "0") == "<EMAIL_1>"


def test_forgets_after_a_while(vault):
    """
    A conversation is forgotten so long after its last request.
    """
    vault.open(b"a", 0.0, is_named=True).number("EMAIL", "a@b.co")
    vault.open(b"b", 30.0, is_named=True)
    vault.find(b"b", 61.0)

    assert vault.find(b"a", 61.0) is None
    assert vault.find(b"b", 61.0) is not None


def test_forgets_what_was_not_used_for_longest(vault):
    """
    Where all of them weigh too much the oldest go, never the one in use.
    """
    for name in (b"a", b"b", b"c"):
        conversation = vault.open(name, 0.0, is_named=True)
        for at in range(100):
            conversation.number("EMAIL", f"{name!r}{at}")
        vault.open(name, 0.0, is_named=True)
    vault.open(b"c", 1.0, is_named=True)

    assert len(vault) < 3
    assert vault.find(b"c", 1.0) is not None


def test_shows_nothing(vault):
    """
    Neither the vault nor a conversation shows a value.
    """
    conversation = vault.open(b"a", 0.0, is_named=True)
    conversation.number("EMAIL", "a@b.co")

    assert repr(conversation) == "<Conversation of 1 values>"
    assert repr(vault) == "<Vault of 1 conversations>"


def test_what_one_request_brings_counts_at_once():
    """
    A caller with a new conversation for each of its long requests fills no memory.
    """
    vault = Vault(max_bytes=100_000)

    for number in range(50):
        conversation = vault.open(b"%d" % number, 0.0, is_named=False)
        for value in range(100):
            conversation.number("EMAIL", f"{value}@{number}.example.org")

    assert len(vault) <= 4


def test_a_conversation_that_was_forgotten_in_use_is_counted_no_more():
    """
    It grows on behalf of the request that has it, and goes with that.
    """
    vault = Vault(ttl_s=10)
    conversation = vault.open(b"a", 0.0, is_named=False)
    conversation.number("EMAIL", "a@example.org")
    vault.clear()

    conversation.number("EMAIL", "b@example.org")

    assert (len(vault), vault._total) == (0, 0)
