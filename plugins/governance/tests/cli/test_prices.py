from __future__ import annotations

import json

import pytest

from gateway.catalog import read_catalog_file

MODELS = {"models": {"smart": "openai/gpt-5", "odd": "openai/nobody-prices-this"}}
LIST = {
    "gpt-x": {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 1.25e-06,
        "output_cost_per_token": 1e-05,
        "max_input_tokens": 1000,
        "max_output_tokens": 100,
    },
    "odd": {"litellm_provider": "nobody", "mode": "chat"},
}


async def test_prices_are_shown_and_missing_ones_named(governed, cli):
    """
    Code 1 where a target has no price: a script can ask before a release.
    """
    async with governed({}, **MODELS) as gov:
        cli.url = gov.client.url
        table = await cli.run("prices", "show", "gpt-5")
        missing = await cli.run("prices", "missing", code=1)

    assert "openai/gpt-5" in table
    assert "nobody" not in table
    assert "USD per million tokens" in table
    assert missing == "openai/nobody-prices-this\n"


async def test_every_price_there_is_nothing_missing(governed, cli):
    """
    Code 0.
    """
    async with governed({}, models={"smart": "openai/gpt-5"}) as gov:
        cli.url = gov.client.url

        assert await cli.run("prices", "missing") == "every target has a price\n"


async def test_a_list_becomes_a_price_file(alone, tmp_path):
    """
    Without a gateway; what was not taken is told with the reason.
    """
    source, target = tmp_path / "prices.json", tmp_path / "prices.yaml"
    source.write_text(json.dumps(LIST))
    words = ("prices", "import", str(source), "-o", str(target), "--from", "2026-02-01")

    told = await alone.run(*words)
    again = await alone.run(*words, code=1)

    (facts,) = read_catalog_file(target)
    assert (facts.provider, facts.model) == ("openai", "gpt-x")
    assert facts.tariffs[0].rates.price.input_pico == 1_250_000
    assert "skipped odd: " in told
    assert "1 models taken, 1 skipped" in told
    assert "is there already" in again


@pytest.mark.parametrize("content", [b"[]", b"\xff", b"{"])
async def test_what_is_no_list_is_refused(alone, tmp_path, content):
    """
    Code 1, and no file is left behind.
    """
    source, target = tmp_path / "prices.json", tmp_path / "prices.yaml"
    source.write_bytes(content)

    await alone.run("prices", "import", str(source), "-o", str(target), code=1)

    assert not target.exists()
