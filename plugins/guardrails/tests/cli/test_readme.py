"""
What the README shows can be done as it stands there.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from gateway import Gateway
from gateway.settings import settings_from_dict

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = re.findall(r"^    \$ gatewright guardrails (.+)$", README, re.MULTILINE)
SETTINGS = re.findall(r"^```yaml\n(.+?)^```$", README, re.MULTILINE | re.DOTALL)
#: The files that commands read.
FILES = {
    "mail.txt": "Dear Jane, as you asked.",
    "rows.jsonl": '{"text": "mail jane@acme.com", "label": 1}\n'
    '{"text": "a fine day", "label": 0}\n',
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """
    A folder of somebody who has the files, and no settings.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_there_are_examples():
    """
    They are found where they stand.
    """
    assert len(COMMANDS) >= 5
    assert len(SETTINGS) >= 1


async def test_commands(cli, folder):
    """
    One after the other, as somebody would who reads them; the first one finds something.
    """
    told = []
    for command in COMMANDS:
        words, _, rest = command.partition(" < ")
        file, *more = shlex.split(rest) or [None]
        words = [*shlex.split(words), *more]
        for at, word in enumerate(words):
            if word.startswith("http://"):
                words[at] = cli.url
            elif word == "…":
                words[at] = "a-token"
        stdin = (folder / file).read_text() if file else None
        told.append(await cli.run(*words, stdin=stdin))

    assert "jane@acme.com" in told[0]
    assert (folder / "pii.json").exists()


@pytest.mark.parametrize("text", SETTINGS)
def test_settings(text):
    """
    A gateway takes them.
    """
    settings = settings_from_dict(yaml.safe_load(text))

    gateway = Gateway(settings)

    assert gateway.detectors
