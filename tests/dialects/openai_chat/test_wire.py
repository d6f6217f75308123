from __future__ import annotations

from gateway.dialects.openai_chat import OpenAIChat
from gateway.dialects.openai_chat.wire import NAME


def test_seals_are_read_by_the_name_that_the_registry_knows():
    """
    What modules call the dialect is what the dialect is called.
    """
    assert OpenAIChat.name == NAME
