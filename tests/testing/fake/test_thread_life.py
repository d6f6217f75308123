"""
A server in a thread of its own, for clients that block.
"""

from __future__ import annotations

import threading

import anthropic
import openai
import pytest

from gateway.testing import FakeUpstream, Script


def test_blocking_clients_talk_to_it(chat, message):
    """
    The synchronous SDKs get answers, whole and streamed.
    """
    with FakeUpstream.in_thread() as fake:
        with openai.OpenAI(
            base_url=fake.openai_url, api_key="any", max_retries=0
        ) as client:
            whole = client.chat.completions.create(**chat("hi"))
        with (
            anthropic.Anthropic(
                base_url=fake.url, api_key="any", max_retries=0
            ) as client,
            client.messages.stream(**message("hi")) as stream,
        ):
            streamed = stream.get_final_text()

        assert whole.choices[0].message.content == streamed == "echo: hi"
        assert fake.bill.charges_made == 2


def test_options_are_those_of_the_class(chat):
    """
    Keys and scripts work as they do without a thread.
    """
    with (
        FakeUpstream.in_thread(keys=["good"], default=Script(text="hi")) as fake,
        openai.OpenAI(base_url=fake.openai_url, api_key="bad", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(**chat())


def test_waits_from_outside(chat):
    """
    Another thread waits for what happens in the server.
    """
    with FakeUpstream.in_thread() as fake:

        def ask():
            with openai.OpenAI(
                base_url=fake.openai_url, api_key="any", max_retries=0
            ) as client:
                client.chat.completions.create(**chat())

        thread = threading.Thread(target=ask)
        thread.start()
        fake.wait_here_for(lambda: len(fake.bill) == 1)
        thread.join()

        with pytest.raises(TimeoutError, match="charges=1"):
            fake.wait_here_for(lambda: len(fake.bill) == 2, timeout=0.01)


def test_the_thread_ends_with_the_block():
    """
    Nothing runs on after the server was left.
    """
    with FakeUpstream.in_thread():
        during = [thread.name for thread in threading.enumerate()]
    after = [thread.name for thread in threading.enumerate()]

    assert "fake-upstream" in during
    assert "fake-upstream" not in after


def test_a_port_in_use_is_told_to_who_waits():
    """
    What keeps the server from starting is raised where it was started.
    """
    with (
        FakeUpstream.in_thread() as first,
        pytest.raises(OSError, match=str(first.port)),
        FakeUpstream.in_thread(port=first.port),
    ):
        pass
