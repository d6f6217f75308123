"""
Bedrock's ApplyGuardrail, through the real boto3, against a fake that checks the signature.
"""

from __future__ import annotations

import pytest
from fakes.asking import ENVIRON, made, open_tools, question
from fakes.bedrock import REGION, answer, nothing, pii

from gateway.detecting import DetectorFailed, Find
from gateway.settings import SecretRef
from gateway_guardrails.remote import BEDROCK

AWS = {
    "region": REGION,
    "access_key": SecretRef.parse("env.AWS_ID"),
    "secret_key": SecretRef.parse("env.AWS_SECRET"),
}


@pytest.fixture
async def judge(bedrock, tools):
    """
    A judge of the guardrail abc123.
    """
    async with made(BEDROCK, tools, id="abc123", endpoint_url=bedrock.url, **AWS) as it:
        yield it


async def test_allows_what_the_guardrail_lets_through(bedrock, judge):
    """
    No action is an opinion without finds; what it cost is told.
    """
    opinion = await judge.judge(question("hello"))

    assert opinion.finds == ((),)
    assert not opinion.is_blocked
    assert bedrock.paths == ["/guardrail/abc123/version/DRAFT/apply"]
    assert opinion.units == {
        "topic_policy_units": 1,
        "content_policy_units": 1,
        "word_policy_units": 1,
        "sensitive_information_policy_units": 1,
    }
    assert opinion.cost_nano == 400_000  # (0.15 + 0.15 + 0.10) USD for 1,000


async def test_asks_about_one_text_at_a_time_with_its_stage(bedrock, judge):
    """
    An answer is of one text only, so that nothing is told of the wrong one.
    """
    texts = "one" * 1_000, "two" * 1_000
    await judge.judge(question(*texts, stage="output", role="assistant"))

    assert sorted(one["content"][0]["text"]["text"] for one in bedrock.asked) == [
        *texts
    ]
    assert {one["source"] for one in bedrock.asked} == {"OUTPUT"}


async def test_an_intervention_that_only_masks_is_no_block(bedrock, judge):
    """
    What was anonymised is told with its place, which the masked copy proves.
    """
    text = "Age 5, in room 15: I am 5, write a@b.de"
    masked = "Age {AGE}, in room 15: I am {AGE}, write {EMAIL}"
    found = pii(("AGE", "5", "ANONYMIZED"), ("EMAIL", "a@b.de", "ANONYMIZED"))
    bedrock.applied = lambda _: answer(
        "GUARDRAIL_INTERVENED", masked, sensitiveInformationPolicy=found
    )

    opinion = await judge.judge(question(text))

    assert not opinion.is_blocked
    assert opinion.masked == ()
    assert [(text[f.start : f.end], f.type) for f in opinion.finds[0]] == [
        ("5", "AGE"),
        ("5", "AGE"),
        ("a@b.de", "EMAIL"),
    ]
    assert text[: opinion.finds[0][0].start] == "Age "


