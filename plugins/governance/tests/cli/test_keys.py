from __future__ import annotations

import re

import pytest

from gateway.client import Client
from gateway_governance.cli.keys import callers_url


async def test_a_created_key_is_shown_once_with_what_clients_need(gov, cli):
    """
    The value, and the four lines that both vendors' clients read.
    """
    told = await cli.run(
        *("keys", "create", "checkout", "--team", "payments", "--models", "openai/*"),
        *("--budget", "20/day", "--rate", "600requests/minute", "--expires", "90d"),
    )

    first, *lines = told.splitlines()
    value = first.split()[0]
    assert first == f"{value}   (shown once)"
    assert lines == [
        f"OPENAI_BASE_URL={cli.url}/v1",
        f"OPENAI_API_KEY={value}",
        f"ANTHROPIC_BASE_URL={cli.url}",
        f"ANTHROPIC_AUTH_TOKEN={value}",
    ]
    assert (await gov.spend(value)).status == 200
    key = (await gov.get("/virtual-keys/checkout"))["virtual_key"]
    assert (key["team_id"], key["models"]) == ("payments", ["openai/*"])
    assert key["budgets"][0]["max_limit"] == 20.0
    assert key["rate_limits"][0]["max_limit"] == 600
    assert key["expires_at"] is not None


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({"calls": "https://10.0.0.7:8080"}, "https://10.0.0.7:8080"),
        ({"calls": "http://0.0.0.0:8080"}, "http://gw.example:8080"),
        ({"calls": "http://[::]:8080"}, "http://gw.example:8080"),
        ({"calls": "http://127.0.0.1:0"}, "http://gw.example:8081"),
        ({}, "http://gw.example:8081"),
    ],
)
def test_clients_are_sent_to_where_callers_come_in(monkeypatch, status, shown):
    """
    Not to the management listener, where a key is worth nothing and should not be shown.
    """
    client = Client("http://gw.example:8081")
    monkeypatch.setattr(Client, "get", lambda *_: status)

    assert callers_url(client) == shown


async def test_a_script_gets_the_value_alone(gov, cli):
    """
    With -q nothing but the value, on one line.
    """
    told = await cli.run("keys", "create", "ci", "-q")

    assert re.fullmatch(r"sk-gw-[0-9A-Za-z]{42}\n", told)
    assert (await gov.spend(told.strip())).status == 200


async def test_a_value_that_is_in_use_is_read_from_a_file_or_a_pipe(gov, cli):
    """
    Not from the command line, which every user of the machine can see.
    """
    value = "sk-bf-0b7f8d2e-3c41-4f5e-9a67-1d2c3b4a5f60"

    await cli.run("keys", "create", "old", "--value-file", "-", stdin=f"{value}\n")

    assert (await gov.spend(value)).status == 200


async def test_keys_are_listed_without_their_values(gov, cli):
    """
    A table for people, a document for programs; neither shows a value.
    """
    key = await gov.key(name="mine", team_id="payments")

    table = await cli.run("keys", "list")
    document = await cli.json("keys", "list", "--team", "payments", "--search", "MIN")

    assert re.search(r"^filed +active \(file\) +payments", table, re.MULTILINE)
    assert re.search(r"^mine +active +payments", table, re.MULTILINE)
    assert [one["name"] for one in document["virtual_keys"]] == ["mine"]
    assert key["value"] not in table + str(document)


async def test_a_key_is_shown_with_what_is_left_of_it(gov, cli):
    """
    By name or id.
    """
    key = await gov.key(
        budgets=[{"max_limit": 5, "reset_duration": "1M"}],
        rate_limit={"request_max_limit": 10, "request_reset_duration": "1m"},
        max_parallel=3,
        models=["fast", "claude-*"],
    )

    told = await cli.run("keys", "show", "k")

    assert told.startswith("id ")
    assert "fast, claude-*" in told
    assert "0.00 of 5.00/month" in told
    assert "0 of 10 requests/minute" in told
    assert "0 of 3" in told
    assert (await cli.json("keys", "show", key["id"]))["name"] == "k"


async def test_a_key_is_rotated_with_an_overlap(gov, cli):
    """
    Both values hold meanwhile.
    """
    key = await gov.key()

    told = await cli.run("keys", "rotate", "k", "--overlap", "1h", "-q")

    assert (await gov.spend(told.strip())).status == 200
    assert (await gov.spend(key["value"])).status == 200


async def test_a_key_is_revoked(gov, cli):
    """
    For good; who asks for it afterwards is told that there is none, with code 1.
    """
    key = await gov.key()

    told = await cli.run("keys", "revoke", "k")

    assert told == "k revoked\n"
    assert (await gov.spend(key["value"])).status == 401
    assert "no virtual key" in await cli.run("keys", "revoke", "k", code=1)


@pytest.mark.parametrize(
    "words",
    [
        ("create", "x", "--budget", "20"),
        ("create", "x", "--budget", "20/fortnight"),
        ("create", "x", "--rate", "600/minute"),
        ("create", "x", "--expires", "soon"),
        ("rotate", "x", "--overlap", "long"),
        ("create",),
    ],
    ids=" ".join,
)
async def test_wrong_usage_is_told_before_anybody_is_asked(alone, words):
    """
    Code 2, where an unreachable gateway would be 3.
    """
    await alone.run("keys", *words, code=2)


async def test_a_gateway_that_is_not_there_is_told(alone):
    """
    Code 3.
    """
    told = await alone.run("keys", "list", code=3)

    assert "cannot be reached" in told


async def test_what_the_gateway_refuses_is_told_with_its_place(cli):
    """
    Code 1, one line for each problem.
    """
    told = await cli.run("keys", "create", "x", "--provider", "opnai", code=1)

    assert (
        told
        == "error: provider_configs[0].provider: no such provider, did you mean openai?\n"
    )


async def test_a_hash_is_what_the_settings_take(alone, tmp_path, monkeypatch):
    """
    Made with the secret key that the gateway would have, of what stands in the pipe.
    """
    file = tmp_path / "gateway.yaml"
    file.write_text("version: 1\nserver: {secret_key: env.ROOT}\n")
    monkeypatch.setenv("ROOT", "r" * 40)

    words = ("keys", "hash", "-c", str(file), "--data-dir", str(tmp_path))
    told = await alone.run(*words, stdin="a-value-of-some-length\n")
    again = await alone.run(*words, stdin="a-value-of-some-length")
    short = await alone.run(*words, stdin="short", code=2)

    assert told.startswith("gwh1.")
    assert told == again
    assert "16 to 512 characters" in short


async def test_names_of_others_do_not_write_to_the_terminal(gov, cli):
    """
    An escape sequence in a name is shown as question marks.
    """
    await gov.key(name="a\u202eb", metadata={})

    assert "a?b" in await cli.run("keys", "list")
