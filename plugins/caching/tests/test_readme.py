from __future__ import annotations

from pathlib import Path

import yaml

README = Path(__file__).parents[1] / "README.md"


async def test_it_is_on_and_turned_off_as_the_page_says(start, ask):
    """
    Whoever installs it is told on the first screen, and how to have it otherwise.
    """
    first, install = README.read_text().split("## Configure")[0].split("## Install")
    shown = yaml.safe_load(install.split("```yaml")[1].split("```")[0])
    as_installed = await start()
    turned_off = await start(**shown["plugins"]["caching"])
    taken_out = await start(hooks={"disabled": ["caching"]})

    told = []
    for client in (as_installed, turned_off, taken_out):
        await ask(client)
        told.append((await ask(client)).cache)

    assert told == ["hit", "bypass", None]
    assert "on once it is installed" in first
    assert "hooks: {disabled: [caching]}" in install