async def test_a_mask_without_places_is_given_as_text(bedrock, judge):
    """
    A copy that differs otherwise too tells no places: then it replaces the passage.
    """
    found = pii(("NAME", "Ann", "ANONYMIZED"))
    bedrock.applied = lambda _: answer(
        "GUARDRAIL_INTERVENED", "i am {NAME}", sensitiveInformationPolicy=found
    )

    opinion = await judge.judge(question("I am Ann"))

    assert opinion.masked == ("i am {NAME}",)
    assert not opinion.is_blocked


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        pytest.param(
            {"topicPolicy": {"topics": [{"name": "Legal advice", "type": "DENY"}]}},
            "topic_legal_advice",
            id="topic",
        ),
        pytest.param(
            {"contentPolicy": {"filters": [{"type": "HATE", "confidence": "HIGH"}]}},
            "hate",
            id="content",
        ),
        pytest.param(
            {
                "contentPolicy": {
                    "filters": [{"type": "NEW_KIND", "confidence": "TOTAL"}]
                }
            },
            "new_kind",
            id="unknown category",
        ),
        pytest.param(
            {
                "wordPolicy": {
                    "managedWordLists": [{"match": "darn", "type": "PROFANITY"}]
                }
            },
            "profanity",
            id="managed word",
        ),
        pytest.param(
            {"wordPolicy": {"customWords": [{"match": "acme"}]}},
            "custom_word",
            id="word",
        ),
        pytest.param(
            {
                "contextualGroundingPolicy": {
                    "filters": [{"type": "GROUNDING", "threshold": 0.7, "score": 0.2}]
                }
            },
            "ungrounded",
            id="grounding",
        ),
        pytest.param(
            {
                "contextualGroundingPolicy": {
                    "filters": [{"type": "RELEVANCE", "threshold": 0.7, "score": 0.2}]
                }
            },
            "irrelevant",
            id="relevance",
        ),
    ],
)
async def test_what_is_blocked_is_blocked_whatever_it_is_called(
    bedrock, judge, policy, kind
):
    """
    BLOCKED is no, of every policy, and of a category that came later.
    """
    (name, lists), *_ = policy.items()
    blocked = {
        key: [{**row, "action": "BLOCKED", "detected": True} for row in rows]
        for key, rows in lists.items()
    }
    bedrock.applied = lambda _: answer(
        "GUARDRAIL_INTERVENED", "Sorry.", **{name: blocked}
    )

    opinion = await judge.judge(question("darn acme, I hate it"))

    assert opinion.is_blocked
    assert [f.type for f in (*opinion.whole, *opinion.finds[0])] == [kind]


async def test_patterns_of_ones_own_are_called_by_their_name(bedrock, judge):
    """
    A pattern's mask is its name, and so is its type.
    """
    row = {"name": "Order no", "match": "A-1", "regex": "A-.", "action": "ANONYMIZED"}
    bedrock.applied = lambda _: answer(
        "GUARDRAIL_INTERVENED",
        "order {Order no}",
        sensitiveInformationPolicy={"piiEntities": [], "regexes": [row]},
    )

    opinion = await judge.judge(question("order A-1"))

    assert opinion.finds == ((Find(6, 9, "regex_order_no", "medium", 1.0),),)


async def test_reasoning_that_contradicts_a_policy_is_flagged(bedrock, judge):
    """
    Automated reasoning only tells: it never blocks.
    """
    findings = [{"valid": {}}, {"invalid": {}}]
    bedrock.applied = lambda _: answer(
        "NONE", automatedReasoningPolicy={"findings": findings}
    )

    opinion = await judge.judge(question("hello"))

    assert [find.type for find in opinion.flagged[0]] == ["reasoning_invalid"]
    assert not opinion.is_blocked


async def test_words_that_are_blocked_have_their_place(bedrock, judge):
    """
    A rule that redacts can take a forbidden word out.
    """
    row = {"match": "acme", "action": "BLOCKED", "detected": True}
    bedrock.applied = lambda _: answer(
        "GUARDRAIL_INTERVENED", "Sorry.", wordPolicy={"customWords": [row]}
    )

    opinion = await judge.judge(question("acmeist acme"))

    assert opinion.finds == ((Find(8, 12, "custom_word", "medium", 1.0),),)


async def test_what_is_only_watched_is_flagged(bedrock, judge):
    """
    Detected without an action is to be recorded, and nothing more.
    """
    found = pii(("NAME", "Ann", "NONE"))
    bedrock.applied = lambda _: answer("NONE", sensitiveInformationPolicy=found)

    opinion = await judge.judge(question("I am Ann"))

    assert not opinion.is_blocked
    assert opinion.finds == ((),)
    assert opinion.flagged == ((Find(5, 8, "PERSON", "medium", 1.0),),)


