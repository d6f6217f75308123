from __future__ import annotations

import json

import pytest

from gateway_guardrails.harness.baseline import (
    BaselineInvalid,
    Tolerance,
    compare,
    read_baseline,
    written,
)

SCORES = {
    "texts": 100,
    "precision": 0.9,
    "recall": 0.8,
    "f1": 0.85,
    "benign_block_rate": 0.02,
    "us_per_kb": 10.0,
}
REPORT = {
    "dataset": {"name": "rows.jsonl", "digest": "d", "texts": 100},
    "where": {"stage": "input", "role": None, "kind": None},
    "detectors": {
        "word": {
            "overall": SCORES,
            "language": {"en": SCORES, "de": {**SCORES, "texts": 5}},
            "types": {
                "CANARY": {"spans": 30, "recall": 0.9, "precision": 1.0, "f1": 0.9}
            },
        }
    },
}


def changed(*steps, **values):
    report = json.loads(json.dumps(REPORT))  # which shares nothing
    place = report["detectors"]
    for step in steps:
        place = place[step]
    place.update(values)
    return report


def worse(now, **tolerance):
    return [str(each) for each in compare(REPORT, now, Tolerance(**tolerance))]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (REPORT, []),
        (changed("word", "overall", recall=0.795), []),
        (changed("word", "overall", recall=0.9), []),
        (
            changed("word", "overall", recall=0.78),
            ["word: recall was 0.8, is 0.78"],
        ),
        (
            changed("word", "overall", benign_block_rate=0.04),
            ["word: benign_block_rate was 0.02, is 0.04"],
        ),
        (changed("word", "overall", us_per_kb=19.0), []),
        (
            changed("word", "overall", us_per_kb=21.0),
            ["word: us_per_kb was 10, is 21"],
        ),
        (changed("word", "language", "de", recall=0.1), []),
        (
            changed("word", "language", "en", precision=0.5),
            ["word language en: precision was 0.9, is 0.5"],
        ),
        (
            changed("word", "types", "CANARY", recall=0.5),
            ["word types CANARY: recall was 0.9, is 0.5"],
        ),
        (
            changed("word", "types", CANARY={}),
            [
                "word types CANARY: precision was 1, is not measured",
                "word types CANARY: recall was 0.9, is not measured",
                "word types CANARY: f1 was 0.9, is not measured",
            ],
        ),
    ],
)
def test_what_became_worse_is_told(now, told):
    """
    Beyond the tolerance, of groups that are large enough to say something.
    """
    assert worse(now) == told


def test_costs_need_not_be_compared():
    """
    On a machine that is busy.
    """
    assert worse(changed("word", "overall", us_per_kb=900.0), slowdown=None) == []


def test_a_detector_that_is_gone_is_worse():
    """
    Nothing is measured, nothing is well.
    """
    gone = {**REPORT, "detectors": {}}

    assert "word: recall was 0.8, is not measured" in worse(gone)


def test_a_baseline_is_read_back(tmp_path):
    """
    As it was written.
    """
    file = tmp_path / "base.json"
    file.write_bytes(written(REPORT))

    assert list(compare(read_baseline(file, REPORT), REPORT, Tolerance())) == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{}", "is no baseline"),
        (b"words", "is no baseline"),
        (written({**REPORT, "format": 2}), "another version"),
        (written({**REPORT, "dataset": {"digest": "other"}}), "another dataset"),
        (written({**REPORT, "where": {"stage": "output"}}), "stand elsewhere"),
    ],
)
def test_another_things_baseline_compares_nothing(tmp_path, raw, words):
    """
    It is an error, not a pass.
    """
    file = tmp_path / "base.json"
    file.write_bytes(raw)

    with pytest.raises(BaselineInvalid, match=words):
        read_baseline(file, REPORT)
