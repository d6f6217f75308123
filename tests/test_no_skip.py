"""
The rules of conftest.py, tried on suites of a few lines.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"

# Every way to skip, each in a file of its own.
SKIPS = {
    "in_a_test": 'def test_it():\n    pytest.skip("no moon")\n',
    "by_a_mark": '@pytest.mark.skip(reason="no moon")\ndef test_it():\n    pass\n',
    "by_a_fixture": (
        '@pytest.fixture\ndef moon():\n    pytest.skip("no moon")\n\n'
        "def test_it(moon):\n    pass\n"
    ),
    "a_whole_module": 'pytest.skip("no moon", allow_module_level=True)\n',
    "a_missing_import": 'pytest.importorskip("no_moon", reason="no moon")\n',
    "a_missing_program": "@pytest.mark.needs_moon\ndef test_it():\n    pass\n",
}
EXPECTED_FAILURE = "@pytest.mark.xfail(strict=True)\ndef test_it():\n    assert False\n"


def run(folder: Path, no_skip: str) -> tuple[int, str]:
    """
    Run all suites beside a copy of conftest.py that knows a program nobody has.
    """
    rules = CONFTEST.read_text().replace(
        "PROGRAMS = {", 'PROGRAMS = {"needs_moon": ("no moon", "moon"),', 1
    )
    (folder / "conftest.py").write_text(rules)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = needs_moon\n")
    for name, suite in {**SKIPS, "expected": EXPECTED_FAILURE}.items():
        (folder / f"test_{name}.py").write_text(f"import pytest\n\n{suite}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-rA", "-p", "no:gateway"),
            "--continue-on-collection-errors",
        ],
        cwd=folder,
        env={
            **os.environ,
            "COLUMNS": "200",
            "GATEWRIGHT_NO_SKIP": no_skip,
            "PYTHONPATH": str(CONFTEST.parent),
        },
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module", name="forbidden")
def _forbidden(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    return run(tmp_path_factory.mktemp("forbidden"), no_skip="1")


@pytest.fixture(scope="module", name="allowed")
def _allowed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    return run(tmp_path_factory.mktemp("allowed"), no_skip="")


@pytest.mark.parametrize("name", SKIPS)
def test_skip_is_a_failure_where_forbidden(forbidden, name):
    """
    With GATEWRIGHT_NO_SKIP set, any skip fails by its name and with its reason.
    """
    status, said = forbidden

    assert status == 1, said
    assert re.search(rf"^(FAILED|ERROR) .*test_{name}\.py", said, re.MULTILINE), said
    assert re.search(
        rf"test_{name}\.py\S* skipped, GATEWRIGHT_NO_SKIP forbids: .*no moon", said
    ), said


@pytest.mark.parametrize("name", SKIPS)
def test_skip_is_a_skip_elsewhere(allowed, name):
    """
    Without it a skip stays what it is.
    """
    status, said = allowed

    assert status == 0, said
    assert re.search(
        rf"^SKIPPED .*(test_{name}|conftest)\.py.*no moon", said, re.MULTILINE
    )
    assert f"{len(SKIPS)} skipped, 1 xfailed" in said


def test_expected_failure_is_no_skip(forbidden):
    """
    A test marked xfail did run, and may fail as it announced.
    """
    _, said = forbidden

    assert re.search(r"^XFAIL .*test_expected\.py", said, re.MULTILINE), said


def test_random_numbers_depend_on_seed_and_name_alone(rng, request):
    """
    Whatever ran before, a test gets the same numbers in every run with the same seed.
    """
    seed = request.config.getoption("randomly_seed")

    assert rng.random() == random.Random(f"{seed}:{request.node.nodeid}").random()