async def test_what_was_looked_for_and_not_found_is_no_find(bedrock, judge):
    """
    The full scope lists what was not detected as well.
    """
    row = {"type": "HATE", "confidence": "NONE", "action": "NONE", "detected": False}
    bedrock.applied = lambda _: answer("NONE", contentPolicy={"filters": [row]})

    opinion = await judge.judge(question("hello"))

    assert opinion.whole == ()


async def test_an_intervention_without_a_known_reason_blocks(bedrock, judge):
    """
    A policy that this client does not know has acted.
    """
    bedrock.applied = lambda _: answer("GUARDRAIL_INTERVENED", "Sorry.")

    opinion = await judge.judge(question("hello"))

    assert opinion.is_blocked
    assert [f.type for f in opinion.whole] == ["intervened"]


@pytest.mark.parametrize(("guarded", "total"), [(60, 100), (0, 0)])
async def test_less_than_all_that_was_guarded_is_no_pass(
    bedrock, judge, guarded, total
):
    """
    Partial coverage is a failure, even where nothing was found; so is that of nothing at all.
    """
    bedrock.applied = lambda _: answer("NONE", guarded=guarded, total=total)

    with pytest.raises(DetectorFailed) as failed:
        await judge.judge(question("hello"))

    assert failed.value.reason == "partial_coverage"


async def test_a_mask_with_other_outputs_than_texts_fails(bedrock, judge):
    """
    Which output belongs to which text must be certain.
    """
    found = pii(("NAME", "Ann", "ANONYMIZED"))
    bedrock.applied = lambda _: answer(
        "GUARDRAIL_INTERVENED", "I am {NAME}", "more", sensitiveInformationPolicy=found
    )

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("I am Ann"))


async def test_long_texts_go_in_parts_whose_finds_are_placed_in_the_whole(
    bedrock, judge
):
    """
    A text beyond the limit is sent in parts that overlap; a find is told once.
    """

    def applied(document):
        part = document["content"][0]["text"]["text"]
        if "Ann" not in part:
            return nothing()
        found = pii(("NAME", "Ann", "ANONYMIZED"))
        copy = part.replace("Ann", "{NAME}")
        return answer("GUARDRAIL_INTERVENED", copy, sensitiveInformationPolicy=found)

    bedrock.applied = applied
    text = "x" * 19_900 + " Ann " + "y" * 30_000

    opinion = await judge.judge(question(text))

    assert [text[f.start : f.end] for f in opinion.finds[0]] == ["Ann"]
    assert len(bedrock.asked) == 3


async def test_grounds_an_answer_in_what_the_request_brought(bedrock, tools):
    """
    Sources, the question and the answer are told apart by their qualifiers.
    """
    options = {"id": "abc123", "grounding": True, "endpoint_url": bedrock.url, **AWS}
    async with made(BEDROCK, tools, **options) as judge:
        await judge.judge(
            question("Paris.", stage="output", sources=["Doc."], query="Where?")
        )

    blocks = [one["text"] for one in bedrock.asked[0]["content"]]
    assert blocks == [
        {"text": "Doc.", "qualifiers": ["grounding_source"]},
        {"text": "Where?", "qualifiers": ["query"]},
        {"text": "Paris.", "qualifiers": ["guard_content"]},
    ]


async def test_sources_beyond_the_limit_are_no_pass(bedrock, tools):
    """
    What the service would cut off is not left out in silence.
    """
    options = {"id": "abc123", "grounding": True, "endpoint_url": bedrock.url, **AWS}
    async with made(BEDROCK, tools, **options) as judge:
        with pytest.raises(DetectorFailed, match="partial_coverage"):
            await judge.judge(
                question("a", stage="output", sources=["d" * 100_001], query="q")
            )

    assert bedrock.asked == []


