from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.providers import headers


class TestPick:
    def test_takes_what_is_named(self):
        """
        Only named headers cross, in whatever case they came.
        """
        came = CIMultiDict(
            {"OpenAI-Beta": "a", "Cookie": "c", "X-Forwarded-For": "::1"}
        )

        assert headers.pick(came, ("openai-beta",)) == {"openai-beta": "a"}

    def test_joins_several_of_one_name(self):
        """
        A list that came in several lines is one list (RFC 9110 section 5.3).
        """
        came = CIMultiDict([("anthropic-beta", "a"), ("Anthropic-Beta", "b,c")])

        picked = headers.pick(came, ("anthropic-beta",))

        assert picked == {"anthropic-beta": "a, b,c"}

    @pytest.mark.parametrize(
        "value",
        [
            "a\r\nx-api-key: b",
            "a\nb",
            "a\x00",
            "na\u00efve",
            "a\udc80",
            "",
            " ",
            "x" * 4097,
        ],
    )
    def test_drops_values_that_are_none(self, value):
        """
        What another parser could read otherwise does not cross.
        """
        assert headers.pick(CIMultiDict({"openai-beta": value}), ("openai-beta",)) == {}

    def test_keeps_values_verbatim(self):
        """
        Blanks and tabs within a value stay as they came.
        """
        assert headers.is_value("a,b;\tq=0.5, c")


class TestPickAnswer:
    came = CIMultiDict(
        {
            "Retry-After": "3",
            "retry-after-ms": "2500",
            "x-should-retry": "true",
            "Set-Cookie": "session=1",
            "openai-organization": "org-123",
            "x-envoy-upstream-host": "10.0.0.7",
            "Server": "internal-7",
            "Request-Id": "req_011",
            "X-RateLimit-Remaining-Requests": "9",
            "anthropic-ratelimit-tokens-remaining": "8",
        }
    )

    def test_tells_the_caller_what_concerns_it(self):
        """
        Organisations, hosts, cookies and the limits of a shared credential stay here.
        """
        assert headers.pick_answer(self.came, is_callers=False) == {
            "retry-after": "3",
            "retry-after-ms": "2500",
            "x-should-retry": "true",
            "x-gw-upstream-request-id": "req_011",
        }

    def test_tells_a_caller_of_its_own_limits(self):
        """
        Limits of the caller's own credential are for the caller.
        """
        told = headers.pick_answer(self.came, is_callers=True)

        assert told["x-ratelimit-remaining-requests"] == "9"
        assert told["anthropic-ratelimit-tokens-remaining"] == "8"
        assert "set-cookie" not in told


class TestUpstreamId:
    @pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id"])
    def test_finds_each_spelling(self, name):
        """
        Each vendor calls its id otherwise.
        """
        assert headers.find_upstream_id(CIMultiDict({name: "req_1"})) == "req_1"

    @pytest.mark.parametrize("value", ["", "a b", "a\nb", "x" * 129])
    def test_believes_no_other_text(self, value):
        """
        An id that could not stand in a log line or a header is none.
        """
        assert headers.find_upstream_id(CIMultiDict({"x-request-id": value})) is None
