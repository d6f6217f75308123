"""
What ``gatewright check`` says of rules, beside what the start says.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import attrs
import pytest

from gateway import Gateway
from gateway.cli.settings_commands import check_file
from gateway.errors import ConfigError
from gateway.plugins import FoundPlugin
from gateway.secrets import Secrets
from gateway.settings import ServerSettings, load_settings

RULES = "plugins.guardrails.rules"
TEXT = """
    plugins:
      guardrails:
        rules:
          people:
            detectors:
              - {type: pii, types: [email, SHOE_SIZE], custom: {A: "(", B: "a(?=b)"}}
              - {type: secrets, allowed: ["["]}
            action: redact
          words:
            detectors:
              - {type: words, languages: {xx: [a]}, presets: [rude.en]}
              - {type: shape, must_not: {x: "a(?!b)", y: "(?<=a)b"}}
            action: block
          empty: {detectors: [{type: words, words: []}, secrets], action: block}
          whole:
            detectors:
              - {type: whole_shape, must: {x: "["}, json_schema: {type: thing}}
              - {type: topics}
            action: block
            streaming: buffer
          off: {detectors: [{type: words}], action: block, enabled: false}
    """
#: What stands where something is wrong, and its path below the rules.
WRONG = [
    ("SHOE_SIZE", "people.detectors[0].types[1]"),
    ('"("', "people.detectors[0].custom.A.pattern"),
    ('"a(?=b)"', "people.detectors[0].custom.B.pattern"),
    ("allowed:", "people.detectors[1].allowed"),
    ("xx:", "words.detectors[0].languages.xx"),
    ("rude.en", "words.detectors[0].presets[0]"),
    ("x:", "words.detectors[1].must_not.x"),
    ("y:", "words.detectors[1].must_not.y"),
    ("words:", "empty.detectors[0].words"),
    ("x:", "whole.detectors[0].must.x"),
    ("json_schema:", "whole.detectors[0].json_schema"),
    ("{type: topics", "whole.detectors[1].topics"),
]


@pytest.fixture
def checked(tmp_path, plugins):
    """
    Check settings, and return the problems.
    """
    found = [
        each
        if isinstance(each, FoundPlugin)
        else FoundPlugin(name="detectors", cls=each)
        for each in plugins
    ]

    def check(text, **options):
        file = tmp_path / "gateway.yaml"
        file.write_text(dedent(text).lstrip())
        return check_file(file, extra=found, installed=False, **options).errors

    return check


def test_every_mistake_is_told_at_once_with_its_place(checked):
    """
    Of all rules that are enabled, all detectors, and all their options.
    """
    problems = checked(TEXT)

    paths = [f"{RULES}.{path}" for _, path in WRONG]
    assert [problem.path for problem in problems] == paths
    for problem, (there, _) in zip(problems, WRONG, strict=True):
        assert standing_at(problem.where).startswith(there)


async def test_the_start_refuses_the_same(tmp_path, plugins):
    """
    What a check passes starts, and what it does not, does not: with the same words.
    """
    settings = settings_of(tmp_path, TEXT)
    gateway = Gateway(settings, plugins=plugins, installed=False)

    with pytest.raises(ConfigError) as refused:
        await gateway.start()

    paths = [problem.path for problem in refused.value.problems]
    assert paths == [f"{RULES}.{path}" for _, path in WRONG]


@pytest.mark.parametrize("more", ["", ", {type: words}"], ids=["sound", "broken"])
def test_what_was_made_for_the_check_is_let_go(checked, oracle, monkeypatch, more):
    """
    A service's client is closed, whether or not the others could be made.
    """
    closed = []

    async def close(self):
        closed.append(self)

    monkeypatch.setattr(oracle, "close", close)

    problems = checked(
        f"""
        plugins:
          guardrails:
            rules:
              mine: {{detectors: [{{type: oracle, says: "yes"}}{more}], action: block}}
        """
    )

    assert (len(closed), len(problems)) == (1, 1 if more else 0)


SERVICES = """
    models: {{guard: openai/gpt-5}}
    providers: {{openai: {{keys: {{main: env.PROVIDER_KEY}}}}}}
    plugins:
      guardrails:
        rules:
          shield:
            detectors:
              - {{type: azure_shield, endpoint: "https://a.example", key: env.NOT_SET}}
            action: block
          off:
            detectors:
              - {{type: azure_shield, endpoint: "https://a.example", key: env.NOT_SET}}
            action: block
            enabled: false
          judge:
            detectors: [{{type: model, model: {model}, prompt: Find it.}}]
            action: block
    """
MISSING = (
    f"{RULES}.shield.detectors[0].key",
    "secret env.NOT_SET: not set in the environment",
)
UNKNOWN = (
    f"{RULES}.judge.detectors[0].model",
    'No model "guarrd" here. Did you mean "guard"?',
)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (None, []),
        ({"PROVIDER_KEY": "x"}, [MISSING]),
        ({"PROVIDER_KEY": "x", "NOT_SET": "y"}, []),
    ],
    ids=["without", "missing", "there"],
)
def test_secrets_of_detectors_are_resolved_where_that_is_asked_for(
    checked, environ, told
):
    """
    By ``check --secrets``, as all others are; of rules that are enabled.
    """
    secrets = None if environ is None else Secrets(environ)

    problems = checked(SERVICES.format(model="guard"), secrets=secrets)

    assert [(one.path, one.message) for one in problems] == told


def test_a_missing_secret_hides_no_model_that_nobody_has(checked):
    """
    What the core finds out and what a plugin finds out is told at once.
    """
    secrets = Secrets({"PROVIDER_KEY": "x"})

    problems = checked(SERVICES.format(model="guarrd"), secrets=secrets)

    assert [(one.path, one.message) for one in problems] == [MISSING, UNKNOWN]


async def test_the_start_refuses_a_missing_secret(tmp_path, plugins):
    """
    Not the first caller.
    """
    settings = settings_of(tmp_path, SERVICES.format(model="guard"))
    gateway = Gateway(settings, plugins=plugins, installed=False, environ={})

    with pytest.raises(ConfigError) as refused:
        await gateway.start()

    assert [(one.path, one.message) for one in refused.value.problems] == [MISSING]


def test_no_gateway_is_made_with_a_model_that_nobody_has(tmp_path, plugins):
    """
    Neither at the start nor by a reload.
    """
    settings = settings_of(tmp_path, SERVICES.format(model="guarrd"))

    with pytest.raises(ConfigError) as refused:
        Gateway(settings, plugins=plugins, installed=False)

    assert [(one.path, one.message) for one in refused.value.problems] == [UNKNOWN]


def settings_of(folder, text):
    """
    Read settings that are written to a file in *folder*.
    """
    file = folder / "gateway.yaml"
    file.write_text(dedent(text))
    return attrs.evolve(load_settings(file), server=ServerSettings(data_dir=folder))


def standing_at(where):
    """
    Return what the file has from ``file:line:column`` on.
    """
    file, line, column = where.rsplit(":", 2)
    return Path(file).read_text().splitlines()[int(line) - 1][int(column) - 1 :]
