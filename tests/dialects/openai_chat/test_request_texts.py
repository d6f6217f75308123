from __future__ import annotations

import pytest


@pytest.fixture
def example(kit):
    return kit.example("request")


def texts_of(kit, doc):
    return kit.request(doc).texts()


def text_of(kit, doc, value):
    (text,) = [text for text in texts_of(kit, doc) if text.value == value]
    return text


class TestClosedWorld:
    def test_no_string_is_passed_over(self, kit, example):
        """
        Whatever string of a request a caller fills with words, a guardrail sees it.
        """
        paths = list(kit.strings(example))

        missed = [
            path
            for path in paths
            if kit.canary
            not in kit.values(
                kit.request(kit.changed(example, path, lambda _: kit.canary))
            )
        ]

        assert len(paths) > 150
        assert missed == []

    @pytest.mark.parametrize("value", ["words here", 1, None], ids=str)
    def test_no_new_member_is_passed_over(self, kit, example, value):
        """
        A member that nobody has heard of is text, its name and its value.
        """
        wanted = {kit.canary, value} if isinstance(value, str) else {kit.canary}

        missed = [
            path
            for path in kit.objects(example)
            if not wanted
            <= set(
                kit.values(
                    kit.request(
                        kit.changed(
                            example, path, lambda box: {**box, kit.canary: value}
                        )
                    )
                )
            )
        ]

        assert missed == []

    @pytest.mark.parametrize(
        "wrap", [lambda v: [v], lambda v: {"a": v}], ids=["list", "object"]
    )
    def test_no_value_of_another_type_is_passed_over(self, kit, example, wrap):
        """
        Words are found where the vendor documents something else.
        """
        missed = [
            path
            for path in kit.strings(example)
            if kit.canary
            not in kit.values(
                kit.request(kit.changed(example, path, lambda _: wrap(kit.canary)))
            )
        ]

        assert missed == []

    def test_strings_inside_arguments(self, kit):
        """
        Arguments are seen string by string, decoded, names included.
        """
        function = {"name": "f", "arguments": '{"to": "a\\u0020b"}'}
        call = {"id": "c", "type": "function", "function": function}
        doc = {"messages": [{"role": "assistant", "tool_calls": [call]}]}

        assert kit.values(kit.request(doc)) == ["f", "to", "a b"]


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "speaker"),
        [
            ("system", "system"),
            ("developer", "system"),
            ("user", "user"),
            ("assistant", "assistant"),
            ("tool", "tool"),
            ("function", "tool"),
            ("critic", "user"),
        ],
    )
    def test_who_speaks(self, kit, role, speaker):
        """
        A message's texts have the role of who said them; a new role is a user's.
        """
        doc = {"messages": [{"role": role, "content": "said so"}]}

        assert text_of(kit, doc, "said so").role == speaker

    def test_tools_speak_results(self, kit):
        """
        What a tool gives back is of its own kind.
        """
        doc = {"messages": [{"role": "tool", "tool_call_id": "c", "content": "3 C"}]}

        assert text_of(kit, doc, "3 C").kind == "tool_result"

    @pytest.mark.parametrize("role", [["user"], {"a": "b"}, 1, None], ids=str)
    def test_role_of_another_type(self, kit, role):
        """
        A role that is no string hides nothing and breaks nothing.
        """
        doc = {"messages": [{"role": role, "content": "said so"}]}

        assert "said so" in kit.values(kit.request(doc))


class TestKinds:
    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ("Answer briefly.", "message"),
            ("ann", "name"),
            ("some words", "document"),
            ("secret plans.pdf", "document"),
            ("Oslo", "schema"),
            ("Tells the weather.", "tool_definition"),
            ("Probably this.", "prediction"),
            ("person@example.org", "name"),
            ("3 C and rain", "tool_result"),
            ("Not that.", "refusal"),
            ("Spoken words", "transcript"),
            ("A page", "annotation"),
        ],
    )
    def test_kind(self, kit, example, value, kind):
        """
        Texts are of the kinds that guardrails choose by.
        """
        kinds = {text.kind for text in texts_of(kit, example) if text.value == value}

        assert kind in kinds

    def test_identifiers_and_media_are_no_texts(self, kit, example):
        """
        What nobody wrote is passed over while it looks as it should.
        """
        values = kit.values(kit.request(example))

        for value in ("call_1", "gpt-5-mini", "tenant-1", "c2lnbmVk", "low"):
            assert value not in values

    def test_lanes_are_unique_by_message(self, kit):
        """
        The same words at two places are two texts.
        """
        doc = {"messages": [{"role": "user", "content": "x y"}] * 2}

        lanes = {text.lane for text in texts_of(kit, doc)}

        assert len(lanes) == 2


class TestEdits:
    def test_text_document_is_edited_decoded(self, kit, example):
        """
        A text document's words are replaced inside its base64.
        """
        request = kit.request(example)
        (text,) = [text for text in request.texts() if text.value == "some words"]

        text.replace("[gone]")

        assert b"data:text/plain;base64,W2dvbmVd" in request.encode()

    def test_signed_thinking_is_sealed(self, kit, example):
        """
        What a signature covers cannot be edited; the same words beside it can.
        """
        found = [
            text.sealed
            for text in texts_of(kit, example)
            if text.value == "They want to know."
        ]

        assert sorted(found) == [False, True]
