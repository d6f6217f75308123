"""
The worst case is never below what happens.
"""

from __future__ import annotations

import json
import time
from urllib.request import ProxyHandler, build_opener
from urllib.request import Request as Plain

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Request
from gateway.catalog import UNKNOWN, ModelFacts
from gateway.testing import FakeUpstream, Script, make_request
from gateway_governance.bounds import (
    FREE,
    MANY_TOKENS,
    Bound,
    bound_of,
    output_tokens_for,
    worst_nano,
)

GPT = ModelFacts(
    provider="openai", model="gpt-4o", context_window=128_000, max_output_tokens=16_384
)
CLAUDE = ModelFacts(
    provider="anthropic",
    model="claude-opus-4-8",
    context_window=1_000_000,
    max_output_tokens=128_000,
)
FACTS = {"anthropic_messages": CLAUDE}
HI = [{"role": "user", "content": "hi"}]
BODIES = {
    "openai_chat": {"model": "m", "messages": HI},
    "openai_responses": {"model": "m", "input": "hi"},
    "anthropic_messages": {"model": "m", "max_tokens": 100, "messages": HI},
    "openai_completions": {"model": "m", "prompt": "hi"},
    "openai_embeddings": {"model": "m", "input": "hi"},
}
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "openai_completions": "/v1/completions",
    "openai_embeddings": "/v1/embeddings",
}


def bound(dialect: str = "openai_chat", /, facts=None, **body) -> Bound:
    request = make_request({**BODIES[dialect], **body}, dialect=dialect)
    return bound_of(request, facts or FACTS.get(dialect, GPT), request.operation)


