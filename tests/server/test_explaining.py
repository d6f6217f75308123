from __future__ import annotations

import pytest

from gateway import (
    Identity,
    NotAuthenticated,
    Phase,
    Plugin,
    Unavailable,
    hookimpl,
)
from gateway.app import Gateway
from gateway.errors import InvalidRequest
from gateway.plugins import FoundPlugin
from gateway.server.explaining import MAX_HEADERS, Ask, explain, read_ask
from gateway.settings import settings_from_environment

REQUEST = b'{"model":"demo/echo","messages":[{"role":"user","content":"hi"}]}'


class DoorPlugin(Plugin):
    """
    Knows the keys alice, who comes by her header, and bob.
    """

    phase = Phase.IDENTIFY

    @hookimpl
    async def pre_request(self, exchange):
        name = exchange.explained_key if exchange.dry_run else None
        name = name or exchange.headers.get("x-key")
        if name not in {"alice", "bob", None}:
            raise NotAuthenticated(code="virtual_key_not_found")
        if name is not None:
            exchange.identity = Identity(key_id=f"vk_{name}", key_name=name)


class WitnessPlugin(Plugin):
    phase = Phase.GOVERN

    @hookimpl
    async def pre_request(self, exchange):
        who = exchange.identity.key_name if exchange.identity else "nobody"
        exchange.explain(f"{who} {exchange.headers.get('x-team')}")
        if not exchange.dry_run:
            raise Unavailable


@pytest.fixture
async def gateway():
    plugins = [
        FoundPlugin(name="door", cls=DoorPlugin),
        FoundPlugin(name="witness", cls=WitnessPlugin),
    ]
    settings = settings_from_environment({})
    async with Gateway(
        settings, plugins=plugins, installed=False, environ={}
    ) as gateway:
        yield gateway


async def test_plugins_see_key_and_headers(gateway):
    """
    The name of a key and the headers reach the plugins, in a dry run.
    """
    ask = Ask(request=REQUEST, headers={"X-Team": "blue"}, key="bob")

    told = await explain(gateway, ask)

    assert told["trail"][1]["reason"] == "bob blue"
    assert told["key"] == {"id": "vk_bob", "name": "bob"}
    assert told["dry_run"] is True


async def test_a_key_stands_above_the_headers(gateway):
    """
    Who is named is explained, whatever credential the request carries.
    """
    ask = Ask(request=REQUEST, headers={"X-Key": "alice"}, key="bob")

    told = await explain(gateway, ask)

    assert told["key"]["name"] == "bob"


async def test_an_unknown_key_is_a_verdict(gateway):
    """
    What the plugin says of a key that there is not is what a caller would be told.
    """
    told = await explain(gateway, Ask(request=REQUEST, key="mallory"))

    assert told["refused"]["code"] == "virtual_key_not_found"
    assert told["key"] is None


async def test_a_key_that_nobody_knows_by_name_is_told():
    """
    Without a plugin that takes the name, the answer would be somebody else's.
    """
    settings = settings_from_environment({})
    async with Gateway(settings, installed=False, environ={}) as gateway:
        with pytest.raises(InvalidRequest) as caught:
            await explain(gateway, Ask(request=REQUEST, key="bob"))

    assert caught.value.code == "key_not_explained"


async def test_nothing_is_sent_or_counted(gateway):
    """
    A dry run leaves no trace, no exchange under way and no call upstream.
    """
    ask = Ask(request=REQUEST, headers={"X-Team": "blue"}, key="bob")

    told = await explain(gateway, ask)

    assert [target["target"] for target in told["targets"]] == ["demo/echo"]
    assert (len(gateway.traces), gateway.in_flight) == (0, 0)


async def test_an_unknown_path_names_those_that_there_are(gateway):
    """
    The remedy stands in the error.
    """
    with pytest.raises(InvalidRequest, match="/v1/chat/completions"):
        await explain(gateway, Ask(request=REQUEST, path="/v2"))


class TestReadAsk:
    def test_survives_the_way_to_another_process(self):
        """
        What a worker is asked is what was asked.
        """
        ask = Ask(request=REQUEST, path="/v1/messages", headers={"a": "b"}, key="k")

        assert read_ask(ask.as_dict()) == ask

    @pytest.mark.parametrize(
        "document",
        [
            [],
            {"request": "text"},
            {"request": {}, "pth": "/v1/messages"},
            {"request": {}, "path": 1},
            {"request": {}, "headers": {"a": 1}},
            {"request": {}, "key": "k" * 300},
        ],
        ids=["list", "text", "unknown", "path-number", "header-number", "long-key"],
    )
    def test_refuses_what_it_does_not_know(self, document):
        """
        Whatever is not as documented is refused.
        """
        with pytest.raises(InvalidRequest):
            read_ask(document)

    def test_bounds_the_headers(self):
        """
        More headers than a request may have are refused.
        """
        headers = {str(number): "" for number in range(MAX_HEADERS + 1)}

        with pytest.raises(InvalidRequest, match="at most"):
            read_ask({"request": {}, "headers": headers})
