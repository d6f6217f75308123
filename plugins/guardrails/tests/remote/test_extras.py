"""
What is not installed is not needed, and what is needed is named.
"""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

BLOCKED = dedent("""
    import importlib.abc, sys

    class Blocked(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {"boto3", "botocore", "azure", "urllib3"}:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, Blocked())
""")


def run_without_extras(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_plugin_stands_without_the_services_clients():
    """
    Importing it, and all detectors, takes none of the extras.
    """
    told = run_without_extras("""
        import gateway_guardrails
        from gateway_guardrails.remote import REMOTE
        print(*(one.name for one in REMOTE))
    """)

    assert told.split() == [
        "bedrock",
        "bedrock_checks",
        "azure",
        "azure_shield",
        "azure_protected",
        "azure_grounding",
        "patronus",
        "webhook",
        "model",
    ]


@pytest.mark.parametrize(
    ("name", "options", "extra"),
    [
        ("BEDROCK", "id='abc'", "[bedrock]"),
        ("BEDROCK_CHECKS", "", "[bedrock]"),
        ("AZURE", "endpoint='https://a.example', key=KEY", "[azure]"),
    ],
)
def test_an_extra_that_is_missing_is_a_fault_of_the_settings(name, options, extra):
    """
    Whoever names a detector is told what to install.
    """
    told = run_without_extras(f"""
        from gateway.errors import ConfigError
        from gateway.settings import SecretRef
        from gateway_guardrails import remote
        KEY = SecretRef.parse("env.KEY")
        try:
            remote.{name}.make(remote.{name}.Options({options}), None)
        except ConfigError as exc:
            print(exc)
    """)

    assert f"pip install 'gatewright-guardrails{extra}'" in told


def test_asking_over_http_takes_no_extra():
    """
    Prompt Shields, protected material and groundedness need no SDK.
    """
    told = run_without_extras("""
        from gateway.settings import SecretRef
        from gateway_guardrails import remote
        KEY = SecretRef.parse("env.KEY")
        for one in (remote.AZURE_SHIELD, remote.AZURE_PROTECTED, remote.AZURE_GROUNDING):
            one.make(one.Options(endpoint="https://a.example", key=KEY), None)
            print("made")
    """)

    assert told.split() == ["made"] * 3