@attrs.frozen
class Linear:
    """
    Prices as the catalog gives them: so much for each part.
    """

    input_pico: int
    output_pico: int
    image_pico: int = 0

    def nano(self, *, input_tokens, output_tokens, images):
        pico = input_tokens * self.input_pico + images * self.image_pico
        return -(-(pico + output_tokens * self.output_pico) // 1000)

    def output_tokens(self, nano, *, input_tokens, images):
        left = nano * 1000 - input_tokens * self.input_pico - images * self.image_pico
        if self.output_pico == 0:
            return None if left >= 0 else 0
        return max(left // self.output_pico, 0)


class TestInput:
    @pytest.mark.parametrize("dialect", BODIES)
    def test_is_the_length_of_the_body(self, dialect):
        """
        Every byte may be a token, and a template stands round them.
        """
        found = bound(dialect)

        size = len(make_request(BODIES[dialect], dialect=dialect).encode())
        assert found.text_tokens == size
        assert found.input_tokens == size + found.template_tokens
        assert found.unbounded == found.window_named == ()

    def test_media_are_not_in_the_length(self):
        """
        An image's bytes count for nothing, and its tokens by the rule of its model.
        """
        image = {"url": "data:image/jpeg;base64," + "A" * 1_000_000}
        part = {"type": "image_url", "image_url": image}

        found = bound(messages=[{"role": "user", "content": [part]}])

        assert found.text_tokens < 300
        assert found.media_tokens == 1445 + 16
        assert found.images == 1

    def test_no_prompt_is_longer_than_the_window(self):
        """
        What does not fit is refused by the provider, not billed.
        """
        found = bound(messages=[{"role": "user", "content": "a" * 500_000}])

        assert found.input_tokens == 128_000
        assert found.text_tokens > 500_000

    def test_an_unknown_window_bounds_nothing(self):
        """
        Without a window that is known for certain, every byte counts.
        """
        facts = attrs.evolve(GPT, context_window=None)

        found = bound(
            facts=facts, messages=[{"role": "user", "content": "a" * 500_000}]
        )

        assert found.input_tokens > 500_000

    def test_named_state_is_the_whole_window(self):
        """
        An earlier response may be as long as the model can read.
        """
        found = bound("openai_responses", previous_response_id="resp_1")

        assert found.input_tokens == 128_000
        assert found.window_named == ("previous_response_id",)
        assert found.unbounded == ()

    def test_named_state_of_an_unknown_window_is_unbounded(self):
        """
        Without a known window nothing bounds an earlier response.
        """
        found = bound("openai_responses", UNKNOWN, previous_response_id="resp_1")

        assert found.unbounded == ("previous_response_id",)

    def test_tools_bring_a_prompt_of_their_own(self):
        """
        The text that explains tools to the model is billed, and stands in no body.
        """
        tool = {"name": "f", "input_schema": {"type": "object"}}
        computer = {"type": "computer_20250124", "name": "computer"}

        plain = bound("anthropic_messages")
        ours = bound("anthropic_messages", tools=[tool])
        theirs = bound("anthropic_messages", tools=[tool, computer])

        assert ours.template_tokens - plain.template_tokens >= 530
        assert theirs.template_tokens - ours.template_tokens >= 735 + 499

    def test_counting_tokens_is_free(self):
        """
        Anthropic counts for nothing.
        """
        request = make_request(dialect="anthropic_messages", operation="count_tokens")

        assert bound_of(request, CLAUDE, "count_tokens") is FREE

    def test_an_unknown_dialect_is_unbounded(self):
        """
        Where nobody knows what a body means, its length bounds nothing.
        """
        request = make_request()
        other = type("Other", (), {"name": "telepathy"})()

        found = bound_of(Request(other, request.encode()), GPT, "generate")

        assert found.unbounded == ("telepathy",)


class TestOutput:
    @pytest.mark.parametrize(
        ("dialect", "body", "tokens"),
        [
            pytest.param("openai_chat", {"max_tokens": 50}, 50, id="chat-old"),
            pytest.param("openai_chat", {"max_completion_tokens": 60}, 60, id="chat"),
            pytest.param(
                "openai_chat",
                {"max_completion_tokens": 60, "max_tokens": 90},
                90,
                id="chat-both",
            ),
            pytest.param("openai_chat", {"max_tokens": -1}, 16_384, id="chat-endless"),
            pytest.param("openai_chat", {}, 16_384, id="chat-none"),
            pytest.param("openai_chat", {"max_tokens": 1}, 16, id="chat-translated"),
            pytest.param("openai_chat", {"max_tokens": 10**9}, 16_384, id="chat-high"),
            pytest.param("openai_completions", {"max_tokens": 5}, 5, id="completions"),
            pytest.param("openai_responses", {"max_output_tokens": 99}, 99, id="resp"),
            pytest.param("anthropic_messages", {"max_tokens": 77}, 77, id="messages"),
            pytest.param("openai_embeddings", {}, 0, id="embeddings"),
        ],
    )
    def test_is_the_cap_or_the_models_maximum(self, dialect, body, tokens):
        """
        What the caller allows, at most what the model can.
        """
        assert bound(dialect, **body).output_tokens == tokens

    def test_without_either_is_unbounded(self):
        """
        A model of which nothing is known may write without end.
        """
        assert bound(facts=UNKNOWN).output_tokens is None

    @pytest.mark.parametrize(
        ("dialect", "body", "choices"),
        [
            pytest.param("openai_chat", {"n": 3}, 3, id="n"),
            pytest.param("openai_completions", {"best_of": 4, "n": 2}, 4, id="best-of"),
            pytest.param(
                "openai_completions", {"prompt": ["a", "b"], "n": 2}, 4, id="two"
            ),
            pytest.param("openai_completions", {"prompt": [1, 2]}, 1, id="numbers"),
            pytest.param("openai_completions", {"prompt": [[1], [2]]}, 2, id="lists"),
        ],
    )
    def test_every_choice_is_billed(self, dialect, body, choices):
        """
        Answers that the caller never sees are billed too.
        """
        assert bound(dialect, **body).choices == choices

    def test_rejected_predictions_are_billed(self):
        """
        What was predicted and not said costs as much as if it were.
        """
        parts = [{"type": "text", "text": "naïve"}]

        found = bound(prediction={"type": "content", "content": parts})

        assert found.predicted_tokens >= len("naïve".encode())
        assert not found.may_lower

    def test_thinking_keeps_its_budget(self):
        """
        No cap goes below what the caller gave the model to think.
        """
        thinking = {"type": "enabled", "budget_tokens": 2000}

        found = bound("anthropic_messages", max_tokens=5000, thinking=thinking)

        assert found.output_tokens == 5000
        assert found.least_output == 2001

    def test_interleaved_thinking_is_beside_the_cap(self):
        """
        A budget above the cap, which the vendor allows between tools, is not inside it.
        """
        thinking = {"type": "enabled", "budget_tokens": 20_000}

        found = bound("anthropic_messages", max_tokens=5000, thinking=thinking)

        assert found.output_tokens == 25_000
        assert not found.may_lower

    def test_no_cap_goes_below_what_the_vendor_takes(self):
        """
        OpenAI's Responses begin at 16, and any chat may be translated to them.
        """
        assert bound("openai_responses").least_output == 16
        assert bound("openai_chat").least_output == 16
        assert bound("openai_completions").least_output == 1
        assert bound("openai_embeddings").least_output == 0


class TestMayLower:
    @pytest.mark.parametrize(
        ("dialect", "body"),
        [
            ("openai_chat", {"response_format": {"type": "json_object"}}),
            ("openai_chat", {"response_format": {"type": "json_schema"}}),
            ("openai_chat", {"tool_choice": "required"}),
            ("openai_chat", {"tool_choice": {"type": "function", "function": {}}}),
            (
                "openai_chat",
                {
                    "tool_choice": {
                        "type": "allowed_tools",
                        "allowed_tools": {"mode": "required"},
                    }
                },
            ),
            ("openai_chat", {"function_call": {"name": "f"}}),
            ("openai_chat", {"guided_json": {}}),
            ("openai_responses", {"text": {"format": {"type": "json_schema"}}}),
            (
                "openai_responses",
                {"tool_choice": {"type": "allowed_tools", "mode": "required"}},
            ),
            ("anthropic_messages", {"tool_choice": {"type": "any"}}),
            (
                "anthropic_messages",
                {"output_config": {"format": {"type": "json_schema"}}},
            ),
            ("openai_embeddings", {}),
        ],
    )
    def test_not_where_json_would_break(self, dialect, body):
        """
        An answer that must be whole JSON is worth nothing when it is cut.
        """
        assert not bound(dialect, **body).may_lower

    @pytest.mark.parametrize(
        ("dialect", "body"),
        [
            ("openai_chat", {"response_format": {"type": "text"}}),
            ("openai_chat", {"tool_choice": "auto", "function_call": "auto"}),
            (
                "openai_chat",
                {"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
            ),
            ("openai_responses", {"text": {"verbosity": "low"}}),
            ("anthropic_messages", {"tool_choice": {"type": "auto"}}),
            ("anthropic_messages", {"output_config": {"effort": "low"}}),
            ("openai_completions", {}),
        ],
    )
    def test_everything_else(self, dialect, body):
        """
        An answer in words may be shorter.
        """
        assert bound(dialect, **body).may_lower


class TestUnbounded:
    @pytest.mark.parametrize(
        ("dialect", "body", "named"),
        [
            ("openai_chat", {"web_search_options": {"x": 1}}, "web_search_options"),
            ("openai_chat", {"plugins": [{"id": "web"}]}, "plugins"),
            ("openai_chat", {"models": ["a", "b"]}, "models"),
            ("openai_chat", {"tools": [{"type": "x_search"}]}, "tools[0] x_search"),
            ("openai_responses", {"background": True}, "background"),
            (
                "openai_responses",
                {"context_management": [{"type": "compaction"}]},
                "context_management",
            ),
            ("openai_responses", {"reasoning": {"mode": "pro"}}, "reasoning.mode"),
            ("openai_responses", {"tools": [{"type": "mcp"}]}, "tools[0] mcp"),
            ("anthropic_messages", {"mcp_servers": [{"name": "x"}]}, "mcp_servers"),
            (
                "anthropic_messages",
                {"context_management": {"edits": [{"type": "compact_20260112"}]}},
                "context_management",
            ),
        ],
    )
    def test_is_named(self, dialect, body, named):
        """
        What a request makes the provider do without end is told by its field.
        """
        assert bound(dialect, **body).unbounded == (named,)

    @pytest.mark.parametrize(
        ("dialect", "body"),
        [
            ("openai_responses", {"background": False, "context_management": []}),
            ("openai_responses", {"reasoning": {"effort": "high"}}),
            (
                "anthropic_messages",
                {
                    "context_management": {
                        "edits": [{"type": "clear_thinking_20251015"}]
                    }
                },
            ),
            ("anthropic_messages", {"mcp_servers": []}),
        ],
    )
    def test_is_not_what_asks_for_nothing(self, dialect, body):
        """
        A field that is empty, or that only takes away, is no reason to refuse.
        """
        assert bound(dialect, **body).unbounded == ()


class TestService:
    @pytest.mark.parametrize(
        ("dialect", "body", "service", "region"),
        [
            ("openai_chat", {}, None, None),
            ("openai_chat", {"service_tier": "auto"}, None, None),
            ("openai_chat", {"service_tier": "priority"}, "priority", None),
            ("openai_responses", {"service_tier": "fast"}, "priority", None),
            ("anthropic_messages", {"service_tier": "standard_only"}, "default", None),
            ("anthropic_messages", {"speed": "fast"}, "fast", None),
            ("anthropic_messages", {"inference_geo": "us"}, None, "us"),
        ],
    )
    def test_is_what_the_request_names(self, dialect, body, service, region):
        """
        What changes the price is told in the catalog's words.
        """
        found = bound(dialect, **body)

        assert (found.service, found.region) == (service, region)


class TestMoney:
    def test_worst_is_every_part_at_its_dearest(self):
        """
        Prompt, every choice, a prediction and each image.
        """
        asked = Bound(
            input_tokens=100, output_tokens=50, choices=2, predicted_tokens=7, images=3
        )

        worst = worst_nano(asked, Linear(1_000, 10_000, 5_000), 40)

        assert worst == 100 + (2 * 40 + 7) * 10 + 3 * 5

    @given(
        prompt=st.integers(0, 10**6),
        cap=st.one_of(st.none(), st.integers(0, 10**6)),
        choices=st.integers(1, 128),
        predicted=st.integers(0, 1000),
        prices=st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)),
        money=st.integers(0, 10**13),
    )
    def test_inverse_is_the_largest_cap_that_is_paid(
        self, prompt, cap, choices, predicted, prices, money
    ):
        """
        With the cap the worst case is paid for, with one more it is not.
        """
        asked = Bound(
            input_tokens=prompt,
            output_tokens=cap,
            choices=choices,
            predicted_tokens=predicted,
        )
        dearest = Linear(*prices)

        tokens = output_tokens_for(asked, dearest, money)

        most = MANY_TOKENS if cap is None else cap
        assert 0 <= tokens <= most
        if tokens:
            assert worst_nano(asked, dearest, tokens) <= money
        if tokens < most:
            assert worst_nano(asked, dearest, tokens + 1) > money

    def test_a_free_answer_has_no_end(self):
        """
        Where output costs nothing, the caller's cap stands.
        """
        asked = Bound(input_tokens=10, output_tokens=None)

        assert output_tokens_for(asked, Linear(1000, 0), 10) == MANY_TOKENS
        assert output_tokens_for(asked, Linear(1000, 0), 9) == 0


class TestWithText:
    def test_replaces_the_bytes(self):
        """
        A count takes the place of the bytes; media and template stay.
        """
        found = bound(messages=[{"role": "user", "content": "word " * 100}])

        counted = found.with_text(120)

        assert counted.input_tokens == 120 + found.template_tokens
        assert counted.output_tokens == found.output_tokens

    def test_never_makes_it_larger(self):
        """
        A count above the bytes changes nothing, and neither does one of named state.
        """
        found = bound()
        named = bound("openai_responses", previous_response_id="resp_1")

        assert found.with_text(10_000) is found
        assert named.with_text(1) is named


# --- against a vendor -----------------------------------------------------------------------

WORDS = st.text(
    st.characters(exclude_categories=["Cs"], max_codepoint=0x1FFFF), max_size=60
)
SIDES = st.sampled_from(["user", "assistant", "system"])
DRAWN_TOOL = st.fixed_dictionaries({"words": WORDS, "size": st.integers(0, 4)})


@st.composite
def asked(draw):
    """
    Draw what any dialect can say: turns, tools, a cap, choices.
    """
    return {
        "turns": draw(st.lists(st.tuples(SIDES, WORDS), min_size=1, max_size=5)),
        "tools": draw(st.lists(DRAWN_TOOL, max_size=3)),
        "images": draw(st.integers(0, 2)),
        "cap": draw(st.one_of(st.none(), st.integers(16, 400))),
        "n": draw(st.integers(1, 3)),
    }


def schema(tool):
    names = [f"p{number}" for number in range(tool["size"])]
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": tool["words"]} for name in names
        },
        "required": names,
    }


