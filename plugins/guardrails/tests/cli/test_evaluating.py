from __future__ import annotations

import json

import pytest

ROWS = [
    *(
        {
            "text": f"canary {number}",
            "label": 1,
            "category": "bird",
            "language": "en",
            "spans": [{"type": "CANARY", "start": 0, "end": 6}],
        }
        for number in range(30)
    ),
    *({"text": f"sparrow {n}", "label": 0, "language": "de"} for n in range(30)),
    {"text": "a hidden c-a-n-a-r-y", "label": 1, "category": "hidden"},
    {"text": "canary again", "label": 0},
]


@pytest.fixture(name="rows")
def _rows(tmp_path):
    return write(tmp_path, ROWS)


def write(tmp_path, rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return file


async def test_every_detector_is_scored(here, rows):
    """
    Overall, and by type, category, language and length.
    """
    told = await here.json("eval", str(rows), "--detectors", "word")

    word = told["detectors"]["word"]
    overall = {**word["overall"]}
    assert overall.pop("us_per_kb") > 0
    assert overall == {
        "texts": 62,
        "positives": 31,
        "negatives": 31,
        "hits": 30,
        "false_alarms": 1,
        "precision": 0.9677,
        "recall": 0.9677,
        "f1": 0.9677,
        "benign_block_rate": 0.0323,
    }
    assert word["category"]["hidden"]["recall"] == 0.0
    assert word["language"]["de"]["benign_block_rate"] == 0.0
    assert set(word["length"]) == {"<100"}
    assert word["types"]["CANARY"]["recall"] == 1.0


@pytest.mark.usefixtures("file")
async def test_rules_are_scored_by_their_own_measure(here, rows):
    """
    What is below a rule's severity counts for nothing.
    """
    told = await here.json("eval", str(rows), "--rule", "birds,songs")
    strict = await here.json(
        "eval", str(rows), "--rule", "birds", "--severity=critical"
    )

    assert told["detectors"]["word"]["overall"]["hits"] == 30
    assert strict["detectors"]["word"]["overall"]["hits"] == 0


@pytest.mark.parametrize("says", ["flag", "mask"])
async def test_what_is_only_flagged_or_masked_counts(here, tmp_path, says):
    """
    It was found, whatever is done about it.
    """
    (tmp_path / "gateway.yaml").write_text(
        "hooks: {only: [guardrails]}\nplugins: {guardrails: {rules: {asks: "
        f"{{detectors: [{{type: oracle, says: {says}}}], action: flag}}}}}}}}\n"
    )

    told = await here.json("eval", str(write(tmp_path, ROWS)))

    overall = told["detectors"]["oracle"]["overall"]
    assert (overall["hits"], overall["false_alarms"]) == (31, 31)


async def test_people_see_tables(here, rows):
    """
    One of texts, one of types.
    """
    told = await here.run("eval", str(rows), "--detectors", "word")

    first, second = told.split("\n\n")
    assert first.splitlines()[0].split()[-2:] == ["benign_block_rate", "us_per_kb"]
    assert second.splitlines()[1].split()[:4] == ["word", "CANARY", "30", "30"]


async def test_what_became_worse_than_the_baseline_is_a_fault(here, rows, tmp_path):
    """
    It names each figure, and exits with 1.
    """
    base = str(tmp_path / "base.json")
    words = ("eval", str(rows), "--detectors", "word", "--max-slowdown", "1000")
    await here.run(*words, "--write-baseline", base)
    same = await here.json(*words, "--baseline", base)

    worse = await here.run(*words, "--severity=critical", "--baseline", base, code=1)

    assert same["worse"] == []
    assert "worse: word: recall was 0.9677, is 0" in worse


async def test_another_datasets_baseline_is_a_fault(here, rows, tmp_path):
    """
    What cannot be compared is not as good.
    """
    base = str(tmp_path / "base.json")
    words = ("eval", str(rows), "--detectors", "word")
    await here.run(*words, "--write-baseline", base)
    write(tmp_path, ROWS[:5])

    assert "another dataset" in await here.run(*words, "--baseline", base, code=1)


async def test_texts_stand_where_they_are_told_to(here, rows, places):
    """
    Whose words, and what sort; a row may say so itself.
    """
    await here.run(
        "eval", str(rows), "--detectors", "place", "--where", "tool/tool_result"
    )

    assert {(place.role, place.kind) for place in places} == {("tool", "tool_result")}


@pytest.mark.parametrize(
    ("content", "words"), [("{}", "rows.jsonl:1: no row"), ("", "no rows")]
)
async def test_a_dataset_that_is_none_is_a_fault(here, tmp_path, content, words):
    """
    With the line.
    """
    file = tmp_path / "rows.jsonl"
    file.write_text(content)

    assert words in await here.run("eval", str(file), "--detectors", "word", code=1)


async def test_wrong_usage_is_2(here):
    """
    As everywhere.
    """
    await here.run("eval", "nowhere.jsonl", code=2)
