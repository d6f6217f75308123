"""
Images in requests of any dialect.
"""

from __future__ import annotations

from base64 import b64encode

import pytest
from fakes.asking import made, question
from fakes.bedrock import REGION, FakeBedrock, answer, nothing, pii

from gateway.detecting import DetectorFailed
from gateway.settings import SecretRef
from gateway.testing import make_exchange
from gateway_guardrails.remote import BEDROCK
from gateway_guardrails.remote.images import images_of

PNG = b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()
JPEG = b64encode(b"\xff\xd8\xff\xe0" + b"0" * 20).decode()
GIF = b64encode(b"GIF89a" + b"0" * 20).decode()
OPTIONS = {
    "id": "abc123",
    "region": REGION,
    "access_key": SecretRef.parse("env.AWS_ID"),
    "secret_key": SecretRef.parse("env.AWS_SECRET"),
    "images": "check",
}


def url(data, kind="png"):
    return f"data:image/{kind};base64,{data}"


@pytest.mark.parametrize(
    ("part", "formats", "unseen"),
    [
        pytest.param(
            {"type": "image_url", "image_url": {"url": url(PNG)}}, ["png"], 0, id="chat"
        ),
        pytest.param(
            {"type": "input_image", "image_url": url(JPEG, "jpeg")},
            ["jpeg"],
            0,
            id="responses",
        ),
        pytest.param(
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
            },
            ["png"],
            0,
            id="messages",
        ),
        pytest.param(
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
            ["png"],
            0,
            id="gemini",
        ),
        pytest.param(
            {"image": {"format": "png", "source": {"bytes": PNG}}},
            ["png"],
            0,
            id="converse",
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": url(PNG, "gif")}},
            ["png"],
            0,
            id="declared wrong",
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": url(GIF, "gif")}},
            [],
            1,
            id="another format",
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": url("%%%")}},
            [],
            1,
            id="no base64",
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
            [],
            1,
            id="address",
        ),
        pytest.param(
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            [],
            1,
            id="file",
        ),
        pytest.param(
            {"type": "input_image", "file_id": "file_1"}, [], 1, id="file of responses"
        ),
        pytest.param({"type": "text", "text": "an image"}, [], 0, id="none"),
    ],
)
def test_finds_an_image_however_it_is_written(part, formats, unseen):
    """
    Each once, and what cannot be looked at is counted.
    """
    found = images_of({"messages": [{"role": "user", "content": [part]}]})

    assert [image.format for image in found.images] == formats
    assert found.unseen == unseen


def test_an_image_beyond_the_limit_cannot_be_looked_at():
    """
    It is not decoded only to be refused.
    """
    large = b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4 << 20)).decode()

    assert images_of([url(large)]).unseen == 1


def asked(*parts):
    content = [{"type": "text", "text": "hello"}, *parts]
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    return question("hello", exchange=make_exchange(body))


def shown(data=PNG):
    return {"type": "image_url", "image_url": {"url": url(data)}}


async def test_images_are_judged_beside_the_texts(tools):
    """
    What a guardrail finds in an image blocks as what it finds in a text does.
    """
    filters = [
        {
            "type": "VIOLENCE",
            "confidence": "HIGH",
            "action": "BLOCKED",
            "detected": True,
        }
    ]
    async with FakeBedrock() as bedrock:
        bedrock.applied = lambda document: (
            answer("GUARDRAIL_INTERVENED", "Sorry.", contentPolicy={"filters": filters})
            if "image" in document["content"][0]
            else nothing()
        )
        async with made(BEDROCK, tools, endpoint_url=bedrock.url, **OPTIONS) as judge:
            opinion = await judge.judge(asked(*[shown()] * 21))

    sizes = sorted(len(one["content"]) for one in bedrock.asked)
    assert opinion.is_blocked
    assert [find.type for find in opinion.whole] == ["violence"]
    assert sizes == [1, 1, 20]
    assert bedrock.violations == []


@pytest.mark.parametrize("action", ["BLOCKED", "NONE"])
async def test_a_request_of_nothing_but_images_is_judged(tools, action):
    """
    Then there is no passage, and what is found is of the whole.
    """
    row = {"type": "VIOLENCE", "confidence": "HIGH", "action": action, "detected": True}
    async with FakeBedrock() as bedrock:
        bedrock.applied = lambda document: answer(
            "NONE" if action == "NONE" else "GUARDRAIL_INTERVENED",
            contentPolicy={"filters": [row]},
        )
        async with made(BEDROCK, tools, endpoint_url=bedrock.url, **OPTIONS) as judge:
            opinion = await judge.judge(
                question(exchange=asked(shown()).exchange),
            )

    assert judge.reads_images
    assert opinion.finds == ()
    assert opinion.is_blocked == (action == "BLOCKED")
    assert len(opinion.whole) == opinion.is_blocked


async def test_an_image_that_cannot_be_looked_at_is_no_pass(tools):
    """
    Unless it was told that it may pass.
    """
    other = asked(shown(GIF))
    async with FakeBedrock() as bedrock:
        options = {"endpoint_url": bedrock.url, **OPTIONS}
        async with made(BEDROCK, tools, **options) as judge:
            with pytest.raises(DetectorFailed, match="partial_coverage"):
                await judge.judge(other)
        async with made(BEDROCK, tools, other_images="ignore", **options) as judge:
            opinion = await judge.judge(other)

    assert not opinion.is_blocked


async def test_a_mask_for_an_image_replaces_no_text(tools):
    """
    There is no text in whose place it could stand.
    """
    found = pii(("NAME", "Ann", "ANONYMIZED"))
    async with FakeBedrock() as bedrock:
        bedrock.applied = lambda document: (
            answer("GUARDRAIL_INTERVENED", "{NAME}", sensitiveInformationPolicy=found)
            if "image" in document["content"][0]
            else nothing()
        )
        async with made(BEDROCK, tools, endpoint_url=bedrock.url, **OPTIONS) as judge:
            with pytest.raises(DetectorFailed, match="garbage"):
                await judge.judge(asked(shown()))


@pytest.mark.parametrize("total", [1, 0])
async def test_images_that_were_not_all_guarded_are_no_pass(tools, total):
    """
    Coverage is counted for images as well.
    """
    partly = {
        **nothing(),
        "guardrailCoverage": {"images": {"guarded": 0, "total": total}},
    }
    async with FakeBedrock() as bedrock:
        bedrock.applied = lambda document: partly
        async with made(BEDROCK, tools, endpoint_url=bedrock.url, **OPTIONS) as judge:
            with pytest.raises(DetectorFailed, match="partial_coverage"):
                await judge.judge(asked(shown()))
