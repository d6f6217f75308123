"""
The pages that tell of detectors' options.
"""

from __future__ import annotations

import attrs
import pytest
import write_options as pages

from gateway.detecting import DetectorTools
from gateway.secrets import Secrets
from gateway.settings import Settings, structure
from gateway.settings.document import read_document
from gateway.settings.problems import Problems
from gateway.testing import ManualClock


@pytest.mark.parametrize(
    ("page", "rendered"),
    [
        (pages.LOCAL_PAGE, pages.local),
        (pages.SERVICES_PAGE, pages.services),
    ],
    ids=["local", "services"],
)
def test_a_page_tells_every_option(page, rendered):
    """
    Its tables are the detectors' own.

    ``python plugins/guardrails/tests/write_options.py`` writes them anew.
    """
    text = page.read_text()

    assert rendered(text) == text


@pytest.mark.parametrize("detector", pages.LOCAL, ids=lambda one: one.name)
def test_the_examples_can_be_written(detector):
    """
    One for each option; all of them together make a detector.
    """
    examples = pages.EXAMPLES[detector.name]

    made = detector.make(read(detector, examples), TOOLS)

    assert list(examples) == [name for name, _ in pages.options_of(detector)]
    assert made is not None


@pytest.mark.parametrize(
    ("name", "option", "written"),
    [
        ("pii", "custom", "custom: {{X: {{{within}}}}}"),
        ("topics", "topics", "topics: [{{{within}}}]"),
    ],
)
def test_the_examples_within_an_option_can_be_written(name, option, written):
    """
    Together they make one of those that the option holds.
    """
    (detector,) = (one for one in pages.LOCAL if one.name == name)
    within = ", ".join(
        f"{path.rpartition('.')[2]}: {text}"
        for path, text in pages.EXAMPLES[name].items()
        if path.startswith(option) and path != option
    )

    options = parsed(detector, "{" + written.format(within=within) + "}")

    assert detector.make(options, TOOLS) is not None


TOOLS = DetectorTools(settings=Settings(), secrets=Secrets({}), clock=ManualClock())


def read(detector, examples):
    """
    Read the options of *detector* itself out of *examples*.
    """
    own = {field.name for field in attrs.fields(detector.Options)}
    lines = [f"{name}: {text}" for name, text in examples.items() if name in own]
    return parsed(detector, "\n".join(lines))


def parsed(detector, text):
    """
    Read options as the settings are read.
    """
    problems = Problems("an example")
    node = read_document(text.encode(), problems)
    assert not problems
    return structure(node, detector.Options)
