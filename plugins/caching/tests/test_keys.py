"""
What makes two requests the same.
"""

from __future__ import annotations

import pytest

from gateway import Identity, codec
from gateway.providers.headers import ANTHROPIC_REQUEST, OPENAI_REQUEST
from gateway.settings import settings_from_dict
from gateway.testing import make_exchange
from gateway_caching import keys as keys_module
from gateway_caching.keys import FORWARDED, Keys

MESSAGES = {
    "model": "anthropic/m",
    "max_tokens": 50,
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}

CHAT = {
    "model": "m",
    "max_tokens": 5,
    "messages": [{"role": "user", "content": "hi"}],
}
TURNED = dict(reversed(CHAT.items()))
MINE = Identity(key_id="mine", team_id="ours")


def settings_with(name="p", auth="key"):
    """
    Settings of one provider.
    """
    return settings_from_dict(
        {
            "providers": {
                name: {
                    "type": "openai-compatible",
                    "base_url": "http://127.0.0.1:9/v1",
                    "auth": auth,
                }
            }
        }
    )


SETTINGS = settings_with("p", "none")


@pytest.fixture
def looked():
    """
    The requests that were looked over, as they were written.
    """
    return []


@pytest.fixture
def key_of(looked):
    """
    A function that makes the key of an exchange, each by the same keys.
    """
    keys = Keys(b"a secret of thirty-two characters")

    def fault_of(request):
        looked.append(request.encode())
        return "it has tools" if request.tools else None

    def made(body=CHAT, *, beside="", scope="team", **rest):
        rest = {"identity": MINE, "settings": SETTINGS, **rest}
        exchange = make_exchange(codec.dumps(body), **rest)
        return keys.of(exchange, scope, fault_of=fault_of, beside=beside)

    return made


@pytest.fixture
def callers(fake_upstream):
    """
    Settings of a provider that takes its callers' own credentials.
    """
    return {
        "anthropic": {
            "type": "anthropic-compatible",
            "base_url": fake_upstream.url,
            "auth": "caller",
        }
    }


def test_every_header_that_goes_to_a_provider_is_known():
    """
    But for the word of a repeat, which changes no answer.
    """
    sent = {*ANTHROPIC_REQUEST, *OPENAI_REQUEST} - {"idempotency-key"}

    assert sent == set(FORWARDED)


@pytest.mark.parametrize("name", FORWARDED)
async def test_what_a_header_tells_the_provider_is_part_of_the_request(
    start, ask, name
):
    """
    A beta may answer otherwise.
    """
    client = await start(store="memory")
    path, told = "/v1/messages", {name: "something-2026-01-01"}
    await ask(client, MESSAGES, path)

    other = await ask(client, MESSAGES, path, **told)
    again = await ask(client, MESSAGES, path, **told)

    assert (other.cache, again.cache) == ("miss", "hit")


async def test_a_repeat_with_another_beta_is_a_conflict(start, ask):
    """
    It is another request.
    """
    client = await start(store="memory")
    path = "/v1/messages"
    await ask(client, MESSAGES, path, idempotency_key="one")

    other = await ask(
        client, MESSAGES, path, idempotency_key="one", anthropic_beta="something"
    )

    assert other.status == 409


@pytest.mark.parametrize("word", [{}, {"idempotency_key": "one"}], ids=["", "repeat"])
async def test_who_brings_another_credential_gets_no_answer_of_it(
    start, ask, callers, word
):
    """
    Neither from the cache nor as a repeat: the provider, who knows it, is asked.
    """
    client = await start(store="memory", providers=callers)
    path = "/v1/messages"
    first = await ask(client, MESSAGES, path, x_api_key="mine", **word)

    again = await ask(client, MESSAGES, path, x_api_key="mine", **word)
    other = await ask(client, MESSAGES, path, x_api_key="yours", **word)
    none = await ask(client, MESSAGES, path, **word)

    assert (first.was_asked, again.was_asked) == (1, 0)
    assert other.was_asked == 1
    assert none.status == 401


# --- what is written as it was before -------------------------------------------------------


def test_a_request_that_is_written_as_before_is_not_looked_over_again(key_of, looked):
    """
    It has the same key.
    """
    first, again = key_of(), key_of()

    assert again is first
    assert looked == [codec.dumps(CHAT)]


def test_one_that_says_the_same_in_another_order_is(key_of, looked):
    """
    And has the same key all the same.
    """
    first, turned = key_of(), key_of(TURNED)

    assert turned == first
    assert len(looked) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"identity": Identity(key_id="mine", team_id="theirs")},
        {"identity": Identity(key_id="mine")},
        {"identity": None},
        {"scope": "key"},
        {"beside": "a word"},
        {"settings": settings_with("q", "none")},
        {"settings": settings_with("p", "caller")},
        {"body": {**CHAT, "seed": 1}},
        {"body": {**CHAT, "model": "n"}},
        {"dialect": "anthropic_messages"},
        {"operation": "complete"},
        *({"headers": {name.upper(): "x"}} for name in FORWARDED),
    ],
    ids=str,
)
def test_what_is_written_as_before_but_asked_otherwise_has_another_key(
    key_of, looked, other
):
    """
    By another tenant, in other words beside it, of other providers: it is looked over as well.
    """
    first, different, again = key_of(), key_of(**other), key_of()

    assert different.exact != first.exact
    assert again == first
    assert len(looked) > 1


def test_credentials_for_providers_tell_what_is_written_alike_apart(key_of):
    """
    Where a provider takes them.
    """
    settings = settings_with(auth="caller")

    def key(credential):
        return key_of(settings=settings, headers={"X-Api-Key": credential})

    assert key("mine") is key("mine")
    assert key("mine") != key("yours")


def test_a_fault_is_told_every_time(key_of, looked):
    """
    It is not remembered, and so no key of a request that has one is.
    """
    tools = [{"type": "function", "function": {"name": "f"}}]
    body = {**CHAT, "tools": tools}

    assert key_of(body) == key_of(body) == "it has tools"
    assert len(looked) == 2


def test_how_many_requests_are_remembered_is_bounded(key_of, looked, monkeypatch):
    """
    By letting go of all of them; keys do not change by that.
    """
    monkeypatch.setattr(keys_module, "_KNOWN", 2)
    monkeypatch.setattr(keys_module, "_BEGUN", 1)
    asked = [{**CHAT, "seed": seed} for seed in range(5)]
    first = [key_of(body) for body in asked]

    assert key_of(asked[4]) is first[4]
    assert key_of(asked[0]) == first[0]
    assert looked == list(map(codec.dumps, [*asked, asked[0]]))