def spoken(dialect, drawn):
    """
    Say what was drawn in *dialect*.
    """
    turns, tools, cap = drawn["turns"], drawn["tools"], drawn["cap"]
    words = [text or "-" for _, text in turns]
    body = {"model": "m"}
    if dialect == "openai_embeddings":
        return {**body, "input": words}
    if dialect == "openai_completions":
        body |= {"prompt": words, "n": drawn["n"], "max_tokens": cap}
        return {key: value for key, value in body.items() if value is not None}
    if dialect == "openai_responses":
        body["input"] = [{"role": who, "content": text} for who, text in turns]
        picture = {"type": "input_image", "image_url": "https://a/b.png"}
        body["input"].append({"role": "user", "content": [picture] * drawn["images"]})
        body["max_output_tokens"] = cap
        body["tools"] = [
            {
                "type": "function",
                "name": f"f{number}",
                "description": tool["words"],
                "parameters": schema(tool),
            }
            for number, tool in enumerate(tools)
        ]
    elif dialect == "openai_chat":
        body["messages"] = [{"role": who, "content": text} for who, text in turns]
        picture = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
        body["messages"].append(
            {"role": "user", "content": [picture] * drawn["images"]}
        )
        body |= {"n": drawn["n"], "max_completion_tokens": cap}
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": f"f{number}",
                    "description": tool["words"],
                    "parameters": schema(tool),
                },
            }
            for number, tool in enumerate(tools)
        ]
    else:
        said = [
            {"role": "user" if who == "system" else who, "content": text or "-"}
            for who, text in turns
        ]
        source = {"type": "url", "url": "https://a/b.png"}
        picture = {"type": "image", "source": source}
        shown = [picture] * drawn["images"] or "-"
        body["messages"] = [*HI, *said, {"role": "user", "content": shown}]
        body["max_tokens"] = cap or 300
        body["tools"] = [
            {
                "name": f"f{n}",
                "description": tool["words"],
                "input_schema": schema(tool),
            }
            for n, tool in enumerate(tools)
        ]
    return {key: value for key, value in body.items() if value not in (None, [])}


