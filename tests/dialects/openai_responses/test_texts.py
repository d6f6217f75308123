"""
Texts of requests and whole responses.
"""

from __future__ import annotations

import pytest

from gateway.neutral import Seal
from gateway.views import Request, Response, SealedError


class TestRequest:
    def test_no_string_escapes(self, kit):
        """
        A canary in any string of a request that says everything comes out, and goes.
        """
        doc = kit.example("request")

        missed = kit.missed(doc, lambda planted: Request(kit.dialect, doc=planted))

        assert missed == []

    def test_no_unknown_member_escapes(self, kit):
        """
        A member that nobody has heard of comes out wherever it stands, its name too.
        """
        doc = kit.example("request")

        assert kit.unheard_of(doc, lambda new: Request(kit.dialect, doc=new)) == []

    def test_example_has_no_text_that_is_unknown(self, kit):
        """
        What the reference describes is known: only metadata are strings of no known kind.
        """
        request = Request(kit.dialect, doc=kit.example("request"))

        unknown = [text.value for text in request.texts() if text.kind == "unknown"]

        assert unknown == ["trip", "to the sea", "name", "Jane Doe"]

    def test_order_is_the_documents(self, kit):
        """
        Texts come in the order in which they stand in the body.
        """
        request = kit.request(
            instructions="one",
            input=[
                {"role": "user", "content": "two"},
                {
                    "type": "function_call",
                    "call_id": "c",
                    "name": "f",
                    "arguments": '"three"',
                },
                {"type": "function_call_output", "call_id": "c", "output": "four"},
                {
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "five"}],
                },
            ],
        )

        texts = [(text.value, text.kind, text.role) for text in request.texts()]

        assert texts == [
            ("one", "message", "system"),
            ("two", "message", "user"),
            ("three", "tool_arguments", "assistant"),
            ("four", "tool_result", "tool"),
            ("five", "message", "assistant"),
        ]

    def test_lanes_are_unique_by_position(self, kit):
        """
        No two pieces of a conversation share a lane.
        """
        parts = [{"type": "input_text", "text": "x"}] * 2
        request = kit.request(
            input=[{"role": "user", "content": parts}, {"role": "user", "content": "y"}]
        )

        lanes = [text.lane for text in request.texts()]

        assert len(set(lanes)) == len(lanes) == 3

    @pytest.mark.parametrize(
        "members",
        [
            {"prompt": {"id": "p", "variables": ["x y"]}},
            {"moderation": {"input": {"categories": ["x y"]}}},
            {"moderation": {"input": {"categories": {"x y": True}}}},
            {"input": {"x": "x y"}},
            {"tools": "x y"},
            {"metadata": "x y"},
        ],
        ids=str,
    )
    def test_settings_of_another_shape_hide_nothing(self, kit, members):
        """
        A setting that is not what the reference says is looked through.
        """
        assert "x y" in [text.value for text in kit.request(**members).texts()]

    def test_empty_strings_are_no_texts(self, kit):
        """
        Where nothing is said there is nothing to judge.
        """
        request = kit.request(input=[{"role": "user", "content": ""}], instructions="")

        assert request.texts() == []


class TestSeals:
    def item(self, data):
        return {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Thought."}],
            "encrypted_content": data,
        }

    def test_another_vendors_reasoning_is_sealed_toward_the_provider(self, kit):
        """
        What a signature covers cannot be edited in a request.
        """
        seal = Seal(dialect="anthropic_messages", data="sig").wrap()
        (text,) = kit.request(input=[self.item(seal)]).texts()

        with pytest.raises(SealedError):
            text.replace("Else.")

    def test_own_summary_is_not_sealed(self, kit):
        """
        The vendor reads its encrypted content, not the summary beside it.
        """
        request = kit.request(input=[self.item("gAAAA")])

        request.texts()[0].replace("Else.")

        assert request.doc["input"][0]["summary"][0]["text"] == "Else."
        assert request.doc["input"][0]["encrypted_content"] == "gAAAA"

    def test_an_edit_in_an_answer_breaks_the_seal(self, kit):
        """
        The caller does not get a signature that does not cover what stands beside it.
        """
        seal = Seal(dialect="anthropic_messages", data="sig").wrap()
        response = kit.response({"output": [self.item(seal)]})

        response.texts()[0].replace("Else.")

        assert response.doc["output"][0]["encrypted_content"] is None


class TestResponse:
    @pytest.mark.parametrize("name", ["response", "failed", "error"])
    def test_no_string_escapes(self, kit, name):
        """
        A canary in any string of a response, or of an error, comes out, and goes.
        """
        doc = kit.example("responses")[name]

        missed = kit.missed(doc, lambda planted: Response(kit.dialect, doc=planted))

        assert {path[-1] for path in missed} <= {"token"}

    @pytest.mark.parametrize("name", ["response", "failed", "error"])
    def test_no_unknown_member_escapes(self, kit, name):
        """
        A member that nobody has heard of comes out wherever it stands, its name too.
        """
        doc = kit.example("responses")[name]

        missed = kit.unheard_of(doc, lambda new: Response(kit.dialect, doc=new))

        assert missed == []

    def test_examples_are_valid(self, kit):
        """
        The vendor's SDK accepts the examples that these tests stand on.
        """
        examples = kit.example("responses")

        kit.valid_response(examples["response"])
        kit.valid_response(examples["failed"])

    def test_editing_blanks_log_probabilities(self, kit):
        """
        Tokens that repeat a text go when it is edited.
        """
        part = {
            "type": "output_text",
            "text": "secret",
            "annotations": [],
            "logprobs": [{"token": "secret", "logprob": -1.0, "bytes": []}],
        }
        message = {"type": "message", "role": "assistant", "content": [part]}
        response = kit.response({"output": [message]})

        response.texts()[0].replace("[gone]")

        assert part["logprobs"] == []

    @pytest.mark.parametrize(
        ("tokens", "found"),
        [
            ([" secret", " plan"], [" secret", " plan"]),
            (["secret ", "plan"], []),
            (["secret plan", ["more words"]], ["more words"]),
        ],
        ids=str,
    )
    def test_tokens_that_do_not_spell_their_text_are_texts(self, kit, tokens, found):
        """
        Log probabilities are passed over as long as they say what stands beside them.
        """
        likely = [{"token": token, "logprob": -1.0, "bytes": []} for token in tokens]
        part = {"type": "output_text", "text": "secret plan", "logprobs": likely}
        message = {"type": "message", "role": "assistant", "content": [part]}

        texts = kit.response({"output": [message]}).texts()

        assert [text.value for text in texts] == ["secret plan", *found]

    def test_arguments_are_edited_as_json(self, kit):
        """
        Only the string that was found is written anew in a call's arguments.
        """
        call = {
            "type": "function_call",
            "call_id": "c",
            "name": "f",
            "arguments": '{"to": "Jane Doe", "n": 1.50}',
        }
        response = kit.response({"output": [call]})

        next(t for t in response.texts() if t.value == "Jane Doe").replace("[name]")

        assert call["arguments"] == '{"to": "[name]", "n": 1.50}'

    @pytest.mark.parametrize("doc", ["a bare string", ["in a list"], {"x": ["y z"]}])
    def test_any_json_is_walked(self, kit, doc):
        """
        A body that is no response at all hides nothing.
        """
        response = kit.response(doc)

        for text in response.texts():
            text.replace("gone")

        assert "gone" in response.encode().decode()
        assert not {b"bare", b"list", b"y z"} & set(response.encode().split())
