"""
Patronus' evaluators.
"""

from __future__ import annotations

import pytest
from fakes.asking import made, question
from fakes.patronus import FakePatronus, result

from gateway.detecting import DetectorFailed, Find
from gateway.settings import SecretRef
from gateway_guardrails.remote import PATRONUS
from gateway_guardrails.remote.patronus import EvaluatorSettings

KEY = SecretRef.parse("env.PATRONUS_KEY")
JUDGE = EvaluatorSettings.short_form("judge/patronus:prompt-injection")
PII = EvaluatorSettings.short_form("pii")


@pytest.fixture
async def patronus():
    """
    The service.
    """
    async with FakePatronus() as fake:
        yield fake
        assert fake.violations == []


@pytest.fixture
async def judge(patronus, tools):
    """
    A judge with two evaluators.
    """
    options = {"endpoint": patronus.url, "key": KEY, "evaluators": (JUDGE, PII)}
    async with made(PATRONUS, tools, **options) as it:
        yield it


async def test_allows_what_all_evaluators_pass(patronus, judge):
    """
    Nothing is stored and nothing explained: both cost, and the first tells on callers.
    """
    opinion = await judge.judge(question("hello"))

    assert opinion.whole == ()
    assert opinion.units == {"evaluations": 2}
    assert patronus.asked == [
        {
            "task_input": "hello",
            "task_output": "hello",
            "evaluators": [
                {
                    "evaluator": "judge",
                    "explain_strategy": "never",
                    "criteria": "patronus:prompt-injection",
                },
                {"evaluator": "pii", "explain_strategy": "never"},
            ],
            "capture": "none",
        }
    ]


async def test_what_fails_is_a_find_by_its_criteria(patronus, judge):
    """
    An evaluator that fails is told by its name; without places it is of the whole.
    """
    patronus.evaluated = lambda asked: [result(passes=False), result(passes=True)]

    opinion = await judge.judge(question("hello"))

    assert opinion.whole == (Find(0, 0, "prompt_injection", "high", 1.0),)


async def test_all_positions_are_told_those_that_overlap_as_one(patronus, judge):
    """
    The longest alone would leave the others in clear.
    """
    places = [[8, 12], [0, 3], [2, 5]]
    patronus.evaluated = lambda asked: [
        result(passes=True),
        result(passes=False, positions=places),
    ]

    opinion = await judge.judge(question("Ann Lee, born"))

    assert [find[:3] for find in opinion.finds[0]] == [(0, 5, "pii"), (8, 12, "pii")]


@pytest.mark.parametrize(
    ("passes", "also", "is_pass"),
    [
        (True, False, False),
        (False, True, False),
        (True, True, True),
        (True, None, True),
    ],
)
async def test_what_passes_passes_by_each_name(patronus, judge, passes, also, is_pass):
    """
    Of two that contradict each other the stricter one counts.
    """
    said = result(passes=passes)
    said["evaluation_result"]["pass_"] = also
    patronus.evaluated = lambda asked: [said, result(passes=True)]

    opinion = await judge.judge(question("hello"))

    assert (not opinion.whole) is is_pass


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([result(passes=True)], id="fewer results"),
        pytest.param([result(passes=True, status="error")] * 2, id="status"),
        pytest.param([result(passes=None)] * 2, id="neither"),
        pytest.param(
            [{"status": "success", "evaluation_result": None}] * 2, id="no result"
        ),
    ],
)
async def test_an_evaluator_without_an_opinion_is_no_pass(patronus, judge, results):
    """
    Only a pass is one.
    """
    patronus.evaluated = lambda asked: results

    with pytest.raises(DetectorFailed, match="partial_coverage"):
        await judge.judge(question("hello"))


@pytest.mark.parametrize("positions", [[[0]], [[0, 99]], [["a", "b"]], "all"])
async def test_positions_that_are_none_are_garbage(patronus, judge, positions):
    """
    A place outside the text is not cut to fit.
    """
    patronus.evaluated = lambda asked: [
        result(passes=False, positions=positions),
        result(passes=True),
    ]

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("hello"))


async def test_an_answer_is_sent_with_what_it_answers(patronus, judge):
    """
    Question, sources and system prompt have fields of their own.
    """
    await judge.judge(
        question(
            "Paris.",
            stage="output",
            query="Where?",
            sources=["Doc."],
            system="Be kind.",
        )
    )

    told = patronus.asked[0]
    assert told["task_input"] == "Where?"
    assert told["task_output"] == "Paris."
    assert told["task_context"] == ["Doc."]
    assert told["system_prompt"] == "Be kind."


async def test_speaks_the_older_vocabulary_where_told(patronus, tools):
    """
    Older deployments know the fields by other names.
    """
    options = {"endpoint": patronus.url, "key": KEY, "evaluators": (PII,)}
    async with made(PATRONUS, tools, fields="evaluated_model", **options) as judge:
        await judge.judge(
            question("Paris.", stage="output", query="Where?", sources=["Doc."])
        )

    assert set(patronus.asked[0]) == {
        "evaluated_model_input",
        "evaluated_model_output",
        "evaluated_model_retrieved_context",
        "evaluators",
        "capture",
    }


async def test_many_sources_are_sent_as_fewer_items(patronus, judge):
    """
    One call takes 50 items; none of the sources is left out.
    """
    sources = [f"source {number}" for number in range(70)]

    await judge.judge(question("Paris.", stage="output", sources=sources))

    context = patronus.asked[0]["task_context"]
    assert len(context) == 50
    assert all(any(one in item for item in context) for one in sources)


async def test_more_than_it_takes_is_no_pass(patronus, judge):
    """
    Nothing is cut off in silence.
    """
    with pytest.raises(DetectorFailed, match="partial_coverage"):
        await judge.judge(question("x" * 200_000))

    assert patronus.asked == []