@pytest.fixture(name="vendor", scope="module")
def _vendor():
    with FakeUpstream.in_thread() as fake:
        fake.script("m", Script(text="word " * 300, reasoning="thought " * 20))
        yield fake


@pytest.mark.parametrize("dialect", BODIES)
@given(drawn=asked())
def test_the_vendors_bill_is_never_above(vendor, dialect, drawn):
    """
    What the fake vendor bills for a request is within its bound, whatever was asked.
    """
    body = spoken(dialect, drawn)
    facts = attrs.evolve(GPT, max_output_tokens=2000)
    request = make_request(json.dumps(body).encode(), dialect=dialect)
    found = bound_of(request, facts, request.operation)

    charge = charge_for(vendor, PATHS[dialect], request.encode())

    assert charge.status == 200
    assert charge.input_tokens <= found.input_tokens
    assert charge.output_tokens <= found.choices * found.output_tokens


def charge_for(vendor, path, raw):
    """
    Post with nothing of the gateway's, and return what the vendor charged.
    """
    opener = build_opener(ProxyHandler({}))
    headers = {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}
    asked_for = Plain(vendor.url + path, raw, headers)
    with opener.open(asked_for, timeout=10) as answer:
        answer.read()
    return vendor.bill[-1]


def test_costs_next_to_nothing():
    """
    A small request is bounded in microseconds, and a large one is not read again.
    """
    small = make_request({**BODIES["openai_chat"], "max_tokens": 9}).fork()
    text = "word " * 800_000
    large = make_request(
        {"model": "m", "messages": [{"role": "user", "content": text}]}
    )

    def fastest(request, times):
        best = float("inf")
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(times):
                bound_of(request, GPT, "generate")
            best = min(best, (time.perf_counter() - start) / times)
        return best

    assert fastest(small, 200) < 20e-6  # 4 on a quiet machine
    assert fastest(large.fork(), 20) < 100e-6
