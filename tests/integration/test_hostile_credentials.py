"""
A thousand forms of what strangers show for a key, in every header that carries one.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import string
import time
from random import Random

import pytest
from sqlalchemy import event

from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient
from gateway_governance import GovernancePlugin, values
from gateway_governance.entities import VirtualKey
from gateway_governance.values import new_value

PLUGIN = FoundPlugin(name="governance", cls=GovernancePlugin)
VALUE = new_value()
FOREIGN = "vk-of-nobody-else-0123456789"
PLACES = (
    *(b"x-bf-vk: ", b"x-gw-key: ", b"Authorization: Bearer ", b"x-api-key: "),
    *(b"x-goog-api-key: ", b"api-key: "),
)
BODY = b'{"model": "p/m", "messages": [{"role": "user", "content": "hello"}]}'
#: What aiohttp's parser refuses itself, with the status that it has for it.
SERVERS_OWN = {400, 431}
POLL = "SELECT governance_state.generation"
#: Forms that are sent at the same time; the longest ones are a megabyte each.
AT_ONCE = 8

SEEDS = [
    *("'", '"', "`", "''", "\\", "\\'", "%27", "\u2019", "\uff07", "%", "_", "*", "?"),
    *("' OR '1'='1", "' OR 1=1 --", "'; DROP TABLE governance_entities; --"),
    *(
        "' UNION SELECT document FROM governance_entities --",
        '" OR ""="',
        "1; SELECT 1",
    ),
    *("') OR ('1'='1", "admin'--", "x' AND sleep(5) --", "$1", ":lookup", "@@version"),
    *(
        "{{7*7}}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{0.__class__}",
        "%(key)s",
        "%s%n%x",
    ),
    *("${jndi:ldap://127.0.0.1/a}", "$(id)", "`id`", "|id", ";id", "&& id", "{%raw%}"),
    *(
        "../../../etc/passwd",
        "file:///etc/passwd",
        "env.VK",
        "file./etc/passwd",
        "~/.ssh",
    ),
    *(
        "<script>alert(1)</script>",
        "<!ENTITY x SYSTEM 'file:///'>",
        "]]>",
        "-->",
        "&#0;",
    ),
    *("null", "None", "true", "0", "-1", "1e309", "NaN", "[]", "{}", '{"$ne": null}'),
    *(
        "undefined",
        "[object Object]",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Digest x",
        "=",
    ),
    *(
        "\u202eabc",
        "\u200b",
        "\ufeff",
        "\u0000",
        "\U0001f511",
        "e\u0301",
        "\u212a",
        "\xad",
    ),
    *(
        "eyJhbGciOiJub25lIn0.e30.",
        "sk-",
        "sk-gw-",
        "sk-gw",
        "SK-GW-",
        "sk-bf-",
        "sk-ant-",
    ),
]


def forms(rng):
    """
    Return a thousand and more, as bytes: none is a key, and none is twice.
    """
    own, foreign = VALUE.encode(), FOREIGN.encode()
    found = [seed.encode() for seed in SEEDS]
    for seed in SEEDS:
        raw = seed.encode()
        found += [
            *(own + raw, raw + own, own[:20] + raw + own[20:]),
            *(foreign + raw, raw + foreign, raw * 40, b"sk-gw-" + raw * 9),
        ]
    # One character of ours another one: its checksum is wrong.
    for at in range(len(own)):
        for other in (b"0", b"z", b"-", b"'", b"\x7f", b"\xff"):
            found.append(own[:at] + other + own[at + 1 :])
    found += [own[:length] for length in range(1, len(own))]
    found += [own + own[-1:] * more for more in range(1, 20)]
    found += [
        own.upper(),
        own.lower(),
        own.swapcase(),
        own[::-1],
        own.replace(b"-", b"_"),
    ]
    found += [new_value().encode() for _ in range(50)]  # well formed, of nobody
    found += [foreign[:-1] + bytes([last]) for last in range(0x30, 0x7F)]
    # What HTTP does not let pass, and what it does.
    for odd in (0x00, 0x01, 0x08, 0x0B, 0x0C, 0x1B, 0x7F, 0x80, 0xA0, 0xC0, 0xED, 0xFE):
        found += [
            bytes([odd]),
            own + bytes([odd]),
            bytes([odd]) + own,
            bytes([odd]) * 64,
        ]
    found += [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", "ключ-".encode() * 8]
    found += [rng.randbytes(length).translate(None, b"\r\n") for length in range(1, 60)]
    found += [b"x" * length for length in (15, 16, 512, 513, 8_000, 65_536, 1_000_000)]
    found += [own * 20_000, b"'" * 1_000_000, b"\xc3\xa9" * 500_000]
    stripped = {own, foreign, b""}
    return [form for form in dict.fromkeys(found) if form.strip(b" \t") not in stripped]


def settings_for(fake):
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    return {
        "providers": {"p": place},
        "plugins": {
            "governance": {
                "require_key": True,
                "virtual_keys": {
                    "own": {"secret": "env.OWN"},
                    "foreign": {"secret": "env.VK"},
                },
            }
        },
    }


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture(name="client")
async def _client(fake):
    environ = {"OWN": VALUE, "VK": FOREIGN}
    async with GatewayClient(
        settings_for(fake), plugins=[PLUGIN], environ=environ
    ) as client:
        yield client


def governor_of(client):
    return client.gateway.hooks.plugins[0].plugin.governor


async def show(client, place, form):
    """
    Send one request whose key is *form*, byte for byte; returns the status and the code.
    """
    host, port = client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    length = str(len(BODY)).encode()
    raw = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: " + length + b"\r\n"
    )
    try:
        writer.write(raw + place + form + b"\r\n\r\n" + BODY)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    finally:
        writer.transport.abort()
    status = int(head.split(b" ", 2)[1])
    lines = head.lower().split(b"\r\n")
    codes = [line[11:] for line in lines if line.startswith(b"x-gw-code: ")]
    return status, b"".join(codes).decode()


async def show_all(client, shown):
    """
    Show each of *shown*, some at a time.
    """
    told = []
    for first in range(0, len(shown), AT_ONCE):
        some = shown[first : first + AT_ONCE]
        told += await asyncio.gather(*(show(client, *each) for each in some))
    return told


async def check_refused(client, fake, shown):
    """
    Every one of *shown* is refused, and the database is not asked about any.
    """
    statements = []
    engine = governor_of(client).store.storage.engine.sync_engine
    event.listen(
        engine,
        "before_cursor_execute",
        lambda _, __, statement, *rest: statements.append(statement),
    )

    began = time.monotonic()
    told = await show_all(client, shown)
    took_s = time.monotonic() - began

    odd = [
        (place, form[:80], status, code)
        for (place, form), (status, code) in zip(shown, told, strict=True)
        if not (status == 401 and code.startswith("virtual_key_"))
        and status not in SERVERS_OWN
    ]
    assert odd == []
    assert sum(status == 401 for status, _ in told) > len(told) // 2
    # What is asked for twice a second, whoever calls: whether something changed.
    assert all(statement.startswith(POLL) for statement in statements)
    assert len(statements) <= took_s / 0.4 + 2
    assert not fake.requests
    sound = await show(client, PLACES[2], VALUE.encode())
    assert sound[0] == 200


async def test_a_thousand_forms_are_refused(client, fake, rng):
    """
    Quotes, NUL, a megabyte, look-alikes: 401, or the server's own no, without a query.
    """
    all_forms = forms(rng)
    shown = [(PLACES[at % len(PLACES)], form) for at, form in enumerate(all_forms)]

    assert len(all_forms) >= 1_000
    await check_refused(client, fake, shown)


@pytest.mark.deep
async def test_a_thousand_forms_are_refused_in_all_places(client, fake, rng):
    """
    The same in each of the six headers.
    """
    shown = [(place, form) for form in forms(rng) for place in PLACES]

    await check_refused(client, fake, shown)


# --- time -----------------------------------------------------------------------------------


def median_difference(one, other):
    return statistics.median(one) - statistics.median(other)


def noise_of(one, other, rng, *, rounds=2_000):
    """
    Return the difference of medians that chance alone makes in all but a thousandth of cases.

    By permutation: if both came about alike, it does not matter which sample is called which.
    """
    both = [*one, *other]
    found = []
    for _ in range(rounds):
        rng.shuffle(both)
        found.append(abs(median_difference(both[: len(one)], both[len(one) :])))
    return sorted(found)[int(rounds * 0.999)]


@pytest.mark.deep
async def test_time_tells_nothing_of_a_value(client, rng):
    """
    What cannot be a key, a key that nobody has and one whose id is known with a wrong secret take
    the same processor time over HTTP, as far as can be told from 200 measurements of each.

    Noise is judged by permutation: the medians of two kinds differ by less than the medians of the
    same measurements dealt out at random, in 999 of 1,000 deals.  Kinds take turns in random order,
    so that what changes on the machine meanwhile meets all of them alike.
    """
    governor = governor_of(client)
    mint = governor.store.mint
    known = new_value()
    await governor.store.put(VirtualKey(id="vk_x", name="x", values=(mint.of(known),)))
    await governor.watch.refresh()
    twins = [_twin_of(known, rng) for _ in range(40)]
    kinds = {
        "malformed": [new_value()[:-1] + "!" for _ in range(40)],
        "unknown": [new_value() for _ in range(40)],
        "known id": twins,
    }
    samples = {kind: [] for kind in kinds}
    gc.collect()
    gc.disable()
    try:
        for measured in range(220):
            for kind in rng.sample(sorted(kinds), 3):
                took = await _time(client, kinds[kind])
                if measured >= 20:
                    samples[kind].append(took)
    finally:
        gc.enable()

    for one, other in (("malformed", "unknown"), ("unknown", "known id")):
        found = abs(median_difference(samples[one], samples[other]))
        noise = noise_of(samples[one], samples[other], Random(1))
        assert found <= noise, (one, other, found, noise)


def _twin_of(known, rng):
    """
    Make a value with the id of another one, and a secret and checksum of its own.
    """
    letters = string.ascii_letters + string.digits
    stem = known[:16] + "".join(rng.choices(letters, k=26))
    return stem + values._checksum(stem)


async def _time(client, shown):
    """
    Return the processor time of one request, over all of *shown*, in seconds.
    """
    began = time.process_time()
    for value in shown:
        answer = await client.post(
            "/v1/chat/completions", BODY, {"Authorization": f"Bearer {value}"}
        )
        assert answer.status == 401
    return (time.process_time() - began) / len(shown)
