from __future__ import annotations

import json

import pytest

from gateway.dialects.openai_chat.offers import callers_tools
from gateway.errors import InvalidRequest
from gateway.neutral import ToolCall


def raw(kit, **fields):
    doc = {"model": "m", "messages": [], **fields}
    return kit.raw_request(json.dumps(doc).encode())


class TestCheck:
    @pytest.mark.parametrize(
        "fields",
        [
            {"messages": None},
            {"messages": "x"},
            {"model": ""},
            {"stream": "yes"},
            {"max_tokens": "100"},
            {"max_completion_tokens": 1.5},
            {"n": "4"},
            {"n": True},
            {"n": 0},
            {"stream_options": []},
        ],
        ids=repr,
    )
    def test_refused(self, kit, fields):
        """
        What bounds the cost must be what it seems to be.
        """
        with pytest.raises(InvalidRequest):
            raw(kit, **fields)

    def test_fields_nobody_knows(self, kit):
        """
        A field that this project has never heard of is no fault.
        """
        request = raw(kit, brand_new={"a": 1})

        assert b"brand_new" in request.encode()


class TestCap:
    @pytest.mark.parametrize(
        ("fields", "cap"),
        [
            ({}, None),
            ({"max_tokens": 5}, 5),
            ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
            ({"max_tokens": -1}, None),
            ({"max_tokens": -1, "max_completion_tokens": 7}, None),
            ({"max_tokens": None}, None),
        ],
        ids=repr,
    )
    def test_read(self, kit, fields, cap):
        """
        The cap is the most that any vendor would answer.
        """
        assert raw(kit, **fields).max_output_tokens == cap

    @pytest.mark.parametrize(
        ("fields", "written"),
        [
            ({}, {"max_completion_tokens": 3}),
            ({"max_tokens": 5}, {"max_tokens": 3}),
            ({"max_tokens": None}, {"max_tokens": None, "max_completion_tokens": 3}),
            (
                {"max_tokens": 5, "max_completion_tokens": 7},
                {"max_tokens": 3, "max_completion_tokens": 3},
            ),
        ],
        ids=repr,
    )
    def test_written(self, kit, fields, written):
        """
        Every spelling that the caller used is set, and nothing else changes.
        """
        request = raw(kit, **fields)

        request.max_output_tokens = 3

        assert json.loads(request.encode()) == {"model": "m", "messages": [], **written}


class TestUsage:
    def test_asked_for(self, kit):
        """
        Asking changes no other byte, and is hidden from who did not ask.
        """
        body = b'{"model": "m", "messages": [], "stream": true,  "x": 1e2}'
        request = kit.raw_request(body)

        hides = kit.dialect.ask_for_usage(request)

        assert hides
        added = b'"stream_options":{"include_usage":true},'
        assert request.encode() == body.replace(b"{", b"{" + added, 1)
        assert request.edits == ("stream_options",)

    @pytest.mark.parametrize(
        "options",
        [None, {}, {"include_usage": False, "include_obfuscation": True}],
        ids=repr,
    )
    def test_options_are_kept(self, kit, options):
        """
        Options that are there already stay.
        """
        request = raw(kit, stream=True, stream_options=options)

        assert kit.dialect.ask_for_usage(request)
        found = json.loads(request.encode())["stream_options"]
        assert found == {**(options or {}), "include_usage": True}

    @pytest.mark.parametrize(
        "fields",
        [{}, {"stream": True, "stream_options": {"include_usage": True}}],
        ids=["whole", "asked"],
    )
    def test_nothing_to_do(self, kit, fields):
        """
        A whole answer tells anyway, and who asked is not hidden anything.
        """
        request = raw(kit, **fields)

        assert not kit.dialect.ask_for_usage(request)
        assert request.edits == ()

    @pytest.mark.parametrize(
        ("doc", "is_only"),
        [
            ({"choices": [], "usage": {"prompt_tokens": 3}}, True),
            ({"choices": [], "usage": None}, False),
            ({"choices": [], "prompt_filter_results": []}, False),
            ({"choices": [], "usage": {"a": 1}, "moderation": {}}, False),
            ({"choices": [{"index": 0}], "usage": {"prompt_tokens": 3}}, False),
        ],
        ids=["usage", "null", "filters", "moderation", "with a choice"],
    )
    def test_usage_only(self, kit, doc, is_only):
        """
        Only a chunk that says nothing else may be hidden.
        """
        assert kit.dialect.is_usage_only(kit.chunk({"id": "x", **doc})) is is_only

    def test_usage_only_without_parsing(self, kit):
        """
        A chunk without usage is not parsed for it.
        """
        chunk = kit.chunk(kit.event({"content": "x"}))

        assert not kit.dialect.is_usage_only(chunk)
        assert chunk._doc is None


class TestTools:
    def test_kinds(self, kit):
        """
        Tools of every kind are known, and which of them the provider runs.
        """
        request = kit.request(kit.example("request"))

        found = [(tool.name, tool.kind, tool.is_hosted) for tool in request.tools]

        assert found == [
            ("get_weather", "function", False),
            ("run_sql", "custom", False),
            ("browser", "browser", True),
            ("old_way", "function", False),
            ("web_search", "web_search", True),
        ]

    @pytest.mark.parametrize("tools", [None, "x", [1], [{}], [{"type": 3}]], ids=repr)
    def test_malformed(self, kit, tools):
        """
        Tools that are none break nothing.
        """
        found = kit.request({"model": "m", "tools": tools}).tools

        assert all(isinstance(tool.name, str) for tool in found)

    def test_callers(self, kit):
        """
        Calls come back by the caller's names, whole, malformed tools passed over.
        """
        long = "x" * 600
        tools = [
            *({"type": "function", "function": {"name": long}}, {"type": "web_search"}),
            {"type": "custom", "custom": {"name": "g.h"}},
            *({"type": "function", "function": 3}, {"type": []}, "x"),
        ]
        request = kit.asked(tools=tools, functions=[{"name": "old"}, {"name": 1}])
        offered = callers_tools(request)

        found = [
            offered.restored(ToolCall(id="1", name=name))
            for name in (long, "g_h", "old", "web_search")
        ]

        assert found == [
            (long, False),
            ("g.h", True),
            ("old", False),
            ("web_search", False),
        ]
