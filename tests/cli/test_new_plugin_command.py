"""
The command ``new-plugin``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.new_plugin_command import new_plugin, rendered

EXAMPLE = Path(__file__).parents[2] / "contrib" / "plugin-template"


def run(*arguments):
    return CliRunner().invoke(new_plugin, list(arguments))


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.endswith((".egg-info", "_cache", "__")) for part in path.parts)
        and "build" not in path.relative_to(folder).parts
    }


def test_the_example_in_contrib_is_what_the_command_writes():
    """
    What is shown, tested and linted there is what an author gets.  To renew it: remove the folder
    and move ``gatewright new-plugin example`` in its place.
    """
    assert files_below(EXAMPLE) == dict(rendered("example"))


def test_nothing_of_the_template_is_left_unfilled():
    """
    No place of the template stays as it was, in names of files or in what stands in them.
    """
    for path, text in rendered("my_words").items():
        assert re.search(r"\{\{\w+\}\}", path + text) is None


def test_it_writes_a_package_and_says_what_comes_next(tmp_path):
    """
    Into the folder that is asked for, named as pip will call it.
    """
    done = run("my_words", "--into", str(tmp_path))

    folder = tmp_path / "gatewright-my-words"
    assert done.exit_code == 0
    assert files_below(folder) == dict(rendered("my_words"))
    assert f"cd {folder}" in done.output
    assert "pytest" in done.output


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    """
    Whatever stands in it may be somebody's work.
    """
    (tmp_path / "gatewright-words").mkdir()

    done = run("words", "--into", str(tmp_path))

    assert done.exit_code == 1
    assert "nothing was written" in done.output
    assert list((tmp_path / "gatewright-words").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["My", "1st", "a-b", "a__b", "_a", "a_", "class", "x" * 41, "../up", ""]
)
def test_what_cannot_name_a_plugin_is_refused(tmp_path, name):
    """
    The error says what a name looks like, and nothing is written.
    """
    done = run(name, "--into", str(tmp_path))

    assert done.exit_code == 2
    assert "cannot name a plugin" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["tenant-header", "Tenant.Header", "tenant header"])
def test_the_name_that_was_meant_is_told(tmp_path, name):
    """
    Distributions are called with hyphens, so authors will try one.
    """
    done = run(name, "--into", str(tmp_path))

    assert done.exit_code == 2
    assert done.output.endswith("did you mean tenant_header?\n")
