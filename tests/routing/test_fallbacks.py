from __future__ import annotations

import pytest

from gateway.errors import InvalidRequest
from gateway.routing.fallbacks import take_fallbacks


def test_reads_both_spellings(make_request):
    """
    A fallback is a name, or an object of provider and model.
    """
    request = make_request(
        fallbacks=[
            "openai/gpt-5",
            "fast",
            {"provider": "groq", "model": "openai/gpt-oss"},
        ]
    )

    assert take_fallbacks(request) == ("openai/gpt-5", "fast", "groq/openai/gpt-oss")


@pytest.mark.parametrize("names", [["m"] * 8, ["m" * 512]], ids=["many", "long"])
def test_reads_as_much_as_it_allows(make_request, names):
    """
    Lists and names are accepted up to their bounds, included.
    """
    assert take_fallbacks(make_request(fallbacks=names)) == tuple(names)


def test_takes_the_field_out(make_request):
    """
    A vendor never sees the gateway's own field; the edit is noted for the trail.
    """
    request = make_request(seed=1, fallbacks=["openai/gpt-5"])

    take_fallbacks(request)

    assert request.encode() == b'{"model":"m","seed":1}'
    assert request.edits == ("fallbacks",)


def test_leaves_other_requests_alone(make_request):
    """
    A request without the field goes out as the bytes that came.
    """
    request = make_request(seed=1)

    assert take_fallbacks(request) == ()
    assert not request.is_dirty


def test_an_empty_field_is_taken_out_as_well(make_request):
    """
    Null is no fallback, and no vendor's field.
    """
    request = make_request(fallbacks=None)

    assert take_fallbacks(request) == ()
    assert b"fallbacks" not in request.encode()


@pytest.mark.parametrize(
    "field",
    ["default", [{"model": "claude-haiku-4-5"}], [{"model": "m", "max_tokens": 5}], []],
    ids=["default", "models", "overrides", "empty"],
)
def test_anthropics_own_field_is_left_to_anthropic(make_request, field):
    """
    Anthropic's server-side fallbacks go up as they came, on its own dialect.
    """
    request = make_request("anthropic_messages", fallbacks=field)

    assert take_fallbacks(request) == ()
    assert not request.is_dirty
    assert request.doc["fallbacks"] == field


def test_the_gateways_field_works_on_anthropics_dialect(make_request):
    """
    Names with a provider are this gateway's, whatever dialect the caller speaks.
    """
    request = make_request("anthropic_messages", fallbacks=["openai/gpt-5"])

    assert take_fallbacks(request) == ("openai/gpt-5",)
    assert "fallbacks" not in request.doc


@pytest.mark.parametrize(
    ("dialect", "field", "said"),
    [
        ("openai_chat", "default", "must be a list"),
        ("openai_chat", {"provider": "a", "model": "b"}, "must be a list"),
        ("openai_chat", ["m"] * 9, "up to 8"),
        ("openai_chat", ["ok", ""], r"fallbacks\[1\]"),
        ("openai_chat", [7], r"fallbacks\[0\]"),
        ("openai_chat", ["m" * 513], r"fallbacks\[0\]"),
        ("openai_chat", [{"model": "m"}], r"fallbacks\[0\]"),
        ("openai_chat", [{"provider": "a/b", "model": "m"}], r"fallbacks\[0\]"),
        ("openai_chat", [{"provider": "a", "model": None}], r"fallbacks\[0\]"),
        (
            "openai_chat",
            [{"provider": "a", "model": "m", "key": "k"}],
            r"fallbacks\[0\]",
        ),
        ("anthropic_messages", ["a/b", {"model": "m"}], r"fallbacks\[1\]"),
    ],
)
def test_refuses_what_is_neither(make_request, dialect, field, said):
    """
    A malformed list is told by its place, and what stands there is not repeated.
    """
    with pytest.raises(InvalidRequest, match=said):
        take_fallbacks(make_request(dialect, fallbacks=field))
