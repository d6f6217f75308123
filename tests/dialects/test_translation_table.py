"""
Every row of the table of translations, in every direction between the dialects that have it.
"""

from __future__ import annotations

import pytest
import translation_table as table
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import (
    ResponseCreateParamsStreaming,
)

ROWS = table.rows()
CASES = [case for row in ROWS for case in row.cases]

#: Every correspondence between the formats, one word each, chapter by chapter: what the table
#: must have a row for.
CONCEPTS = """
max-output temperature top-p top-k stop-sequences seed penalties choices logprobs
logprobs-in-answers end-user reasoning verbosity structured service-tier moderation state
metadata prediction spoken-answers web-search-options prompt-cache stream-options logit-bias
unheard-of guardrail-settings

system-in-chat system-in-responses system-in-messages system-in-gemini system-in-converse
system-in-cohere system-later system-alone same-role user-first prefill blank-text
orphan-result missing-result result-twice result-late participant order-elsewhere function-in-chat
custom-tool function-in-responses hosted-tool function-in-messages function-in-gemini
function-in-converse function-in-cohere no-parameters tool-names history-without-tools
empty-tool-list choice-auto choice-none choice-required choice-named choice-allowed
one-call-at-a-time forced-call-and-thinking call-in-chat call-in-responses call-in-messages
call-in-gemini call-in-converse call-in-cohere custom-call no-arguments broken-arguments
call-ids failed-result image-in-result document-in-result parallel-results

image-in-base64 image-by-url image-detail image-by-file-id image-elsewhere document-in-base64
document-by-url document-by-file-id document-as-text document-cited document-elsewhere audio
audio-before video annotations

ask-in-chat ask-in-responses ask-in-messages ask-in-gemini ask-in-converse ask-in-cohere
effort-as-budget thinking-and-sampling back-in-chat back-in-responses back-in-messages
back-in-gemini back-in-converse back-in-cohere seals-come-home seals-of-others
unsealed-in-chat thinking-in-a-tool-loop

json-object text-format schema-in-chat schema-in-responses schema-in-messages
schema-in-gemini schema-in-converse schema-in-cohere schema-in-groq strictness
anthropic-schemas enforced-arguments gemini-schemas mistral-schemas

usage-in-chat usage-in-responses usage-in-messages usage-in-gemini usage-in-converse
usage-in-cohere usage-of-xai usage-of-deepseek usage-of-ollama usage-in-streams usage-missing
server-tools-used

end stop-sequence length context-full tool filtered refusal paused malformed failed
unheard-of-stop call-outweighs-end call-cut-short stops-elsewhere
""".split()

#: What a target's SDK sends; Anthropic's older models, and chat's other vendors, take more.
KNOWN = {
    "chat": {*CompletionCreateParamsStreaming.__annotations__},
    "responses": {*ResponseCreateParamsStreaming.__annotations__},
    "messages": {
        *MessageCreateParamsStreaming.__annotations__,
        *("temperature", "top_p", "top_k"),
    },
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_row(case):
    """
    What is said in one dialect is said in another, refused by name, or listed as lost.
    """
    outcome = table.run(case)

    assert outcome.refused == case.refused
    assert outcome.lost == case.lost
    assert {place: table.find(outcome.doc, place) for place in case.want} == case.want


ASKS = [case for case in CASES if case.kind == "ask" and not case.refused]


@pytest.mark.parametrize("case", ASKS, ids=lambda case: case.id)
def test_no_provider_is_sent_a_field_that_it_does_not_know(case):
    """
    Of a request nothing goes to another vendor but the fields that its own SDK sends.
    """
    assert set(table.run(case).doc) <= KNOWN[case.target]


def test_every_concept_has_a_row():
    """
    No correspondence was left out, and no row came in unasked.
    """
    assert sorted(row.id for row in ROWS) == sorted(CONCEPTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_no_direction_is_empty(row):
    """
    Each dialect that has the thing has cases to both others; of one without it that is said.
    """
    ways = {(case.source, case.target) for case in row.cases}
    said = [name for name in table.DIALECTS if name not in row.unsaid]

    if row.elsewhere:
        assert not ways
        assert not row.unsaid
    else:
        assert ways == {(a, b) for a in said for b in table.DIALECTS if a != b}
        assert said


def test_every_case_asserts_something():
    """
    A case that would hold whatever came out is none.
    """
    idle = [case.id for case in CASES if not (case.want or case.lost or case.refused)]

    assert idle == []


def test_every_case_is_on_the_page_by_one_name():
    """
    Every row's every direction has a test id on the page, and no two have the same.
    """
    page = table.PAGE.read_text()

    assert len({case.id for case in CASES}) == len(CASES) > 300
    assert [case.id for case in CASES if f"| `{case.id}` |" not in page] == []


def test_page_is_fresh():
    """
    The page tells what the translators do now: all cases are run, and written down anew.
    """
    assert table.render() == table.PAGE.read_text(), "run translation_table.py"