async def test_asks_as_many_at_a_time_as_it_may(bedrock, tools):
    """
    The bound holds over passages; all are asked in the end.
    """
    options = {"id": "abc123", "concurrency": 2, "join_characters": 0, **AWS}
    options["endpoint_url"] = bedrock.url
    async with made(BEDROCK, tools, **options) as judge:
        await judge.judge(question(*(f"text {n}" for n in range(8))))

    assert len(bedrock.asked) == 8
    assert bedrock.busiest <= 2


async def test_a_secret_that_is_missing_is_named(bedrock, tools):
    """
    The reference stands in the failure; there is no value to tell.
    """
    options = {**AWS, "secret_key": SecretRef.parse("env.NOT_SET")}
    async with made(
        BEDROCK, tools, id="a", endpoint_url=bedrock.url, **options
    ) as judge:
        with pytest.raises(DetectorFailed, match=r"misconfigured: .*env\.NOT_SET"):
            await judge.judge(question("hello"))


def masking(document):
    """
    A guardrail that masks the name Ann, and lowers what it masks if told to SHOUT.
    """
    text = document["content"][0]["text"]["text"]
    if "Ann" not in text:
        return nothing()
    copy = text.replace("Ann", "{NAME}")
    if "SHOUT" in text:
        copy = copy.lower().replace("{name}", "{NAME}")
    found = pii(("NAME", "Ann", "ANONYMIZED"))
    return answer("GUARDRAIL_INTERVENED", copy, sensitiveInformationPolicy=found)


async def test_short_texts_go_together_and_finds_come_back_apart(bedrock, judge):
    """
    Hundreds of short texts take few calls; each find is told in its own passage.
    """
    bedrock.applied = masking
    texts = [f"text {n}" if n % 100 else f"I am Ann {n}" for n in range(400)]

    opinion = await judge.judge(question(*texts))

    assert len(bedrock.asked) < 5
    assert {n: found for n, found in enumerate(opinion.finds) if found} == {
        n: (Find(5, 8, "PERSON", "medium", 1.0),) for n in (0, 100, 200, 300)
    }


async def test_a_mask_without_places_has_each_text_asked_about_alone(bedrock, judge):
    """
    Only a whole passage can be replaced, so those that went together are taken apart.
    """
    bedrock.applied = masking

    opinion = await judge.judge(question("hello", "SHOUT, I am Ann"))

    assert opinion.masked == (None, "shout, i am {NAME}")
    assert len(bedrock.asked) == 3
    assert opinion.units["topic_policy_units"] == 3


async def test_white_space_is_not_asked_about(bedrock, judge):
    """
    There is nothing to judge, and the service would refuse the question.
    """
    opinion = await judge.judge(question(" \n", " " * 5_000))

    assert opinion.finds == ((), ())
    assert bedrock.asked == []


async def test_a_key_that_was_changed_is_used_from_then_on(bedrock):
    """
    References are resolved at use: temporary credentials are renewed where they lie.
    """
    environ = {**ENVIRON, "AWS_ID": "AKIA" + "ANOTHERONE000001"}
    options = {"id": "a", "endpoint_url": bedrock.url, **AWS}
    async with (
        open_tools(environ=environ) as tools,
        made(BEDROCK, tools, **options) as judge,
    ):
        with pytest.raises(DetectorFailed, match="refused"):
            await judge.judge(question("hello"))
        bedrock.violations.clear()
        environ.update(ENVIRON)
        opinion = await judge.judge(question("hello"))

    assert opinion.finds == ((),)


async def test_a_guardrail_may_be_named_by_its_arn(bedrock, tools):
    """
    What is signed is the path that is sent, though two spell its colons in two ways.
    """
    arn = f"arn:aws:bedrock:{REGION}:123456789012:guardrail/abc123"
    async with made(BEDROCK, tools, id=arn, endpoint_url=bedrock.url, **AWS) as judge:
        await judge.judge(question("hello"))

    assert bedrock.paths == [f"/guardrail/{arn}/version/DRAFT/apply"]
